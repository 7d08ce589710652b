"""A state is good for the feed it was given out for, once, and for an hour."""

from __future__ import annotations

from datetime import timedelta

from varai.kernel import FeedKey, Scope, utc_now
from varai.registry import connections
from varai.stores import documents

KEY, OTHER = FeedKey("northwind-eu", "shop"), FeedKey("northwind-eu", "outlet")
NOW = utc_now()


def test_a_state_is_good_once_and_for_its_own_feed(scope: Scope) -> None:
    state = connections.ask(scope, KEY, NOW)
    connections.ask(scope, OTHER, NOW)
    assert not connections.answered(scope, OTHER, state, NOW)
    assert not connections.answered(scope, KEY, "", NOW)
    assert connections.answered(scope, KEY, state, NOW)
    assert not connections.answered(scope, KEY, state, NOW)


def test_a_state_ends_after_an_hour_or_with_the_next_one(scope: Scope) -> None:
    first = connections.ask(scope, KEY, NOW)
    assert not connections.answered(scope, KEY, first, NOW + connections.ANSWERED_WITHIN)
    second = connections.ask(scope, KEY, NOW)
    assert first != second
    assert not connections.answered(scope, KEY, first, NOW)
    assert connections.answered(scope, KEY, second, NOW + connections.ANSWERED_WITHIN - timedelta(seconds=1))


def test_a_state_is_not_kept_in_clear(scope: Scope) -> None:
    state = connections.ask(scope, KEY, NOW)
    assert state not in repr(list(documents(scope)[connections.CONNECTIONS].find()))


def test_a_feed_is_connected_since_its_merchant_answered(scope: Scope) -> None:
    assert connections.connection(scope, KEY).connected_at is None
    connections.connect(scope, KEY, NOW)
    assert connections.connection(scope, KEY).connected_at == NOW
    assert connections.connection(scope, OTHER).connected_at is None
