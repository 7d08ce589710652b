"""A slice that waits for the warehouse is read on: one window over both, compared with its hashes; what died in between is not lost."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.unit.registry.test_slices import KEY, START, pending
from varai.kernel import Conflict, Scope, Window, utc_now
from varai.registry import Pending, SliceState
from varai.stores import objects

OVERLAP = timedelta(minutes=5)


def waits(state: SliceState, token: int, window: Window) -> Pending:
    """A slice that is staged under a token, with its next hashes."""
    key = state.next_hashes(token)
    objects(state.scope).write(key, f"hashes {token}".encode())
    found = pending(state, token, window).model_copy(update={"hashes": key})
    objects(state.scope).delete(f"{KEY.prefix}hashes.next.parquet")
    state.pend(found)
    return found


@pytest.fixture
def state(scope: Scope) -> SliceState:
    """A stream that was read until START, and of which a slice since then waits."""
    state = SliceState(scope, KEY)
    state.settle(pending(state, 1, state.plan(1, OVERLAP, incremental=True, end=START).window))
    waits(state, 2, state.plan(2, OVERLAP, incremental=True, end=START + timedelta(hours=1)).window)
    return state


def test_the_window_reaches_from_the_first_slice_s_beginning_to_now(state: SliceState) -> None:
    before = utc_now().replace(microsecond=0)
    waiting = state.pending()
    assert waiting is not None
    planned = state.plan_onward(3, waiting)
    assert planned.window.start == START - OVERLAP
    assert before <= planned.window.end <= utc_now()
    again = state.plan(4, OVERLAP, incremental=True)  # a rerun, if that one dies, takes it over
    assert again.window == planned.window


def test_what_reads_everything_or_ends_now_is_not_read_on(state: SliceState) -> None:
    waiting = state.pending()
    assert waiting is not None
    for window in (Window(start=None, end=START), Window(start=START, end=utc_now() + timedelta(hours=1))):
        batch = waiting.batch.model_copy(update={"window": window})
        with pytest.raises(Conflict):
            state.plan_onward(3, waiting.model_copy(update={"batch": batch}))


def test_it_is_compared_with_what_the_waiting_slice_found(state: SliceState) -> None:
    waiting = state.pending()
    assert waiting is not None
    assert state.newest_hashes() == waiting.hashes
    assert state.attempts() == []  # they are no leftovers
    state.keep_hashes(waiting)  # it has begun to settle meanwhile
    assert state.newest_hashes() == state.hashes
    assert objects(state.scope).read(state.hashes) == b"hashes 2"


def test_a_run_that_died_reading_on_is_remembered_when_the_first_slice_settles(state: SliceState) -> None:
    waiting = state.pending()
    assert waiting is not None
    planned = state.plan_onward(3, waiting)
    attempt = state.next_hashes(3)
    objects(state.scope).write(attempt, b"hashes 3")  # ... and it was killed before it was staged whole
    assert state.attempts() == [attempt]
    state.settle(waiting)
    assert (state.watermark(), state.pending()) == (waiting.batch.window.end, None)
    assert state.attempts() == [attempt]
    assert state.unfinished
    assert state.plan(4, OVERLAP, incremental=True).window == planned.window


def test_what_stands_in_its_place_settles_both(state: SliceState) -> None:
    waiting = state.pending()
    assert waiting is not None
    on_it = waits(state, 3, state.plan_onward(3, waiting).window)
    state.settle(on_it)
    assert state.watermark() == on_it.batch.window.end
    assert objects(state.scope).read(state.hashes) == b"hashes 3"
    assert (state.attempts(), state.at_rest) == ([], True)


def test_a_stream_is_read_until_the_end_of_what_waits_on_its_watermark(state: SliceState) -> None:
    waiting = state.pending()
    assert waiting is not None
    assert state.read_until() == START + timedelta(hours=1)
    later = Window(start=START + timedelta(days=1), end=START + timedelta(days=2))
    backfill = waiting.batch.model_copy(update={"window": later})
    state.pend(waiting.model_copy(update={"batch": backfill}))
    assert state.read_until() == START  # days between them were not read


def test_ids_that_a_waiting_slice_listed_are_not_listed_again(state: SliceState) -> None:
    waiting = state.pending()
    assert waiting is not None
    assert state.listed_at() is None
    state.pend(waiting.model_copy(update={"listed_at": START}))
    assert state.listed_at() == START
