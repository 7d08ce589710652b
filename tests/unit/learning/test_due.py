"""A model is trained when there is a reason, and the reason is told; else it is left alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import mlflow
import pandas as pd
import pytest

from tests.unit.learning.shops import END, Row, line, product, publish_marts, sales
from varai.kernel import Misconfigured, utc_now
from varai.learning import due as module
from varai.learning import states, steps
from varai.learning.due import due
from varai.learning.registered import registered_name
from varai.learning.tracking import Registry
from varai.marts.words import manifest_key
from varai.privacy import Ledger
from varai.settings import Settings, load
from varai.stores import objects

MODEL = "recommender"
Publish = Callable[[list[Row]], None]


@pytest.fixture
def tenant() -> str:
    return f"due-{uuid4().hex[:8]}"


@pytest.fixture
def settings(
    home: Path, mongodb_uri: str, mongodb: str, registry_url: str, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """As a process reads them from its environment."""
    monkeypatch.setenv("VARAI_DATABASE", mongodb)
    monkeypatch.setenv("VARAI_STORES__EU__DOCUMENTS_URI", mongodb_uri)
    monkeypatch.setenv("VARAI_STORES__EU__REGISTRY_URL", registry_url)
    return load()


@pytest.fixture
def published(settings: Settings, tenant: str) -> Publish:
    """Publishes the tenant's marts."""
    offered = [product(number, frame_shape=("round", "square")[number % 2]) for number in range(42)]
    return lambda rows: publish_marts(settings.scope("eu"), rows, offered, tenant=tenant)


def later(*, like: int, days: int) -> list[Row]:
    """What the same people bought in the days after END: round products, all of it, where `like` is 1."""
    return [
        line(
            10_000 + number, subject=f"{number % 120:032x}", product_id=f"p{(number * 7 % 20) * 2 if like else number % 40}",
            processed_at=END + timedelta(hours=number * days * 24 / 480),
        )
        for number in range(480)
    ]  # fmt: skip


def test_each_reason_is_told_and_without_one_a_model_is_left_alone(
    settings: Settings, tenant: str, published: Publish
) -> None:
    scope = settings.scope("eu", tenant)

    def reason() -> str | None:
        return due(settings, "eu", [tenant], MODEL).get(tenant)

    assert reason() is None  # there is nothing to learn from
    published(sales(1, taste=True)[:60])
    assert reason() == "never trained"
    assert steps.learn(settings, "eu", [tenant], MODEL)[tenant].kind == "too little"
    assert reason() is None
    published(sales(1, taste=True))
    assert reason() == "enough by now"
    assert steps.learn(settings, "eu", [tenant], MODEL)[tenant].kind == "served"
    assert reason() is None
    assert due(settings, "eu", [tenant], MODEL, force=True) == {tenant: "asked for"}
    state = states.read(scope, MODEL)
    assert state is not None
    for kind, told in (("failed", "failed"), ("submitted", "a run that never ended")):
        states.write(scope, MODEL, state.model_copy(update={"kind": kind}))
        assert reason() is None  # it is left alone for a while, whatever is published
        states.write(scope, MODEL, state.model_copy(update={"kind": kind, "at": utc_now() - module.REST}))
        assert reason() == told
    states.write(scope, MODEL, state.model_copy(update={"mapping": "0" * 16}))
    assert reason() == "another mapping"
    states.write(scope, MODEL, state.model_copy(update={"at": utc_now() - timedelta(days=7)}))
    assert reason() == "a week old"
    assert state.heeded_at is not None
    assert state.heeded_at < state.at
    states.write(scope, MODEL, state)
    Ledger(scope).add(f"{5:032x}", "asked by letter", state.heeded_at)  # while its version was being registered
    assert reason() == "somebody asked to be forgotten"
    with pytest.raises(Misconfigured, match="oracle"):
        due(settings, "eu", [tenant], "oracle")


def test_what_is_damaged_of_one_tenant_makes_it_due_and_keeps_nobody_else_waiting(
    settings: Settings, tenant: str, published: Publish
) -> None:
    others = [f"{tenant}-{name}" for name in ("state", "manifest", "well")]
    offered = [product(number) for number in range(3)]
    for one in others:
        publish_marts(settings.scope("eu"), sales(1, taste=True)[:60], offered, tenant=one)
        steps.learn(settings, "eu", [one], MODEL)
    published(sales(1, taste=True))
    bucket = objects(settings.scope("eu"))
    bucket.write(f"models/{others[0]}/{MODEL}/state.json", b'{"kind": "ser')
    bucket.write(manifest_key(others[1]), b"damaged")
    found = due(settings, "eu", [*others, tenant], MODEL)
    assert found == {others[0]: "failed", others[1]: "failed", tenant: "never trained"}


