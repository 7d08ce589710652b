"""A batch goes the whole road: each tenant ends in a state of its own, a champion answers, and nothing personal leaves the bucket."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from tests.unit.learning.shops import Row, product, publish_marts, sales
from varai.kernel import Misconfigured, Untrained
from varai.learning import bundle, parcels, steps, turns
from varai.learning.parcels import Job
from varai.learning.promote import recipe_of
from varai.learning.registered import registered_name
from varai.learning.spec import ModelSpec
from varai.learning.tracking import Registry
from varai.learning.train import train
from varai.learning.words import Dataset
from varai.privacy import Ledger
from varai.settings import Settings, load
from varai.stores import objects

MODEL = "recommender"


@pytest.fixture
def names() -> dict[str, str]:
    """Tenants of this test alone, since the registry is the session's."""
    return {name: f"{name}-{uuid4().hex[:8]}" for name in ("taste", "tiny", "new", "broken")}


@pytest.fixture
def settings(tmp_path: Path, mongodb_uri: str, mongodb: str, registry_url: str, names: dict[str, str]) -> Settings:
    """A region where one tenant has enough, one too little, one nothing published, and one marts of an older release."""
    found = load(
        {
            "VARAI_HOME": str(tmp_path),
            "VARAI_DATABASE": mongodb,
            "VARAI_STORES__EU__DOCUMENTS_URI": mongodb_uri,
            "VARAI_STORES__EU__REGISTRY_URL": registry_url,
        }
    )
    publish(found, names["taste"], sales(1, taste=True))
    publish(found, names["tiny"], sales(1, taste=True)[:60])
    publish_marts(found.scope("eu"), sales(1, taste=True), [product(1)], ", trainable", names["broken"])
    return found


def publish(settings: Settings, tenant: str, rows: list[Row]) -> None:
    offered = [product(number, frame_shape=("round", "square")[number % 2]) for number in range(42)]
    publish_marts(settings.scope("eu"), rows, offered, tenant=tenant)


def test_each_tenant_ends_in_its_own_state_and_a_champion_answers(settings: Settings, names: dict[str, str]) -> None:
    found = steps.learn(settings, "eu", list(names.values()), MODEL)
    kinds = {name: found[tenant].kind for name, tenant in names.items()}
    assert kinds == {"taste": "served", "tiny": "too little", "new": "too little", "broken": "failed"}
    assert "purchases" in found[names["tiny"]].sentence
    assert "Nothing is published" in found[names["new"]].sentence
    assert "Run transform" in found[names["broken"]].sentence
    scope = settings.scope("eu", names["taste"])
    registry, name = Registry(scope), registered_name(scope, MODEL)
    champion = registry.champion(name)
    assert champion is not None
    pointer = champion.pointer
    served = bundle.load(scope, pointer.bundle, pointer.sha256)
    assert served.snapshot_id == pointer.snapshot
    assert float(pointer.metric) > float(pointer.floor)
    assert recipe_of(pointer.recipe) is not None
    assert not served.floor
    assert list(objects(scope).list(parcels.PREFIX)) == []
    folder = Path(registry._client.download_artifacts(champion.run_id, "model"))
    subjects = [each.decode() for each in served.subjects]
    told = "".join(path.read_text() for path in folder.rglob("*") if path.is_file())
    assert not [subject for subject in subjects[1:] if subject in told]
    assert "ndcg@10" in (folder / "card.md").read_text()
    assert {"taste", "tiny"} <= {key.split("/")[1].split("-")[0] for key in objects(scope).list("models/")}


