"""Windows are planned once and taken over; the watermark moves last, forward only, and never under a stale token."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from varai.kernel import BatchRef, Conflict, Scope, Window
from varai.registry import Counts, Pending, SliceReport, SliceState, StreamKey, slice_keys, waiting_keys
from varai.stores import objects

KEY = StreamKey("northwind-eu", "shop", "orders")
DAY = timedelta(days=1)
START = datetime(2026, 11, 1, tzinfo=UTC)


def pending(state: SliceState, token: int, window: Window, landed: int = 3) -> Pending:
    batch = BatchRef(
        region="eu",
        tenant=KEY.tenant,
        feed=KEY.feed,
        stream=KEY.stream,
        batch_id="b",
        window=window,
        ingested_at=window.end,
        uri="landing/x",
        records=landed,
        lines=landed,
        sha256="0",
        vendor_count=landed,
        token=token,
    )
    report = SliceReport(
        tenant=KEY.tenant,
        feed=KEY.feed,
        stream=KEY.stream,
        batch_id="b",
        window=window,
        ingested_at=window.end,
        vendor_count=landed,
        landed=landed,
        published=landed,
    )
    hashes = f"{KEY.prefix}hashes.next.parquet"
    objects(state.scope).write(hashes, f"hashes {token}".encode())
    return Pending(token=token, batch=batch, report=report, staged=(), hashes=hashes)


def test_a_rerun_takes_over_the_window_and_its_ingested_at(scope: Scope) -> None:
    state = SliceState(scope, KEY)
    first = state.plan(1, timedelta(0), incremental=True, end=START)
    again = state.plan(2, timedelta(0), incremental=True, end=START + DAY)
    assert (again.window, again.ingested_at) == (first.window, first.ingested_at)
    assert again.token == 2
    with pytest.raises(Conflict):
        state.plan(1, timedelta(0), incremental=True)


def test_the_next_window_overlaps_the_last(scope: Scope) -> None:
    state = SliceState(scope, KEY)
    first = state.plan(1, timedelta(minutes=5), incremental=True, end=START)
    assert first.window.whole
    state.settle(pending(state, 1, first.window))
    second = state.plan(2, timedelta(minutes=5), incremental=True, end=START + DAY)
    assert second.window == Window(start=START - timedelta(minutes=5), end=START + DAY)
    assert objects(scope).read(state.hashes) == b"hashes 1"


@pytest.mark.parametrize("later", [timedelta(0), timedelta(minutes=-3)], ids=["same second", "clock put back"])
def test_a_stream_that_was_read_up_to_now_is_read_again_and_its_watermark_stays(scope: Scope, later: timedelta) -> None:
    state = SliceState(scope, KEY)
    state.settle(pending(state, 1, state.plan(1, timedelta(0), incremental=True, end=START).window))
    again = state.plan(2, timedelta(0), incremental=True, end=START + later)
    assert again.window == Window(start=START + later - timedelta(seconds=1), end=START + later)
    state.settle(pending(state, 2, again.window))
    assert state.watermark() == START


def test_a_stream_that_cannot_be_filtered_is_read_whole(scope: Scope) -> None:
    state = SliceState(scope, KEY)
    state.settle(pending(state, 1, state.plan(1, timedelta(0), incremental=False, end=START).window))
    assert state.plan(2, timedelta(0), incremental=False, end=START + DAY).window.whole


def test_a_backfill_never_moves_the_watermark_back(scope: Scope) -> None:
    state = SliceState(scope, KEY)
    state.settle(pending(state, 1, state.plan(1, timedelta(0), incremental=True, end=START).window))
    past = Window(start=START - 30 * DAY, end=START - 29 * DAY)
    state.settle(pending(state, 2, state.plan_exactly(2, past).window))
    assert state.watermark() == START


def test_a_backfill_of_later_days_does_not_skip_what_lies_between(scope: Scope) -> None:
    state = SliceState(scope, KEY)
    state.settle(pending(state, 1, state.plan(1, timedelta(0), incremental=True, end=START).window))
    later = Window(start=START + 5 * DAY, end=START + 9 * DAY)
    state.settle(pending(state, 2, state.plan_exactly(2, later).window))
    assert state.watermark() == START
    assert not state.unfinished


def test_a_backfill_of_a_stream_never_read_leaves_its_first_read_to_be_whole(scope: Scope) -> None:
    state = SliceState(scope, KEY)
    state.settle(pending(state, 1, state.plan_exactly(1, Window(start=START, end=START + DAY)).window))
    assert state.watermark() is None
    assert state.plan(2, timedelta(0), incremental=True, end=START + DAY).window.whole


def test_settling_another_batch_leaves_an_unfinished_window_and_its_acceptance(scope: Scope) -> None:
    state = SliceState(scope, KEY)
    state.plan(1, timedelta(0), incremental=True, end=START)
    state.accept("3 counted, 2 landed", "the vendor was migrating", "operator", 1)
    state.settle(pending(state, 1, Window(start=START - DAY, end=START - DAY / 2)))
    assert state.unfinished
    assert state.accepted("3 counted, 2 landed") == "the vendor was migrating"


def test_an_acceptance_holds_for_its_counts_alone_until_the_slice_settles(scope: Scope) -> None:
    state = SliceState(scope, KEY)
    planned = state.plan(1, timedelta(0), incremental=True, end=START)
    state.doubt("3 counted, 2 landed", 1)
    assert (state.doubted(), state.accepted("3 counted, 2 landed")) == ("3 counted, 2 landed", "")
    state.accept("3 counted, 2 landed", "the vendor was migrating", "operator", 2)
    assert [state.accepted(f"3 counted, {landed} landed") for landed in (2, 0)] == ["the vendor was migrating", ""]
    assert state.doubted() == ""
    state.doubt("3 listed of 9", 3)
    state.accept("3 listed of 9", "they closed a shop", "operator", 4)
    assert state.accepted("3 counted, 2 landed") and state.accepted("3 listed of 9")
    state.settle(pending(state, 4, planned.window))
    assert not state.accepted("3 counted, 2 landed") and not state.accepted("3 listed of 9")
    assert state.doubted() == ""


def test_no_report_doubt_or_acceptance_is_written_under_a_stale_token(scope: Scope) -> None:
    state = SliceState(scope, KEY)
    report = pending(state, 5, Window(start=None, end=START)).report
    state.write_report(report.model_copy(update={"token": 5}))
    state.doubt("new", 5)
    with pytest.raises(Conflict):
        state.write_report(report.model_copy(update={"token": 4}))
    with pytest.raises(Conflict):
        state.doubt("old", 4)
    assert state.doubted() == "new"
    state.accept("new", "the vendor was migrating", "operator", 5)
    with pytest.raises(Conflict):
        state.accept("old", "another word", "operator", 4)
    assert state.accepted("new") and not state.accepted("old")


def test_an_unfinished_window_refuses_another(scope: Scope) -> None:
    state = SliceState(scope, KEY)
    state.plan(1, timedelta(0), incremental=True, end=START)
    with pytest.raises(Conflict, match="unfinished"):
        state.plan_exactly(2, Window(start=START - DAY, end=START))
    assert state.unfinished


def test_a_stale_token_settles_nothing(scope: Scope) -> None:
    state = SliceState(scope, KEY)
    window = state.plan(5, timedelta(0), incremental=True, end=START).window
    state.settle(pending(state, 5, window))
    with pytest.raises(Conflict):
        state.settle(pending(state, 4, Window(start=START, end=START + DAY)))
    assert state.watermark() == START


def test_streams_are_listed_once_each(scope: Scope) -> None:
    for stream in ("orders", "products"):
        state = SliceState(scope, KEY._replace(stream=stream))
        state.settle(pending(state, 1, Window(start=None, end=START)))
        state.plan(2, timedelta(0), incremental=True, end=START + DAY)
    assert [key.stream for key in slice_keys(scope)] == ["orders", "products"]


def test_a_stream_waits_from_when_its_slice_is_staged_until_it_settles(scope: Scope) -> None:
    """Of the whole region, whichever other streams there are."""
    other = SliceState(scope, KEY._replace(stream="products"))
    other.plan(1, timedelta(0), incremental=True, end=START)
    state = SliceState(scope, KEY)
    staged = pending(state, 1, Window(start=None, end=START))
    state.pend(staged)
    assert list(waiting_keys(scope)) == [KEY]
    state.settle(staged)
    assert list(waiting_keys(scope)) == []


counts = st.integers(min_value=0, max_value=50)


@given(counts, counts, counts, counts, counts)
def test_rows_balance_only_when_every_one_has_a_fate(
    mapped: int, published: int, quarantined: int, unchanged: int, superseded: int
) -> None:
    row = Counts(
        mapped=mapped, published=published, quarantined=quarantined, unchanged=unchanged, superseded=superseded
    )
    assert row.balanced == (mapped - published - quarantined - unchanged - superseded == 0)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"vendor_count": 11}, "the vendor counts 11 records, 10 landed"),
        ({"published": 9}, "10 records landed, 9 have a fate"),
        ({"entities": {"order_line": Counts(mapped=2, published=1)}}, "rows of order_line do not add up"),
    ],
)
def test_a_report_says_which_equation_fails(change: dict[str, object], told: str) -> None:
    window = Window(start=None, end=START)
    good = SliceReport(
        tenant="t",
        feed="f",
        stream="s",
        batch_id="b",
        window=window,
        ingested_at=START,
        vendor_count=10,
        landed=10,
        published=10,
    )
    assert good.balanced
    bad = good.model_copy(update=change)
    assert bad.differences == [told]
    assert not bad.balanced
    # An operator may know better than the vendor's count, and never better than our own sums.
    assert bad.model_copy(update={"accepted": "the vendor was migrating"}).balanced == ("vendor_count" in change)


def test_an_overlap_that_has_grown_reaches_back_from_a_window_that_was_planned_before(scope: Scope) -> None:
    """An operator makes it larger because a window failed: that very window must be read with it."""
    state = SliceState(scope, KEY)
    state.settle(pending(state, 1, state.plan(1, timedelta(0), incremental=True, end=START).window))
    state.plan(2, timedelta(minutes=5), incremental=True, end=START + DAY)
    wider = state.plan(3, timedelta(hours=3), incremental=True, end=START + 2 * DAY)
    assert wider.window == Window(start=START - timedelta(hours=3), end=START + DAY)
    assert state.plan(4, timedelta(minutes=5), incremental=True).window == wider.window
