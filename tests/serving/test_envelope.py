"""Around every answer: an id, headers, a line without secrets; and errors that tell nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from structlog.testing import capture_logs

from serving.app import create_app
from tests.serving.conftest import NOW, PLENTY, World
from varai.kernel import Misconfigured
from varai.settings import load

SECRET = "Bearer secret-looking-thing"


def test_every_answer_has_an_id_and_headers(world: World, bearer: dict[str, str]) -> None:
    for path in ("/health/live", "/v1/sync", "/nowhere", "/docs", "/metrics"):
        answer = world.eu.get(path, headers=bearer)
        assert answer.headers["x-request-id"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_given_id_is_kept_when_it_is_one(world: World) -> None:
    assert (
        world.eu.get("/health/live", headers={"X-Request-ID": "order-12345678"}).headers["x-request-id"]
        == "order-12345678"
    )
    assert world.eu.get("/health/live", headers={"X-Request-ID": "a b"}).headers["x-request-id"] != "a b"


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("DELETE", "/v1/products", 405)])
def test_what_is_not_there_is_a_problem(world: World, method: str, path: str, status: int) -> None:
    answer = world.eu.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_the_log_says_who_and_what_and_no_secret(world: World, bearer: dict[str, str]) -> None:
    with capture_logs() as lines:
        world.eu.get("/v1/products", params={"brand": "someone@example.com"}, headers=bearer)
        world.eu.get("/v1/products", headers={"Authorization": SECRET})
    assert [(line["tenant"], line["route"], line["status"]) for line in lines] == [
        ("northwind-eu", "/v1/products", 200),
        (None, "/v1/products", 401),
    ]
    said = json.dumps(lines)
    assert not [secret for secret in (bearer["Authorization"][7:], "secret-looking", "someone@") if secret in said]


def test_a_mistake_of_ours_tells_nothing(world: World) -> None:
    app = create_app(world.settings, "eu", allowances=PLENTY, clock=lambda: NOW)

    def broken() -> None:
        raise ZeroDivisionError("personal@example.com")

    app.add_api_route("/broken", broken)
    with capture_logs() as lines:
        answer = TestClient(app).get("/broken")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "personal" not in answer.text
    assert "personal" not in json.dumps(lines)
    assert any("test_envelope.py" in place for line in lines for place in line.get("at", []))


def test_figures_name_routes_and_no_tenant(world: World, bearer: dict[str, str]) -> None:
    world.eu.get("/v1/sync", headers=bearer)
    text = world.eu.get("/metrics").text
    assert 'varai_http_requests_total{method="GET",route="/v1/sync",status="200"}' in text
    assert "northwind" not in text


def test_ready_when_registry_and_keys_can_be_read(world: World) -> None:
    assert world.eu.get("/health/ready").json() == {"status": "ready", "region": "eu"}


def test_alive_and_not_ready_without_a_registry(tmp_path: Path) -> None:
    home = {"VARAI_HOME": str(tmp_path), "VARAI_STORES__EU__DOCUMENTS_URI": "mongodb://127.0.0.1:1/"}
    client = TestClient(create_app(load(home), "eu"))
    assert client.get("/health/live").status_code == 200
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")


@pytest.mark.parametrize(("region", "surfaces"), [("mars", ["shop"]), ("eu", ["shop", "cellar"]), ("eu", [])])
def test_a_wrong_start_is_a_sentence(world: World, region: str, surfaces: list[str]) -> None:
    with pytest.raises(Misconfigured):
        create_app(world.settings, region, surfaces)