def test_a_champion_that_cannot_be_read_is_trained_anew(settings: Settings, tenant: str, published: Publish) -> None:
    published(sales(1, taste=True))
    steps.learn(settings, "eu", [tenant], MODEL)
    scope = settings.scope("eu", tenant)
    champion = Registry(scope).champion(registered_name(scope, MODEL))
    assert champion is not None
    objects(scope).write(champion.pointer.bundle, b"damaged")
    published(sales(2, taste=True))
    assert due(settings, "eu", [tenant], MODEL) == {tenant: "a champion that cannot be read"}


def test_drift_is_a_reason_and_a_few_more_sales_are_none(settings: Settings, tenant: str, published: Publish) -> None:
    published(sales(1, taste=True))
    steps.learn(settings, "eu", [tenant], MODEL)
    published([*sales(1, taste=True), *later(like=1, days=2)])
    assert due(settings, "eu", [tenant], MODEL) == {}
    published([*sales(1, taste=True), *later(like=1, days=30)])
    found = due(settings, "eu", [tenant], MODEL)[tenant]
    assert "shape" in found
    assert "alarm though nothing moved" in found
    state = states.read(settings.scope("eu", tenant), MODEL)
    assert state is not None
    assert state.drift == found


def test_a_shop_of_daily_sales_has_its_drift_found_before_the_week_is_over(
    settings: Settings, tenant: str, published: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = [row | {"processed_at": row["processed_at"] - timedelta(days=14)} for row in later(like=0, days=14)]
    published([*sales(1, taste=True), *usual])
    assert steps.learn(settings, "eu", [tenant], MODEL)[tenant].kind == "served"
    scope = settings.scope("eu", tenant)
    state = states.read(scope, MODEL)
    assert state is not None
    assert state.until is not None
    assert END - state.until < timedelta(hours=2)
    states.write(scope, MODEL, state.model_copy(update={"at": END}))  # one clock for sales, training and question
    found: list[str] = []
    for day in range(1, 6):
        monkeypatch.setattr(module, "utc_now", lambda day=day: END + timedelta(days=day))
        sold = [row for row in later(like=1, days=6) if row["processed_at"] < END + timedelta(days=day)]
        published([*sales(1, taste=True), *usual, *sold])
        found.append(due(settings, "eu", [tenant], MODEL).get(tenant, ""))
    assert found[:2] == ["", ""]
    assert "shape" in found[2]


def test_a_registered_version_loads_in_mlflow_where_the_keys_are(
    settings: Settings, tenant: str, published: Publish
) -> None:
    published(sales(1, taste=True))
    steps.learn(settings, "eu", [tenant], MODEL)
    scope = settings.scope("eu", tenant)
    registry = Registry(scope)
    champion = registry.champion(registered_name(scope, MODEL))
    assert champion is not None
    model = mlflow.pyfunc.load_model(registry._client.download_artifacts(champion.run_id, "model"))
    subject = f"{8:032x}"
    asked = pd.DataFrame(
        [{"subject": subject, "product": None, "limit": 3}, {"subject": None, "product": "shop/p1", "limit": 2}]
    )
    answered = model.predict(asked)
    assert answered.groupby("row").size().to_dict() == {0: 3, 1: 2}
    assert set(answered["item"]) <= {f"shop/p{number}" for number in range(42)}
    assert set(answered["reason"]) <= {
        "bought_together",
        "similar_to_viewed",
        "popular_now",
        "similar_attributes",
        "new_arrival",
    }
    Ledger(scope).add(subject, "asked by letter")
    folder = registry._client.download_artifacts(champion.run_id, "model")
    forgotten, nobody = (
        mlflow.pyfunc.load_model(folder).predict(pd.DataFrame([{"subject": one, "product": None, "limit": 3}]))
        for one in (subject, None)
    )
    assert forgotten["item"].tolist() == nobody["item"].tolist() != answered["item"][:3].tolist()
