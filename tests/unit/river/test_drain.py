"""What becomes of an event whose streams cannot be read now, or have been read already: no failure is counted that is none."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from varai import registry
from varai.kernel import FeedKey, LeaseHeld, Scope, utc_now
from varai.registry import SliceState, StreamKey, feed, inbox, put_feed
from varai.registry.slices import Watermark
from varai.river import drain as module
from varai.river.context import lease_name
from varai.river.drain import LINGER, Drained, drain
from varai.river.ingest import FeedOutcome
from varai.settings import Settings, load
from varai.stores import documents, objects

KEY, OTHER = FeedKey("northwind-eu", "shop"), FeedKey("brillen-haus", "shop")
NUMBERS = count(1)


@pytest.fixture
def settings(home: Path, mongodb_uri: str, mongodb: str) -> Settings:
    given = {"VARAI_HOME": str(home), "VARAI_DATABASE": mongodb, "VARAI_STORES__EU__DOCUMENTS_URI": mongodb_uri}
    found = load(given)
    registry.seed(found.scope("eu"), found.seeds)
    return found


@pytest.fixture
def scope(settings: Settings) -> Scope:
    return settings.scope("eu")


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[FeedKey, list[str]]]:
    """What the drain would have had read; nothing is."""
    asked: list[tuple[FeedKey, list[str]]] = []

    def ingest(settings: Settings, region: str, key: FeedKey, *, streams: list[str], **more: Any) -> FeedOutcome:
        registry.acquire(settings.scope(region), lease_name(key), more["holder"])
        asked.append((key, streams))
        return FeedOutcome(str(key), 0)

    monkeypatch.setattr(module, "ingest_feed", ingest)
    return asked


def told(scope: Scope, key: FeedKey = KEY, at: datetime | None = None, **more: Any) -> str:
    at = at or utc_now() - timedelta(minutes=1)
    name = inbox.event_id(key, str(next(NUMBERS)))
    made = {"tenant": key.tenant, "feed": key.feed, "connector": "shopify", "topic": "orders/updated", **more}
    event = inbox.Event(id=name, streams=("orders",), received_at=at, try_at=at, **made)
    assert inbox.put(scope, [inbox.document(scope, event)]) == [True]
    return name


def read_until(settings: Settings, at: datetime, key: FeedKey = KEY) -> None:
    stream = StreamKey(*key, "orders")
    mark = Watermark(token=1, watermark=at, batch_id="b")
    objects(settings.scope("eu", key.tenant)).write(f"{stream.prefix}watermark.json", mark.model_dump_json().encode())
    assert SliceState(settings.scope("eu", key.tenant), stream).read_until() == at


def rounds(settings: Settings) -> Drained:
    return drain(settings, "eu", holder="t", linger=timedelta(0))


def test_what_a_poll_has_read_is_done_without_a_slice(
    settings: Settings, scope: Scope, runs: list[tuple[FeedKey, list[str]]]
) -> None:
    name = told(scope)
    read_until(settings, utc_now())
    assert rounds(settings).done == 1
    assert (inbox.event(scope, name).state, runs) == ("done", [])


def test_a_poll_that_ended_before_it_is_not_enough(
    settings: Settings, scope: Scope, runs: list[tuple[FeedKey, list[str]]]
) -> None:
    at = utc_now() - timedelta(minutes=1)
    name = told(scope, at=at)
    read_until(settings, at)
    assert rounds(settings).waiting == 1
    assert (inbox.event(scope, name).attempts, runs) == (0, [(KEY, ["orders"])])


def test_many_events_are_one_slice(settings: Settings, scope: Scope, runs: list[tuple[FeedKey, list[str]]]) -> None:
    for _ in range(120):
        told(scope)
    read_until(settings, utc_now() - timedelta(hours=1))
    assert rounds(settings).waiting == 120
    assert runs == [(KEY, ["orders"])]


@pytest.mark.parametrize("paused", [True, False])
def test_a_paused_feed_and_a_first_read_are_waited_for(
    settings: Settings, scope: Scope, runs: list[tuple[FeedKey, list[str]]], paused: bool
) -> None:
    put_feed(scope, feed(scope, KEY).model_copy(update={"paused": paused}))
    name = told(scope)
    assert rounds(settings).waiting == 1
    found = inbox.event(scope, name)
    assert (found.state, found.attempts, runs) == ("waiting", 0, [])
    assert ("paused" if paused else "first time") in found.reason
    assert found.try_at > utc_now()
    assert rounds(settings).feeds == []


def test_a_feed_that_is_being_worked_on_is_waited_for(settings: Settings, scope: Scope) -> None:
    name = told(scope)
    read_until(settings, utc_now() - timedelta(hours=1))
    registry.acquire(settings.scope("eu", KEY.tenant), lease_name(KEY), "a run of ingest")
    assert rounds(settings).waiting == 1
    found = inbox.event(scope, name)
    assert (found.state, found.attempts) == ("waiting", 0)
    assert "a run of ingest" in found.reason
    assert [one["holder"] for one in registry.held(scope)] == ["a run of ingest"]


def test_a_feed_that_is_no_more_fails_and_a_mistake_of_ours_over_it_stops_no_other(
    settings: Settings, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, broken, sound = told(scope, FeedKey("northwind-eu", "gone")), told(scope, OTHER), told(scope)
    read_until(settings, utc_now() - timedelta(hours=1), OTHER)
    read_until(settings, utc_now())

    def breaks(*given: Any, **named: Any) -> None:
        raise ValueError("anna@example.com")

    monkeypatch.setattr(module, "ingest_feed", breaks)
    done = rounds(settings)
    assert (done.done, done.failed) == (1, 2)
    assert inbox.event(scope, sound).state == "done"
    assert "There is no feed" in inbox.event(scope, gone).reason
    assert inbox.event(scope, broken).reason.startswith("ValueError was raised")
    assert "anna" not in repr(inbox.events(scope))


def test_events_of_a_moment_wait_for_others(settings: Settings, scope: Scope) -> None:
    told(scope, at=utc_now())
    read_until(settings, utc_now() + timedelta(seconds=1))
    assert drain(settings, "eu", holder="t").feeds == []
    documents(scope)[inbox.INBOX].update_many({}, {"$set": {"received_at": utc_now() - LINGER}})
    assert drain(settings, "eu", holder="t").feeds == [str(KEY)]


def test_one_consumer_drains_a_region(settings: Settings, scope: Scope) -> None:
    told(scope)
    lease = registry.acquire(scope, "inbox:eu", "another")
    with pytest.raises(LeaseHeld):
        rounds(settings)
    registry.release(scope, lease)
    assert rounds(settings).waiting == 1