@pytest.mark.parametrize("step", ["assemble", "train", "evaluate", "promote"])
def test_what_nobody_foresaw_fails_one_tenant_and_quotes_nothing(
    settings: Settings, names: dict[str, str], step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurt, body = names["new"], getattr(steps, f"_{step}")

    def hurting(at: Any) -> None:
        if at.job.tenant == hurt:
            raise np.linalg.LinAlgError("jane@example.org")
        body(at)

    monkeypatch.setattr(steps, f"_{step}", hurting)
    found = steps.learn(settings, "eu", [hurt, names["tiny"]], MODEL)
    assert {tenant: state.kind for tenant, state in found.items()} == {hurt: "failed", names["tiny"]: "too little"}
    assert found[hurt].sentence.startswith("LinAlgError was raised.")
    assert "jane" not in found[hurt].sentence


def test_nothing_new_makes_no_version_and_what_is_newer_does(settings: Settings, names: dict[str, str]) -> None:
    tenant, scope = names["taste"], settings.scope("eu", names["taste"])
    registry, name = Registry(scope), registered_name(scope, MODEL)
    assert steps.learn(settings, "eu", [tenant], MODEL)[tenant].kind == "served"
    assert steps.learn(settings, "eu", [tenant], MODEL)[tenant].kind == "unchanged"
    (first,) = registry.versions(name)
    gone = f"{17:032x}"
    Ledger(scope).add(gone, "asked by letter")
    assert steps.learn(settings, "eu", [tenant], MODEL)[tenant].kind == "served"
    (second,) = registry.versions(name)
    assert second.champion
    assert second.pointer.recipe == first.pointer.recipe
    assert not objects(scope).exists(first.pointer.bundle)
    assert bundle.load(scope, second.pointer.bundle, second.pointer.sha256).subject(gone) is None
    assert bundle.load(scope, second.pointer.bundle, second.pointer.sha256).subject(f"{18:032x}") is not None


def test_after_a_rollback_training_waits_for_a_person(settings: Settings, names: dict[str, str]) -> None:
    tenant, scope = names["taste"], settings.scope("eu", names["taste"])
    registry, name = Registry(scope), registered_name(scope, MODEL)
    for seed in (1, 2):
        publish(settings, tenant, sales(seed, taste=True))
        assert steps.learn(settings, "eu", [tenant], MODEL)[tenant].kind == "served"
    first = registry.rollback(name, "Rolled back by hand.")
    publish(settings, tenant, sales(4, taste=True))
    state = steps.learn(settings, "eu", [tenant], MODEL)[tenant]
    assert state.kind == "held"
    assert "Rolled back by hand." in state.sentence
    champion = registry.champion(name)
    assert champion is not None
    assert champion.number == first.number


def test_while_somebody_moves_a_champion_no_training_does(
    settings: Settings, names: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant, scope = names["taste"], settings.scope("eu", names["taste"])
    monkeypatch.setattr(turns, "PATIENCE_S", 0.0)
    with turns.turn(scope, MODEL, "jane who rolls back"):
        state = steps.learn(settings, "eu", [tenant], MODEL)[tenant]
    assert (state.kind, "worked on by jane who rolls back" in state.sentence) == ("failed", True)
    assert Registry(scope).versions(registered_name(scope, MODEL)) == []
    assert steps.learn(settings, "eu", [tenant], MODEL)[tenant].kind == "served"


def test_without_taste_the_floor_is_served_and_says_so(settings: Settings, names: dict[str, str]) -> None:
    tenant = names["taste"]
    publish(settings, tenant, sales(3, taste=False))
    state = steps.learn(settings, "eu", [tenant], MODEL)[tenant]
    scope = settings.scope("eu", tenant)
    champion = Registry(scope).champion(registered_name(scope, MODEL))
    assert champion is not None
    assert (state.kind, champion.pointer.serves) == ("served", "floor")
    assert "floor (decayed_popularity) is served" in state.sentence
    assert champion.pointer.metric == champion.pointer.floor
    assert bundle.load(scope, champion.pointer.bundle, champion.pointer.sha256).floor


def test_the_last_step_names_who_failed_in_any(settings: Settings, names: dict[str, str]) -> None:
    jobs = steps.assemble(settings, "eu", [names["broken"], names["tiny"]], MODEL, "run1")
    for step in (steps.train, steps.evaluate):
        assert step(settings, "eu", jobs) == jobs
    with pytest.raises(Untrained, match=re.escape(names["broken"])) as told:
        steps.promote(settings, "eu", jobs)
    assert names["tiny"] not in str(told.value)
    with pytest.raises(Misconfigured, match="oracle"):
        steps.assemble(settings, "eu", [names["tiny"]], "oracle", "run2")


def test_parcels_come_back_as_they_were(settings: Settings, spec: ModelSpec, shop: Callable[..., Dataset]) -> None:
    scope, job = settings.scope("eu", "acme"), Job("acme", MODEL, "r1")
    data = shop(1)
    made = train(data, spec)
    parcels.keep_dataset(scope, job, data)
    parcels.keep_trained(scope, job, made)
    again, trained = parcels.dataset(scope, job), parcels.trained(scope, job)
    assert again is not None
    assert trained is not None
    assert asdict(again.items) == asdict(data.items)
    assert (again.subjects, again.left_out) == (data.subjects, data.left_out)
    for name in ("subject", "item", "at"):
        assert getattr(again, name).tobytes() == getattr(data, name).tobytes()
    assert asdict(trained.items) == asdict(made.items)
    assert (trained.report, trained.subjects) == (made.report, made.subjects)
    for name in ("chosen", "floor"):
        one, other = getattr(trained, name), getattr(made, name)
        assert one.choice == other.choice
        assert one.prior.tobytes() == other.prior.tobytes()
        assert one.near.weights.tobytes() == other.near.weights.tobytes()
    raw = objects(scope).read(job.key("dataset"))
    assert data.subjects[0].encode() not in raw
    assert parcels.dataset(settings.scope("eu", "acme"), replace(job, run="r2")) is None
    assert parcels.sweep(scope, job) == 2
