"""Webhooks that fell silent are noticed by changes that came without one, told with the cure, and forgiven when one is heard again."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from varai import registry
from varai.kernel import FeedKey, Scope, Window, utc_now
from varai.registry import SliceReport, SliceState, StreamKey, feed, put_feed, stream_rows
from varai.registry.hearing import hear, hearing
from varai.river.silence import GRACE, listen
from varai.settings import Settings, load
from varai.sources import stream_names

KEY = FeedKey("northwind-eu", "shop")
NUMBERS = count(1)
NOW = utc_now()


@pytest.fixture
def settings(home: Path, mongodb_uri: str, mongodb: str) -> Settings:
    given = {"VARAI_HOME": str(home), "VARAI_DATABASE": mongodb, "VARAI_STORES__EU__DOCUMENTS_URI": mongodb_uri}
    found = load(given)
    registry.seed(found.scope("eu"), found.seeds)
    return found


@pytest.fixture
def scope(settings: Settings) -> Scope:
    return settings.scope("eu", KEY.tenant)


def heard(scope: Scope, at: datetime, stream: str) -> None:
    hear(scope, KEY, stream, at)


def polled(scope: Scope, at: datetime, stream: str = "orders", *, published: int = 1, whole: bool = False) -> None:
    """A slice of the last quarter of an hour that found so many changes."""
    window = Window(start=None if whole else at - timedelta(minutes=15), end=at)
    report = SliceReport(
        tenant=KEY.tenant,
        feed=KEY.feed,
        stream=stream,
        batch_id=str(next(NUMBERS)),
        window=window,
        ingested_at=at,
        vendor_count=published,
        landed=published,
        published=published,
    )
    SliceState(scope, StreamKey(*KEY, stream)).write_report(report)


def silent(settings: Settings, at: datetime) -> list[str]:
    return [one.stream for one in listen(settings, "eu", at + GRACE)]


def cures(scope: Scope) -> set[str]:
    return {row["cure"] for row in stream_rows(scope, stream_names) if row["feed"] == KEY.feed}


def test_who_never_had_webhooks_is_not_silent(settings: Settings, scope: Scope) -> None:
    for number in range(3):
        polled(scope, NOW + timedelta(hours=number))
        assert silent(settings, NOW + timedelta(hours=number)) == []
    assert cures(scope) == {""}


def test_two_polls_that_find_what_nobody_told_are_a_silence_and_a_word_ends_it(
    settings: Settings, scope: Scope
) -> None:
    heard(scope, NOW, "orders")
    polled(scope, NOW + timedelta(minutes=5))
    assert silent(settings, NOW + timedelta(minutes=5)) == []
    one, two, three = (NOW + timedelta(hours=number) for number in (1, 2, 3))
    polled(scope, one)
    assert silent(settings, one) == []
    assert silent(settings, one) == []  # the same slice is not counted again
    polled(scope, two)
    assert silent(settings, two) == ["orders"]
    [cure] = cures(scope)
    assert "No webhook told of orders since" in cure and "it is polled meanwhile" in cure
    heard(scope, three, "orders")
    polled(scope, three + timedelta(minutes=1))
    assert silent(settings, three + timedelta(minutes=1)) == []
    assert cures(scope) == {""}


def test_a_quiet_shop_is_no_silence(settings: Settings, scope: Scope) -> None:
    heard(scope, NOW, "orders")
    for number in range(1, 4):
        polled(scope, NOW + timedelta(hours=number), published=0)
        assert silent(settings, NOW + timedelta(hours=number)) == []


def test_a_whole_read_and_a_webhook_that_is_on_its_way_are_no_silence(settings: Settings, scope: Scope) -> None:
    heard(scope, NOW, "orders")
    for number in range(1, 4):
        at = NOW + timedelta(hours=number)
        polled(scope, at, whole=True)
        assert silent(settings, at) == []
        polled(scope, at)
        assert [one.stream for one in listen(settings, "eu", at)] == []


def test_only_streams_that_were_heard_are_missed(settings: Settings, scope: Scope) -> None:
    """Stock changes with a product, but has topics of its own."""
    heard(scope, NOW, "products")
    for number in range(1, 4):
        polled(scope, NOW + timedelta(hours=number), "inventory")
        assert silent(settings, NOW + timedelta(hours=number)) == []


def test_what_is_declared_is_missed_though_it_was_never_heard(settings: Settings, scope: Scope) -> None:
    put_feed(scope, feed(scope, KEY).model_copy(update={"settings": {"webhooks": ["orders"]}}))
    for number in range(1, 3):
        polled(scope, NOW + timedelta(hours=number))
        told = silent(settings, NOW + timedelta(hours=number))
    assert told == ["orders"]
    [cure] = cures(scope)
    assert "No webhook told of orders ever" in cure


def test_a_late_word_of_an_earlier_instant_does_not_undo_a_later_one(scope: Scope) -> None:
    for at in (NOW, NOW - timedelta(hours=1)):
        heard(scope, at, "orders")
    assert [one.heard_at for one in hearing(scope)] == [NOW]
