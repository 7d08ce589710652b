"""A state is good for the feed it was given out for, once, and for an hour; a feed is disconnected until it is connected again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from varai.kernel import FeedKey, Scope, Unauthorised, utc_now
from varai.registry import FeedState, connections, feed_states, set_state
from varai.registry.states import reconnected
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


def test_that_a_feed_is_disconnected_goes_before_whatever_a_run_says(scope: Scope) -> None:
    connections.insist(scope, KEY)
    connections.disconnect(scope, KEY, NOW)
    connections.disconnect(scope, KEY, NOW + timedelta(hours=1))
    set_state(scope, KEY, FeedState(kind="ok", since=NOW + timedelta(hours=2)))
    state = feed_states(scope)[str(KEY)]
    assert (state.kind, state.since) == ("needs reauthorisation", NOW)
    assert "varai feeds connect --region eu --tenant northwind-eu --feed shop" in state.cure
    with pytest.raises(Unauthorised, match="was taken off"):
        connections.insist(scope, KEY)
    connections.insist(scope, OTHER)
    connections.connect(scope, KEY, NOW + timedelta(hours=3))
    connections.insist(scope, KEY)
    assert feed_states(scope)[str(KEY)].kind == "ok"


def test_a_feed_that_is_connected_again_does_not_say_that_it_needs_to_be(scope: Scope) -> None:
    set_state(scope, KEY, FeedState.of(connections.lost(scope, KEY)))
    set_state(scope, OTHER, FeedState(kind="failing", since=NOW))
    for key in (KEY, OTHER):
        reconnected(scope, key)
    assert [(name, state.kind) for name, state in feed_states(scope).items()] == [(str(OTHER), "failing")]
