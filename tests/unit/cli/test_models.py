"""An operator sees what is served beside the floor, goes back, decides, and cannot delete what is served."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from click.testing import Result

from tests.unit.learning.shops import product, publish_marts, sales
from varai.kernel import Scope
from varai.learning import turns
from varai.privacy import audit
from varai.registry import seed
from varai.settings import Seed, Settings, load

Run = Callable[..., Result]


@pytest.fixture
def settings(settings: Settings, registry_url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """With a registry of models for both regions."""
    for region in settings.regions:
        monkeypatch.setenv(f"VARAI_STORES__{region.upper()}__REGISTRY_URL", registry_url)
    return load()


def shown(row: dict[str, Any]) -> str:
    """The part of a champion's line that says how it was judged."""
    mean, low, high = row["difference"]
    figures = f"{float(row['metric']):.4f} {float(row['floor']):.4f} {mean:+.4f} [{low:+.4f}, {high:+.4f}]"
    return f"champion {row['version']} {figures} {row['recipe']['candidate']}"


def acts(scope: Scope) -> list[tuple[str, str]]:
    """What was done to the recommender's versions, and to which, as the audit has it; the oldest first."""
    told, name = reversed(audit.entries(scope)), f"{scope.region}.{scope.tenant}.recommender"
    own = [one for one in told if one.action.startswith("model.")]
    return [(one.action.removeprefix("model."), (one.subject or "").removeprefix(name).lstrip("/")) for one in own]


def pairs(acts: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """How acts that were carried out stand in the audit, before and after; of a rollback the version is known after."""
    return [
        (f"{act}.{when}", "" if (act, when) == ("rollback", "begun") else number)
        for act, number in acts
        for when in ("begun", "done")
    ]


def test_an_operator_trains_looks_compares_and_goes_back(settings: Settings, varai: Run) -> None:
    scope, tenant = settings.scope("eu"), f"shop-{uuid4().hex[:8]}"
    first = settings.seeds[0].tenant.model_copy(update={"name": tenant, "region": "eu"})
    seed(scope, [Seed(tenant=first, feeds=())])
    where = ("--region", "eu", "--tenant", tenant)

    def listed() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(varai("models", "list", *where, "--json").stdout)
        return found

    assert [(row["version"], row["state"]) for row in listed()] == [(None, "never trained")]
    early = varai("models", "train", *where)
    assert early.exit_code == 0
    assert f"eu {tenant}: too little. Nothing is published" in early.stdout
    offered = [product(number) for number in range(42)]
    publish_marts(scope, sales(1, taste=True), offered, ", trainable", tenant)
    failed = varai("models", "train", *where)
    assert failed.exit_code == 1
    assert f"eu {tenant}: failed." in failed.stdout
    for number in (1, 2):
        publish_marts(scope, sales(number, taste=True), offered, tenant=tenant)
        trained = varai("models", "train", *where)
        assert trained.exit_code == 0, trained.output
        assert "served." in trained.stdout
    rows = listed()
    assert [(row["version"], row["champion"], row["state"]) for row in rows] == [(2, True, "served"), (1, False, "")]
    gained = [float(row["metric"]) - float(row["floor"]) for row in rows]
    assert [row["difference"][0] for row in rows] == pytest.approx(gained, abs=2e-6)
    assert all(0 < row["difference"][1] < row["difference"][0] < row["difference"][2] for row in rows)
    compared = varai("models", "compare", *where, "2", "1").stdout
    assert "version 2, when trained:" in compared
    assert "subjects judged" in compared
    back = varai("models", "rollback", *where, "--reason", "worse in the shop")
    assert "Version 1 is the champion" in back.stdout
    assert [row["champion"] for row in listed()] == [False, True]
    refused = varai("models", "delete", *where, "1", "--reason", "tidy")
    assert refused.exit_code == 1
    assert "in-use" in refused.stderr
    promoted = varai("models", "promote", *where, "2", "--reason", "it was right")
    assert promoted.exit_code == 0, promoted.output
    assert varai("models", "delete", *where, "1", "--reason", "tidy").exit_code == 0
    assert [(row["version"], row["champion"]) for row in listed()] == [(2, True)]
    done, after = [("promotion", "1"), ("promotion", "2"), ("rollback", "1")], [("promotion", "2"), ("deletion", "1")]
    assert acts(settings.scope("eu", tenant)) == [*pairs(done), ("deletion.begun", "1"), *pairs(after)]
    table = varai("models", "list", *where).stdout
    assert shown(rows[0]) in " ".join(table.split())
    unknown = varai("models", "train", "--region", "eu", "--tenant", "nobody")
    assert (unknown.exit_code, "There is no tenant 'nobody'" in unknown.stderr) == (1, True)


def test_an_operator_waits_for_who_moves_the_champion(
    settings: Settings, varai: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = settings.scope("eu", f"shop-{uuid4().hex[:8]}")
    where = ("--region", "eu", "--tenant", str(scope.tenant), "--reason", "it was right")
    monkeypatch.setattr(turns, "PATIENCE_S", 0.0)
    for command in (("promote", "1"), ("rollback",), ("delete", "1")):
        with turns.turn(scope, "recommender", "training r1"):
            assert "being worked on by training r1" in varai("models", *command, *where).stderr
        assert "gone" in varai("models", *command, *where).stderr
