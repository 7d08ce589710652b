"""Check digits follow the GS1 rule."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.world import gtin

KNOWN = ("4006381333931", "036000291452", "73513537", "00012345600012", "8056597328111")

FULL_WIDTH = "".join(chr(0xFF10 + int(digit)) for digit in KNOWN[0])


@pytest.mark.parametrize("code", KNOWN)
def test_numbers_of_real_articles_are_valid(code: str) -> None:
    assert gtin.is_valid(code)


@pytest.mark.parametrize("code", ["", "123", "4006381333930", "40063813339310", FULL_WIDTH, "400638133393X"])
def test_other_text_is_not(code: str) -> None:
    assert not gtin.is_valid(code)


@given(number=st.integers(0, 999_999), length=st.sampled_from([12, 13, 14]), step=st.integers(1, 9))
def test_a_made_number_is_valid_and_a_spoiled_one_is_not(number: int, length: int, step: int) -> None:
    code = gtin.make("9520", number, length)
    assert len(code) == length
    assert gtin.is_valid(code)
    assert not gtin.is_valid(gtin.spoil(code, step))


def test_a_number_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        gtin.make("95200", 10_000_000, 13)
