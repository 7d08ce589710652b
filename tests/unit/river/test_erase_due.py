"""Open erasures are carried out tenant by tenant; one whose feeds a run holds stops nobody else, and is named."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from varai import registry
from varai.kernel import ErasuresOpen, FeedKey, Scope, utc_now
from varai.landing import Event, EventsPlace, land_events
from varai.learning.forget import places
from varai.privacy import Ledger
from varai.river import erasure
from varai.river.context import lease_name
from varai.settings import Settings, load

TENANTS = ("brillen-haus", "northwind-eu")


@pytest.fixture
def settings(home: Path, mongodb_uri: str, mongodb: str) -> Settings:
    """A region of two tenants, each asked to forget somebody who stands nowhere else."""
    found = load({"VARAI_HOME": str(home), "VARAI_DATABASE": mongodb, "VARAI_STORES__EU__DOCUMENTS_URI": mongodb_uri})
    registry.seed(found.scope("eu"), found.seeds)
    for tenant in TENANTS:
        Ledger(found.scope("eu", tenant)).add("nobody", "letter", utc_now() - timedelta(days=40))
    return found


def opened(settings: Settings) -> list[str]:
    return [tenant for tenant in TENANTS if Ledger(settings.scope("eu", tenant)).entries("open")]


def test_a_tenant_whose_feed_is_held_is_named_and_stops_no_other(settings: Settings) -> None:
    scope = settings.scope("eu", TENANTS[0])
    lease = registry.acquire(scope, lease_name(FeedKey(TENANTS[0], "shop")), "a run of ingest")
    with capture_logs() as logs, pytest.raises(ErasuresOpen) as told:
        erasure.erase_due(settings, "eu", beyond=places, holder="operate", now=utc_now())
    assert opened(settings) == [TENANTS[0]]
    assert (
        "brillen-haus: 1 open, 1 overdue; feed:brillen-haus/shop is being worked on by a run of ingest"
        in told.value.what
    )
    assert TENANTS[1] not in told.value.what
    assert [(one["event"], one["log_level"]) for one in logs if one.get("overdue")] == [("erasures.overdue", "error")]
    registry.release(scope, lease)
    assert erasure.erase_due(settings, "eu", beyond=places, holder="operate", now=utc_now()) == 1
    assert opened(settings) == []


def test_what_a_shop_told_of_a_person_goes_with_them(settings: Settings) -> None:
    scope, person = settings.scope("eu", TENANTS[1]), f"{9:032x}"
    told = [Event(name, "view", "shop", "1", who, utc_now()) for name, who in (("a", person), ("b", f"{8:032x}"))]
    land_events(scope, told, utc_now())
    assert [one.rows for one in EventsPlace(scope).find(person)] == [1]
    Ledger(scope).add(person, "letter")
    assert erasure.erase_due(settings, "eu", beyond=places, holder="operate", now=utc_now()) == 3
    assert not list(EventsPlace(scope).find(person))
    assert [one.rows for one in EventsPlace(scope).find(f"{8:032x}")] == [1]


def test_an_error_nobody_foresaw_stops_no_other_tenant(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = erasure.erase_subject

    def broken(settings: Settings, scope: Scope, subject: str, **named: Any) -> object:
        if scope.tenant == TENANTS[0]:
            raise ValueError("anna@example.com")
        return kept(settings, scope, subject, **named)

    monkeypatch.setattr(erasure, "erase_subject", broken)
    with pytest.raises(ErasuresOpen, match="ValueError") as told:
        erasure.erase_due(settings, "eu", beyond=places, holder="operate", now=utc_now())
    assert "anna" not in str(told.value)
    assert opened(settings) == [TENANTS[0]]


def test_erasure_waits_for_a_feed_as_long_as_it_is_told(settings: Settings) -> None:
    scope = settings.scope("eu", TENANTS[0])
    lease = registry.acquire(scope, lease_name(FeedKey(TENANTS[0], "shop")), "a run of ingest")
    timer = threading.Timer(0.5, registry.release, (scope, lease))
    timer.start()
    assert erasure.erase_due(settings, "eu", beyond=places, holder="operate", now=utc_now(), patience_s=30) == 2
    timer.join()
