"""Money is split and rounded without losing a cent; instants go out as UTC."""

from __future__ import annotations

from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.world.wire import cents, instant, portion, spread


@given(amount=st.integers(0, 10**9), weights=st.lists(st.integers(0, 10**6), min_size=1, max_size=9).filter(any))
def test_parts_sum_to_the_amount(amount: int, weights: list[int]) -> None:
    parts = spread(amount, weights)
    assert sum(parts) == amount
    whole = sum(weights)
    assert all(abs(part - Decimal(amount) * weight / whole) < 1 for part, weight in zip(parts, weights, strict=True))


@given(amount=st.integers(0, 10**9), weights=st.lists(st.integers(0, 10**6), min_size=1, max_size=9).filter(any))
def test_no_line_is_given_more_than_it_costs(amount: int, weights: list[int]) -> None:
    taken = min(amount, sum(weights))
    assert all(part <= weight for part, weight in zip(spread(taken, weights), weights, strict=True))


@given(amount=st.integers(-(10**9), 10**9), part=st.integers(0, 10**5), whole=st.integers(1, 10**6))
def test_portion_rounds_half_even(amount: int, part: int, whole: int) -> None:
    exact = Decimal(amount * part) / Decimal(whole) if (amount * part) % whole else None
    expected = amount * part // whole if exact is None else int(exact.to_integral_value(rounding=ROUND_HALF_EVEN))
    assert portion(amount, part, whole) == expected


@pytest.mark.parametrize(("amount", "half"), [(1, 0), (3, 2), (5, 2), (7, 4), (-1, 0), (-3, -2)])
def test_halves_go_to_the_even_cent(amount: int, half: int) -> None:
    assert portion(amount, 1, 2) == half


@given(amount=st.integers(-(10**12), 10**12))
def test_cents_are_decimal_text(amount: int) -> None:
    assert Decimal(cents(amount)) == Decimal(amount) / 100


def test_an_instant_is_utc_and_a_naive_time_is_refused() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert instant(datetime(2026, 7, 1, 10, 0, tzinfo=berlin)) == "2026-07-01T08:00:00Z"
    with pytest.raises(ValueError, match="no zone"):
        instant(datetime(2026, 7, 1, 10, 0))  # noqa: DTZ001 - the point of the test
