"""Lags are told from what slices left, never too small; a promise is kept by slices that kept it whole."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from varai.kernel import Scope
from varai.registry import Changes, Lag, StreamKey, keep_lag
from varai.registry.freshness import SLICES, freshness, lags

NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)
KEY = StreamKey("northwind-eu", "shop", "products")


def _lag(seconds: list[int]) -> Lag:
    """A slice whose changes took so long."""
    ordered = sorted(seconds)
    at = [ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.5, 0.95)]
    p50, p95, oldest = (NOW - timedelta(seconds=one) for one in (*at, ordered[-1]))
    return Lag.of(Changes(rows=len(ordered), p50_at=p50, p95_at=p95, oldest_at=oldest), NOW)


@given(st.lists(st.lists(st.integers(0, 10_000), min_size=1, max_size=30), min_size=1, max_size=8))
def test_a_quantile_is_never_told_smaller_than_it_is(slices: list[list[int]]) -> None:
    told = freshness([_lag(one) for one in slices], 3600)
    every = sorted(second for one in slices for second in one)
    assert told["lag_p50_s"] >= every[(len(every) - 1) // 2]
    assert told["lag_p50_s"] <= told["lag_p95_s"] <= told["lag_max_s"] == every[-1]


def test_a_promise_is_kept_by_slices_that_kept_it_with_all_their_changes() -> None:
    slices = [_lag([10] * 99 + [4000]), _lag([3600]), _lag([1]), _lag([2, 3])]
    assert freshness(slices, 3600)["kept"] == 0.75
    nothing = freshness([], 3600)
    assert (nothing["kept"], nothing["lag_p50_s"], nothing["promised_s"]) == (None, None, 3600)


def test_the_last_slices_are_kept_and_no_more(scope: Scope) -> None:
    for seconds in range(SLICES + 2):
        keep_lag(scope, KEY, _lag([seconds]))
    kept = lags(scope)[KEY]
    assert [one.max_s for one in kept] == list(range(2, SLICES + 2))
