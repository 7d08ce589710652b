"""Who asked to be forgotten is in no bundle and no parcel, is served by none at once, and nothing rolls back to one that knew them."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import mlflow
import numpy as np
import pandas as pd
import pytest
import structlog
from click.testing import Result
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from typer.testing import CliRunner

from serving.app import create_app
from tests.serving.shelves import bundle, stock
from tests.unit.learning.shops import product, publish_marts, sales
from tests.unit.learning.test_tracking import POINTER
from varai import catalogue, registry
from varai.cli import app
from varai.kernel import LeaseHeld, Scope, Unavailable, Untrained, utc_now
from varai.learning import bundle as bundles
from varai.learning import forget, parcels, retention, steps, turns
from varai.learning.answers import replay
from varai.learning.bundled import without
from varai.learning.due import due
from varai.learning.parcels import Job
from varai.learning.recommend import Asked, recommend
from varai.learning.registered import registered_name
from varai.learning.tracking import CLEANED, Registry
from varai.learning.words import Dataset, Items
from varai.privacy import Ledger, Pseudonyms, audit, open_object
from varai.registry.accounts import issue_secret
from varai.settings import Seed, Settings, load
from varai.stores import objects

MODEL, FEED, CUSTOMER = "recommender", "shop", "4711"
ITEMS = sorted(f"shop/p{number}" for number in range(12))
OTHERS = [f"{number:032x}" for number in range(1, 6)]


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
def scope(settings: Settings) -> Scope:
    """A tenant of this test alone, that sells all items."""
    region, name = settings.scope("eu"), f"forget-{uuid4().hex[:8]}"
    first = next(seed for seed in settings.seeds if seed.tenant.region == "eu")
    feed = first.feeds[0].model_copy(update={"tenant": name, "name": FEED})
    registry.seed(region, [Seed(tenant=first.tenant.model_copy(update={"name": name}), feeds=(feed,))])
    registry.ensure_indexes(region)
    catalogue.ensure_indexes(region)
    found = settings.scope("eu", name)
    stock(found, FEED, {item.partition("/")[2]: 5 for item in ITEMS})
    return found


@pytest.fixture
def canary(scope: Scope) -> str:
    """Pseudonym of a customer."""
    return Pseudonyms(scope).of(FEED, CUSTOMER)


def versions(scope: Scope, *known: dict[str, list[int]]) -> Registry:
    """Versions whose bundles know these people; the last is the champion."""
    models, name = Registry(scope), registered_name(scope, MODEL)
    for number, bought in enumerate(known, 1):
        stored = bundles.store(scope, bundle(scope, ITEMS, bought, snapshot_id=f"s{number}"))
        at = replace(POINTER, bundle=stored.key, sha256=stored.sha256, mapping=bundles.mapping_version())
        models.promote(name, models.register(name, at, "# card\n", {}).number)
    return models


def numbers(scope: Scope) -> list[tuple[int, bool]]:
    return [(one.number, one.champion) for one in Registry(scope).versions(registered_name(scope, MODEL))]


def opened(scope: Scope) -> dict[str, bytes]:
    """Every object of the bucket as its owner can read it: unsealed, arrays unpacked."""
    found = {}
    for key in objects(scope).list(""):
        if key.endswith(".sealed") and f"/{scope.tenant}/" in key:
            with open_object(scope, key) as file:
                raw = file.read()
            if raw[:2] == b"PK":
                with np.load(io.BytesIO(raw), allow_pickle=False) as arrays:
                    raw = b"".join(arrays[name].tobytes() for name in arrays.files)
        else:
            raw = objects(scope).read(key)
        found[key] = raw
    return found


def varai(arguments: list[str]) -> Result:
    """Run a command; the app beside it then logs where it did before."""
    result = CliRunner().invoke(app, arguments)
    structlog.reset_defaults()
    return result


def test_a_canary_leaves_every_model_and_is_a_visitor_at_once(settings: Settings, scope: Scope, canary: str) -> None:
    models = versions(scope, {canary: [0, 3], OTHERS[0]: [1]}, {OTHERS[0]: [1]}, {canary: [0, 3], OTHERS[0]: [1]})
    job, where = Job(str(scope.tenant), MODEL, "killed"), ("--region", "eu", "--tenant", str(scope.tenant))
    parcels.keep_dataset(scope, job, holding(canary))
    person = ("--subject", CUSTOMER, "--feed", FEED)
    with TestClient(create_app(settings, "eu")) as client:
        issued = issue_secret(scope)
        form = {"grant_type": "client_credentials"}
        token = client.post("/v1/auth/token", data=form, auth=(issued.client_id, issued.client_secret)).json()

        def served(subject: str) -> tuple[str, str | None]:
            headers = {"Authorization": f"Bearer {token['access_token']}", "Varai-Subject": subject}
            body = client.get("/v1/recommendations", headers=headers, params={"explore": 0}).json()
            return body["answer_id"], replay(scope, body["answer_id"]).asked.subject

        answered, asked = served(canary)
        assert asked == canary
        told = varai(["privacy", "where", *where, *person]).stdout
        assert [line.split()[0] for line in told.splitlines()[1:]] == ["training", "models", "models"]
        assert sum(canary.encode() in raw for raw in opened(scope).values()) == 3

        asking = ["privacy", "erase", *where, *person, "--reason", "letter"]
        assert "Nothing was changed" in varai(asking).stdout
        assert numbers(scope) == [(3, True), (2, False), (1, False)]
        done = varai([*asking, "--yes"])
        assert "Forgotten everywhere" in done.stdout, done.output

        client.app.state.context.champions.renew()  # type: ignore[attr-defined]  # a FastAPI
        assert served(canary)[1] is None
        assert served(OTHERS[0])[1] == OTHERS[0]
    assert [key for key, raw in opened(scope).items() if canary.encode() in raw] == []
    assert numbers(scope) == [(3, True), (2, False)]
    champion = models.champion(registered_name(scope, MODEL))
    assert champion is not None
    assert bundles.load(scope, champion.pointer.bundle, champion.pointer.sha256).snapshot_id == "s3"
    assert "asked to be forgotten" in varai(["models", "replay", answered, *where]).stderr
    assert Ledger(scope).entries("open") == []
    _loads_in_mlflow(models, champion.run_id, canary)


def _loads_in_mlflow(models: Registry, run_id: str, subject: str) -> None:
    model = mlflow.pyfunc.load_model(models._client.download_artifacts(run_id, "model"))
    named, nobody = (pd.DataFrame([{"subject": one, "product": None, "limit": 3}]) for one in (subject, None))
    assert model.predict(named)["item"].tolist() == model.predict(nobody)["item"].tolist()


def holding(subject: str) -> Dataset:
    """A dataset of nobody else, who bought nothing."""
    none = np.zeros(0, np.int32)
    nothing = Items(ids=(), shape=(), rim=(), material=(), colours=(), width_mm=(), price=(), created_at=())
    return Dataset(
        items=nothing,
        subjects=(subject,),
        subject=none,
        item=none,
        at=none.astype(np.int64),
        snapshot_id="s",
        as_of=utc_now(),
        left_out={},
        lines=0,
        kept=0,
    )


@given(
    bought=st.dictionaries(st.sampled_from(OTHERS), st.sets(st.integers(0, 11), max_size=6).map(sorted), max_size=5),
    gone=st.sets(st.sampled_from([*OTHERS, "f" * 32])),
)
@examples(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_bundle_without_somebody_answers_all_others_as_before(
    bought: dict[str, list[int]], gone: set[str], tmp_path: Path
) -> None:
    found = load({"VARAI_HOME": str(tmp_path), "VARAI_STORES__EU__DOCUMENTS_URI": "mongodb://127.0.0.1:1"})
    before = bundle(found.scope("eu", "northwind-eu"), ITEMS, bought)
    after = bundles.unpack(bundles.pack(without(before, gone)))
    everything = np.ones(len(ITEMS), np.bool_)
    for subject in OTHERS:
        asked = Asked(subject=None if subject in gone else subject, limit=12)
        assert recommend(after, everything, replace(asked, subject=subject), 7) == recommend(
            before, everything, asked, 7
        )
    assert [each.decode() for each in after.subjects] == sorted(bought.keys() - gone)
    assert gone or bundles.pack(after) == bundles.pack(before)


def test_an_erasure_that_was_cut_short_is_ended_by_the_nightly_sweep(settings: Settings, scope: Scope) -> None:
    gone, name = OTHERS[1], registered_name(scope, MODEL)
    models = versions(scope, {gone: [0]}, {gone: [0], OTHERS[0]: [1]})
    champion = models.champion(name)
    assert champion is not None
    before = champion.pointer.bundle
    Ledger(scope).add(gone, "letter")
    kept = objects(scope).read(before)
    assert retention.sweep(settings, "eu")["models"] == 2
    objects(scope).write(before, kept)  # as if it had ended before the old object was removed
    assert retention.sweep(settings, "eu")["models"] == 1
    assert retention.sweep(settings, "eu")["models"] == 0
    assert numbers(scope) == [(2, True)]
    assert not objects(scope).exists(before)
    assert list(forget.BundlesPlace(scope).find(gone)) == []


def test_a_champion_that_cannot_be_read_is_retired_and_no_request_waits_for_it(
    settings: Settings, scope: Scope
) -> None:
    models, name, gone = versions(scope, {OTHERS[0]: [0]}, {OTHERS[0]: [1]}), registered_name(scope, MODEL), OTHERS[3]
    for one in models.versions(name):
        objects(scope).write(one.pointer.bundle, b"damaged")
    models.rollback(name, "worse in the shop")
    assert retention.sweep(settings, "eu")["models"] == 0, "Nobody asked to be forgotten."
    assert [one.rows for one in forget.BundlesPlace(scope).find(gone)] == [0, 0]
    Ledger(scope).add(gone, "letter")
    forget.BundlesPlace(scope).erase(gone)
    assert list(forget.BundlesPlace(scope).find(gone)) == []
    assert (numbers(scope), models.held(name)) == ([], None), "A hold ends with what it held."
    told = [(one.action, one.subject) for one in audit.entries(scope)]
    assert told[:2] == [(f"model.retirement.{when}", f"{name}/1") for when in ("done", "begun")]


def test_a_bundle_of_another_mapping_says_whom_it_holds(
    settings: Settings, scope: Scope, canary: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr("varai.learning.bundled.mapping_version", lambda: "of a release before")
        versions(scope, {OTHERS[0]: [1]}, {canary: [0]}, {canary: [0], OTHERS[0]: [1]})
    Ledger(scope).add(canary, "letter")
    forget.BundlesPlace(scope).erase(canary)
    assert list(forget.BundlesPlace(scope).find(canary)) == []
    assert numbers(scope) == [(3, True), (1, False)], "The way back stays."


def test_after_a_champion_is_retired_the_shop_is_told_that_nothing_was_trained(
    settings: Settings, scope: Scope
) -> None:
    where = ("--region", "eu", "--tenant", str(scope.tenant), "--reason", "wrong")
    versions(scope, {OTHERS[0]: [0]})
    issued = issue_secret(scope)
    with TestClient(create_app(settings, "eu")) as client:
        form = {"grant_type": "client_credentials"}
        token = client.post("/v1/auth/token", data=form, auth=(issued.client_id, issued.client_secret)).json()

        def status() -> int:
            client.app.state.context.champions.renew()  # type: ignore[attr-defined]  # a FastAPI
            headers = {"Authorization": f"Bearer {token['access_token']}"}
            return client.get("/v1/recommendations", headers=headers).status_code

        assert status() == 200
        assert "Nothing was changed" in varai(["models", "retire", *where]).stdout
        assert (numbers(scope), status()) == ([(1, True)], 200)
        done = varai(["models", "retire", *where, "--yes"])
        assert done.exit_code == 0, done.output
        assert (numbers(scope), list(objects(scope).list(f"models/{scope.tenant}/"))) == (
            [],
            [f"models/{scope.tenant}/{MODEL}/served.json"],
        )
        assert status() == 404
    with TestClient(create_app(settings, "eu")) as client:
        assert status() == 404
    assert "has no champion" in varai(["models", "retire", *where]).stderr


def test_the_sweep_keeps_the_champion_the_way_back_and_the_last_five_that_are_young(
    settings: Settings, scope: Scope
) -> None:
    models, name, keys = Registry(scope), registered_name(scope, MODEL), {}
    for number, days in enumerate((300, 200, 100, 6, 5, 4, 3, 2, settings.landing_days + 1), 1):
        stored = bundles.store(scope, bundle(scope, ITEMS, {OTHERS[0]: [1]}, snapshot_id=f"s{number}"))
        keys[number] = stored.key
        trained_at = (utc_now() - timedelta(days=days)).isoformat()
        at = replace(POINTER, bundle=stored.key, mapping=bundles.mapping_version(), trained_at=trained_at)
        models.register(name, at, "# card\n", {})
        if number <= 3:
            models.promote(name, number)
    for orphan, hours in (("young", 23), ("old", 25)):
        keys[orphan] = bundles.store(scope, bundle(scope, ITEMS, {}, snapshot_id=orphan)).key
        at_s = utc_now().timestamp() - hours * 3600
        os.utime(objects(scope).local(keys[orphan]) or "", (at_s, at_s))
    assert retention.sweep(settings, "eu") == {"states": 0, "models": 0, "versions": 4}
    assert retention.sweep(settings, "eu")["versions"] == 0
    kept = [8, 7, 6, 5, 3, 2]
    assert numbers(scope) == [(number, number == 3) for number in kept]
    assert set(objects(scope).list(f"models/{scope.tenant}/")) == {keys[one] for one in (*kept, "young")}
    assert models.rollback(name, "worse in the shop").number == 2


def test_a_registry_that_is_down_leaves_the_request_open(settings: Settings, scope: Scope, canary: str) -> None:
    versions(scope, {canary: [0]})
    Ledger(scope).add(canary, "letter")
    stores = {"eu": settings.stores["eu"].model_copy(update={"registry_url": "http://127.0.0.1:9"})}
    down = settings.model_copy(update={"stores": stores}).scope("eu", scope.tenant)
    with pytest.raises(Unavailable):
        forget.BundlesPlace(down).erase(canary)
    forget.BundlesPlace(down).erase(OTHERS[4])  # whom no bundle knows: nothing to ask for
    assert [one.rows for one in forget.BundlesPlace(scope).find(canary)] == [1]


def test_what_was_cleaned_is_trained_anew_and_cannot_be_gone_back_to(settings: Settings, scope: Scope) -> None:
    tenant, name, gone = str(scope.tenant), registered_name(scope, MODEL), f"{17:032x}"
    offered = [product(number, frame_shape=("round", "square")[number % 2]) for number in range(42)]
    publish_marts(settings.scope("eu"), sales(1, taste=True), offered, tenant=tenant)
    assert steps.learn(settings, "eu", [tenant], MODEL)[tenant].kind == "served"
    Ledger(scope).add(gone, "letter", utc_now() - timedelta(days=1))  # dated before the training, entered after it
    forget.BundlesPlace(scope).erase(gone)
    (cleaned,) = Registry(scope).versions(name)
    assert cleaned.tags[CLEANED]
    assert due(settings, "eu", [tenant], MODEL) == {tenant: "somebody asked to be forgotten"}
    assert steps.learn(settings, "eu", [tenant], MODEL)[tenant].kind == "served"
    assert numbers(scope) == [(2, True)]
    assert due(settings, "eu", [tenant], MODEL) == {}


def test_an_erasure_deletes_no_bundle_that_a_training_is_about_to_register(
    scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = OTHERS[2]
    monkeypatch.setattr(turns, "PATIENCE_S", 0.0)
    with turns.turn(scope, MODEL, "training r1"):
        stored = bundles.store(scope, bundle(scope, ITEMS, {gone: [0]}))
        Ledger(scope).add(gone, "letter")
        with pytest.raises(LeaseHeld, match="training r1"):
            forget.BundlesPlace(scope).erase(gone)
        assert objects(scope).exists(stored.key)
    forget.BundlesPlace(scope).erase(gone)
    assert not objects(scope).exists(stored.key)


def test_a_training_that_an_erasure_overtakes_is_not_promoted_but_done_again(settings: Settings, scope: Scope) -> None:
    tenant, gone = str(scope.tenant), f"{17:032x}"
    offered = [product(number, frame_shape=("round", "square")[number % 2]) for number in range(42)]
    publish_marts(settings.scope("eu"), sales(1, taste=True), offered, tenant=tenant)
    jobs = steps.evaluate(
        settings, "eu", steps.train(settings, "eu", steps.assemble(settings, "eu", [tenant], MODEL, "r1"))
    )
    Ledger(scope).add(gone, "letter", utc_now() - timedelta(seconds=1))
    with pytest.raises(Untrained, match="asked to be forgotten meanwhile"):
        steps.promote(settings, "eu", jobs)
    assert numbers(scope) == []
    assert due(settings, "eu", [tenant], MODEL) == {tenant: "somebody asked to be forgotten"}
    assert steps.learn(settings, "eu", [tenant], MODEL)[tenant].kind == "served"
