"""Products are alike as far as what is known of both agrees."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from varai.learning.likeness import STEP_MM, likeness
from varai.learning.words import Items

SAME: dict[str, Any] = {
    "shape": "round", "rim": "full", "material": "metal", "colours": ("black",), "width_mm": 130.0, "price": 100.0
}  # fmt: skip
NOTHING: dict[str, Any] = {"shape": None, "rim": None, "material": None, "colours": (), "width_mm": None, "price": None}


def items(*rows: dict[str, Any]) -> Items:
    columns = {name: tuple(row[name] for row in rows) for name in SAME}
    return Items(ids=tuple(f"shop/{i:03}" for i in range(len(rows))), created_at=(None,) * len(rows), **columns)


def test_equal_products_are_wholly_alike_and_strangers_not_at_all() -> None:
    found = likeness(items(SAME, SAME, NOTHING)).toarray()
    assert found[0, 1] == pytest.approx(1.0, abs=1e-6)
    assert not found[2].any()
    assert not np.diag(found).any()


@pytest.mark.parametrize("name", sorted(SAME))
def test_each_attribute_counts_a_sixth(name: str) -> None:
    assert likeness(items(SAME, SAME | {name: NOTHING[name]})).toarray()[0, 1] == pytest.approx(5 / 6, abs=1e-6)


def test_sizes_and_prices_fall_off_with_distance() -> None:
    near, far, beyond = (SAME | {"width_mm": 130.0 + step * STEP_MM} for step in (0.3, 0.8, 2.5))
    found = likeness(items(SAME, near, far, beyond)).toarray()[0]
    assert found[1] > found[2] > found[3] == pytest.approx(5 / 6, abs=1e-6)


words = st.one_of(st.none(), st.sampled_from(["a", "b", ""]))
numbers = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True))
rows = st.fixed_dictionaries(
    {"shape": words, "rim": words, "material": words, "width_mm": numbers, "price": numbers}
    | {"colours": st.lists(st.sampled_from("xyz"), max_size=3, unique=True).map(tuple)}
)


@given(st.lists(rows, min_size=1, max_size=12))
@settings(deadline=None)
def test_likeness_is_symmetric_and_between_0_and_1_whatever_a_shop_says(of: list[dict[str, Any]]) -> None:
    found = likeness(items(*of)).toarray()
    assert np.allclose(found, found.T, atol=1e-6)
    assert found.min() >= 0
    assert found.max() <= 1 + 1e-5
