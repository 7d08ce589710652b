"""Events are kept once, durably, by pseudonym; and not at all of people who asked to be forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from varai.kernel import Misconfigured, Scope
from varai.landing import Event, EventsPlace, LandedEvents, events, land_events, sweep_events
from varai.privacy import Ledger
from varai.settings import load
from varai.stores import documents

AT = datetime(2026, 11, 10, 12, tzinfo=UTC)
ANNA, BEN = f"{1:032x}", f"{2:032x}"


def scope_of(home: Path, mongodb_uri: str, mongodb: str, tenant: str | None) -> Scope:
    found = load({"VARAI_HOME": str(home), "VARAI_DATABASE": mongodb, "VARAI_STORES__EU__DOCUMENTS_URI": mongodb_uri})
    return found.scope("eu", tenant)


@pytest.fixture
def scope(home: Path, mongodb_uri: str, mongodb: str) -> Scope:
    return scope_of(home, mongodb_uri, mongodb, "north")


def event(name: str, subject: str | None = None) -> Event:
    return Event(name, "view", "shop", "p1", subject, AT)


def kept(scope: Scope) -> list[str]:
    return sorted(one["_id"] for one in documents(scope)["events"].find({}))


@given(batches=st.lists(st.lists(st.sampled_from("abcdef"), max_size=6), max_size=5))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_id_is_kept_once_however_often_it_is_told(scope: Scope, batches: Sequence[Sequence[str]]) -> None:
    documents(scope)["events"].delete_many({})
    landed = 0
    for batch in batches:
        done = land_events(scope, [event(name) for name in batch], AT)
        assert done.landed + done.duplicate == len(batch)
        landed += done.landed
    told = {name for batch in batches for name in batch}
    assert kept(scope) == sorted(f"north/shop/{name}" for name in told)
    assert landed == len(told)


def test_the_first_of_an_id_stays(scope: Scope) -> None:
    land_events(scope, [event("a", ANNA), event("a", BEN)], AT)
    land_events(scope, [event("a", BEN)], AT)
    assert [one["subject"] for one in documents(scope)["events"].find({})] == [ANNA]


def test_tenants_do_not_share_ids(home: Path, mongodb_uri: str, mongodb: str, scope: Scope) -> None:
    other = scope_of(home, mongodb_uri, mongodb, "south")
    assert land_events(scope, [event("a")], AT) == land_events(other, [event("a")], AT) == LandedEvents(1, 0, 0)
    with pytest.raises(Misconfigured):
        land_events(scope_of(home, mongodb_uri, mongodb, None), [event("a")], AT)


def test_feeds_of_a_tenant_do_not_share_ids(scope: Scope) -> None:
    """Two shops that number their events from 1 lose none."""
    one, other = event("1"), replace(event("1"), feed="outlet")
    assert land_events(scope, [one, other], AT) == LandedEvents(2, 0, 0)
    assert land_events(scope, [other, one], AT) == LandedEvents(0, 2, 0)


def test_who_asks_to_be_forgotten_while_a_batch_is_written_is_forgotten(
    scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = events._insert

    def erased_first(held: Scope, fresh: list[dict[str, Any]]) -> int:
        Ledger(held).add(ANNA, "asked to")
        EventsPlace(held).erase(ANNA)
        return insert(held, fresh)

    monkeypatch.setattr(events, "_insert", erased_first)
    land_events(scope, [event("a", ANNA), event("b", BEN)], AT)
    assert kept(scope) == ["north/shop/b"]


def test_who_asked_to_be_forgotten_is_forgotten_and_stays_so(scope: Scope) -> None:
    land_events(scope, [event("a", ANNA), event("b", BEN), event("c")], AT)
    place = EventsPlace(scope)
    assert [(one.place, one.rows) for one in place.find(ANNA)] == [("events", 1)]
    Ledger(scope).add(ANNA, "asked to")
    place.erase(ANNA)
    assert not list(place.find(ANNA))
    assert kept(scope) == ["north/shop/b", "north/shop/c"]
    assert land_events(scope, [event("d", ANNA), event("e", BEN)], AT) == LandedEvents(1, 0, 1)
    assert kept(scope) == ["north/shop/b", "north/shop/c", "north/shop/e"]


def test_old_events_are_swept(home: Path, mongodb_uri: str, mongodb: str, scope: Scope) -> None:
    land_events(scope, [event("old")], AT - timedelta(days=2))
    land_events(scope, [event("young")], AT)
    region = scope_of(home, mongodb_uri, mongodb, None)
    assert sweep_events(region, before=AT - timedelta(days=1), dry_run=True) == 1
    assert sweep_events(region, before=AT - timedelta(days=1), dry_run=False) == 1
    assert kept(scope) == ["north/shop/young"]
