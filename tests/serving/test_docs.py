"""The page of the API needs nobody else's server, and shows every operation."""

from __future__ import annotations

import json
import re

import pytest

from tests.serving.conftest import World

ELSEWHERE = re.compile(
    r"""(?:src|href)\s*=\s*["']?\s*(?:https?:)?//|@import|url\(\s*["']?(?:https?:)?//|import\s*\(|from\s+["']http"""
)


@pytest.mark.parametrize("path", ["/docs", "/docs/page.js", "/docs/page.css"])
def test_the_page_asks_no_other_server(world: World, path: str) -> None:
    answer = world.eu.get(path)
    assert answer.status_code == 200
    assert not ELSEWHERE.search(answer.text)


def test_the_page_s_policy_lets_it_speak_to_its_own_server_alone(world: World) -> None:
    policy = world.eu.get("/docs").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_the_page_holds_the_document(world: World) -> None:
    text = world.eu.get("/docs").text
    held = json.loads(text.split('<script id="document" type="application/json">')[1].split("</script>")[0])
    document = world.eu.get("/openapi.json").json()
    assert {name: value for name, value in held.items() if name != "x-problems"} == document
    assert "not-published" in held["x-problems"]


def test_every_operation_has_words(world: World) -> None:
    paths = world.eu.get("/openapi.json").json()["paths"]
    for path, operations in paths.items():
        for operation in operations.values():
            assert operation.get("description"), f"{path} has no description."


def test_there_are_no_other_parts(world: World) -> None:
    for name in ("page.html", "..%2fapp.py", "nothing"):
        assert world.eu.get(f"/docs/{name}").status_code == 404
