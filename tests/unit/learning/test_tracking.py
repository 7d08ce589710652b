"""The registry keeps pointers, moves its champion whole, goes back, and never loses what is behind a champion."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.conftest import free_port
from varai.kernel import Gone, InUse, Malformed, Misconfigured, Scope, Unavailable
from varai.learning.bundle import mapping_version
from varai.learning.registered import registered_name
from varai.learning.tracking import Registry
from varai.learning.words import Pointer
from varai.settings import load

POINTER = Pointer(
    region="eu",
    bundle="models/acme/recommender/0123456789abcdef.npz.sealed",
    sha256="0123456789abcdef" * 4,
    snapshot="s1",
    mapping=mapping_version(),
    code="0.1.0+abc",
    suites="{}",
    trained_at="2026-11-26T04:00:00+00:00",
    metric="0.120000",
    floor="0.100000",
    difference="[0.02, 0.01, 0.03]",
    recipe='{"candidate":"ease","settings":{"l2":100.0}}',
    serves="candidate",
    decision="Ease beats the floor.",
)
Open = Callable[..., Scope]


@pytest.fixture
def scope(tmp_path: Path, registry_url: str) -> Scope:
    """A tenant nobody else has, in the registry of the session."""
    return scope_at(tmp_path, registry_url)


def scope_at(home: Path, url: str) -> Scope:
    found = {"VARAI_HOME": str(home), "VARAI_STORES__EU__DOCUMENTS_URI": "mongodb://127.0.0.1:1/"}
    return load(found | {"VARAI_STORES__EU__REGISTRY_URL": url}).scope("eu", f"t{uuid4().hex[:12]}")


def registered(scope: Scope, count: int) -> tuple[Registry, str]:
    registry, name = Registry(scope), registered_name(scope, "recommender")
    for number in range(count):
        registry.register(name, replace(POINTER, snapshot=f"s{number + 1}"), "# card\n", {"served": 0.1 * number})
    return registry, name


def served(scope: Scope, name: str) -> str | None:
    """What serving would be told, over HTTP and without our client."""
    asked = {"name": name, "alias": "champion"}
    url = f"{scope.registry_url}/api/2.0/mlflow/registered-models/alias"
    answer = httpx.get(url, params=asked, timeout=30, trust_env=False)
    if answer.status_code != httpx.codes.OK:
        return None
    tags = {tag["key"]: tag["value"] for tag in answer.json()["model_version"]["tags"]}
    return str(tags["varai.snapshot"])


def test_a_version_tells_its_pointer_and_its_files_hold_nothing_else(scope: Scope) -> None:
    registry, name = registered(scope, 1)
    (version,) = registry.versions(name)
    assert version.pointer == replace(POINTER, snapshot="s1")
    assert registry.names(scope.tenant) == [name]
    assert registry.champion(name) is None
    assert served(scope, name) is None
    folder = Path(registry._client.download_artifacts(version.run_id, "model"))
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files == {
        "MLmodel", "card.md", "conda.yaml", "data/pointer.json", "input_example.json", "python_env.yaml",
        "requirements.txt", "serving_input_example.json",
    }  # fmt: skip
    assert json.loads((folder / "data/pointer.json").read_text()) == version.pointer.tags()
    assert "loader_module: varai.learning.pyfunc" in (folder / "MLmodel").read_text()
    assert (folder / "card.md").read_text() == "# card\n"


def test_promotion_and_rollback_change_what_serving_is_told(scope: Scope) -> None:
    registry, name = registered(scope, 3)
    for number in (1, 2, 3):
        registry.promote(name, number)
        assert served(scope, name) == f"s{number}"
    assert registry.rollback(name, "worse in the shop").number == 2
    assert served(scope, name) == "s2"
    assert registry.held(name) == "worse in the shop"
    assert registry.rollback(name, "and this one").number == 1  # further back, not to and fro
    assert served(scope, name) == "s1"
    with pytest.raises(Gone):
        registry.rollback(name, "once more")
    assert served(scope, name) == "s1"
    registry.promote(name, 3)
    assert (served(scope, name), registry.held(name)) == ("s3", None)
    assert registry.rollback(name, "no").number == 1


def test_a_training_s_promotion_keeps_what_a_person_said(scope: Scope) -> None:
    registry, name = registered(scope, 3)
    registry.promote(name, 1)
    registry.promote(name, 2)
    registry.rollback(name, "worse in the shop")
    registry.promote(name, 3, release=False)
    assert registry.held(name) == "worse in the shop"


def test_a_champion_set_by_hand_goes_back_to_what_was_before_it(scope: Scope) -> None:
    registry, name = registered(scope, 3)
    for number in (1, 2, 3):
        registry.promote(name, number)
    registry._client.set_registered_model_alias(name, "champion", "2")  # as MLflow's page does
    assert registry.rollback(name, "not this one either").number == 1
    registry._client.set_registered_model_alias(name, "champion", "3")  # one that history does not know by now
    assert registry.rollback(name, "nor this").number == 1


def test_a_run_behind_a_champion_is_not_deleted(scope: Scope) -> None:
    registry, name = registered(scope, 2)
    registry.promote(name, 1)
    registry.promote(name, 2)
    with pytest.raises(InUse, match="Version 2"):
        registry.delete(name, 2)
    assert served(scope, name) == "s2"
    registry.delete(name, 1)
    assert [one.number for one in registry.versions(name)] == [2]
    with pytest.raises(Gone):
        registry.rollback(name, "to what is gone")
    with pytest.raises(Gone):
        registry.promote(name, 1)


def test_a_version_of_another_mapping_is_neither_promoted_nor_gone_back_to(scope: Scope) -> None:
    registry, name = registered(scope, 1)
    registry.promote(name, 1)
    old = registry.register(name, replace(POINTER, mapping="0" * 16), "# card\n", {})
    with pytest.raises(Malformed, match=r"another mapping .* `varai models train`"):
        registry.promote(name, old.number)
    assert served(scope, name) == "s1"
    registry._client.set_registered_model_tag(
        name, "varai.history", f"[{old.number}, 1]"
    )  # as a release before left it
    with pytest.raises(Malformed, match="another mapping"):
        registry.rollback(name, "worse in the shop")
    assert (served(scope, name), registry.held(name)) == ("s1", None)


def test_a_tenant_whose_name_begins_another_s_is_told_apart(scope: Scope) -> None:
    registry, name = registered(scope, 1)
    longer = f"{scope.region}.{scope.tenant}x.recommender"
    registry.register(longer, POINTER, "# card\n", {})
    assert registry.names(scope.tenant) == [name]


def test_a_version_of_somebody_else_is_malformed() -> None:
    with pytest.raises(Malformed, match=r"varai\.recipe"):
        Pointer.read({key: value for key, value in POINTER.tags().items() if key != "varai.recipe"})


def test_a_registry_that_is_down_or_not_set_says_so_at_once(tmp_path: Path) -> None:
    down = Registry(scope_at(tmp_path, f"http://127.0.0.1:{free_port()}"))
    with pytest.raises(Unavailable, match="'eu'"):
        down.versions("eu.acme.recommender")
    with pytest.raises(Misconfigured, match="VARAI_STORES__EU__REGISTRY_URL"):
        Registry(scope_at(tmp_path, ""))
