"""Amounts round half-even, once, and never pass through a float."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from varai.kernel import Malformed, Money, minor_units

amounts = st.decimals(min_value=-(10**9), max_value=10**9, places=6, allow_nan=False, allow_infinity=False)


@given(amounts, st.integers(min_value=0, max_value=4))
def test_minor_units_agree_with_exact_fractions(amount: Decimal, exponent: int) -> None:
    # round() of a Fraction is exact and half-even, and shares no code with decimal.
    assert minor_units(amount, exponent) == round(Fraction(amount) * 10**exponent)


@pytest.mark.parametrize(
    ("text", "minor"), [("0.125", 12), ("0.135", 14), ("-0.125", -12), ("2.675", 268), ("0.001", 0)]
)
def test_halves_go_to_the_even_neighbour(text: str, minor: int) -> None:
    assert Money.parse(text, "GBP").minor(2) == minor


@pytest.mark.parametrize("text", ["", "abc", "NaN", "Infinity", "1,50"])
def test_what_is_no_finite_decimal_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        Money.parse(text, "EUR")
