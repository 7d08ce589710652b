"""The nightly sweep takes old run records and what killed runs left between steps, and nothing younger; landing has tests of its own."""

from __future__ import annotations

import os
from datetime import datetime, timedelta

import pytest

from varai.kernel import utc_now
from varai.landing import Event, land_events
from varai.registry import RunRecord, inbox, last_runs, record_run
from varai.river.operate import sweep
from varai.river.run import new_run_id
from varai.settings import Settings, load
from varai.stores import objects

REGION = "eu"
MAPPED = "mapped/northwind-eu/shop/orders/"
LEARNING = "learning/northwind-eu/recommender/r2/dataset.sealed"


@pytest.fixture
def settings(home: os.PathLike[str], mongodb_uri: str, mongodb: str) -> Settings:
    """A region whose bucket holds run records and mapped objects of all ages, and that has received events all along."""
    stores = {"VARAI_DATABASE": mongodb, "VARAI_STORES__EU__DOCUMENTS_URI": mongodb_uri}
    found = load({"VARAI_HOME": str(home), **stores})
    for days in (1, 89, 91):
        event = Event(f"e{days}", "view", "shop", "1", None, utc_now())
        land_events(found.scope(REGION, "northwind-eu"), [event], utc_now() - timedelta(days=days))
    for name, days in (("done long ago", 8), ("done lately", 6)):
        _told(found, name, utc_now() - timedelta(days=days))
    for days in (1, 399, 401, 800):
        at = utc_now() - timedelta(days=days)
        record_run(found.scope(REGION), RunRecord(run_id=new_run_id(at), started_at=at, ended_at=at))
    _mapped(found, "young", utc_now() - timedelta(hours=47))
    _mapped(found, "orphan", utc_now() - timedelta(hours=49))
    _aged(found, "learning/northwind-eu/recommender/r1/dataset.sealed", utc_now() - timedelta(hours=49))
    _aged(found, LEARNING, utc_now() - timedelta(hours=47))
    return found


def test_a_dry_run_counts_what_the_sweep_takes_and_takes_nothing(settings: Settings) -> None:
    before = _keys(settings)
    assert sweep(settings, REGION, dry_run=True) == {"landed": 0, "events": 1, "webhooks": 1, "runs": 2, "mapped": 2}
    assert _keys(settings) == before


def test_the_sweep_takes_what_has_outlived_its_days_once(settings: Settings) -> None:
    assert sweep(settings, REGION, dry_run=False) == {"landed": 0, "events": 1, "webhooks": 1, "runs": 2, "mapped": 2}
    ages = [(utc_now() - one.started_at).days for one in last_runs(settings.scope(REGION))]
    assert ages == [1, 399]
    assert [key for key in _keys(settings) if not key.startswith("runs/")] == [f"{MAPPED}young.parquet", LEARNING]
    assert sweep(settings, REGION, dry_run=False) == {"landed": 0, "events": 0, "webhooks": 0, "runs": 0, "mapped": 0}


def test_in_cloud_storage_too_what_a_killed_training_left_is_swept(
    settings: Settings, gcs_url: str, gcs_bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores = settings.stores[REGION].model_copy(update={"bucket": f"gs://{gcs_bucket}", "bucket_url": gcs_url})
    cloud = settings.model_copy(update={"stores": {REGION: stores}})
    objects(cloud.scope(REGION)).write(LEARNING, b"rows")
    assert sweep(cloud, REGION, dry_run=False)["mapped"] == 0
    later = utc_now() + timedelta(hours=49)
    monkeypatch.setattr(
        "varai.river.operate.utc_now", lambda: later
    )  # an emulator dates what it is given by its own clock
    assert sweep(cloud, REGION, dry_run=False)["mapped"] == 1
    assert _keys(cloud) == []


def _told(settings: Settings, name: str, at: datetime) -> None:
    """A webhook that was done with at an instant."""
    scope = settings.scope(REGION)
    told = {
        "tenant": "northwind-eu",
        "feed": "shop",
        "connector": "shopify",
        "topic": "t",
        "received_at": at,
        "try_at": at,
    }
    event = inbox.Event(id=f"northwind-eu/shop/{name}", **told)
    inbox.put(scope, [inbox.document(scope, event)])
    inbox.done(scope, [event], at)


def _mapped(settings: Settings, name: str, at: datetime) -> None:
    _aged(settings, f"{MAPPED}{name}.parquet", at)


def _aged(settings: Settings, key: str, at: datetime) -> None:
    store = objects(settings.scope(REGION))
    store.write(key, b"rows")
    path = store.local(key)
    assert path is not None
    os.utime(path, (at.timestamp(), at.timestamp()))


def _keys(settings: Settings) -> list[str]:
    store = objects(settings.scope(REGION))
    return [*store.list("runs/"), *store.list("mapped/"), *store.list("learning/")]
