"""Amounts round half-even, once, and never pass through a float."""

from decimal import ROUND_UP, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from varai.kernel import Malformed, Money, minor_units

amounts = st.decimals(min_value=-(10**9), max_value=10**9, places=6, allow_nan=False, allow_infinity=False)


@given(amounts, st.integers(min_value=0, max_value=4))
def test_minor_units_agree_with_exact_fractions(amount: Decimal, exponent: int) -> None:
    # round() of a Fraction is exact and half-even, and shares no code with decimal.
    assert minor_units(amount, exponent) == round(Fraction(amount) * 10**exponent)


@given(digits=st.integers(-(10**60), 10**60), scale=st.integers(-5, 80), exponent=st.integers(0, 4))
@example(digits=10**30 // 2 + 1, scale=32, exponent=2)  # 28 digits make a half of it, which is even at zero
@example(digits=2**63 - 1, scale=2, exponent=2)
@example(digits=2**63, scale=2, exponent=2)
@example(digits=-(2**63), scale=2, exponent=2)
def test_an_amount_of_any_length_is_exact_or_refused(digits: int, scale: int, exponent: int) -> None:
    amount = Decimal(f"{digits}E{-scale}")
    wanted = round(Fraction(digits) / Fraction(10) ** scale * 10**exponent)
    if -(2**63) <= wanted < 2**63:
        assert minor_units(amount, exponent) == wanted
    else:
        with pytest.raises(Malformed, match="larger than any"):
            minor_units(amount, exponent)


@given(amounts, st.integers(min_value=1, max_value=28))
def test_no_context_of_a_caller_changes_the_amount(amount: Decimal, precision: int) -> None:
    wanted = minor_units(amount, 2)
    with localcontext(prec=precision, rounding=ROUND_UP):
        assert minor_units(amount, 2) == wanted


@pytest.mark.parametrize(
    ("text", "minor"),
    [("1E+999999999", None), ("-1E+999999999", None), ("1E-999999999", 0), ("0E+999999999", 0), ("NaN", None)],
)
def test_an_exponent_that_asks_for_a_billion_digits_costs_nothing(text: str, minor: int | None) -> None:
    if minor is not None:
        assert minor_units(Decimal(text), 2) == minor
        return
    with pytest.raises(Malformed):
        minor_units(Decimal(text), 2)


@pytest.mark.parametrize(
    ("text", "minor"), [("0.125", 12), ("0.135", 14), ("-0.125", -12), ("2.675", 268), ("0.001", 0)]
)
def test_halves_go_to_the_even_neighbour(text: str, minor: int) -> None:
    assert Money.parse(text, "GBP").minor(2) == minor


@pytest.mark.parametrize("text", ["", "abc", "NaN", "Infinity", "1,50"])
def test_what_is_no_finite_decimal_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        Money.parse(text, "EUR")
