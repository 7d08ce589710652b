"""Small shops with tastes that can be learned, as the marts would show them."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from varai.learning.assemble import gather
from varai.learning.spec import Blend, Candidate, Least, ModelSpec, PromoteIf, Windows
from varai.learning.words import Dataset

END = datetime(2026, 9, 1, tzinfo=UTC)
LINES = pa.schema(
    {name: pa.string() for name in ("feed", "order_id", "line_id", "subject", "product_id", "line_kind")}
    | {name: pa.bool_() for name in ("trainable", "test", "cancelled")}
    | {"processed_at": pa.timestamp("us", "UTC")}
)
PRODUCTS = pa.schema(
    {name: pa.string() for name in ("feed", "product_id", "variant_id", "frame_shape", "rim", "material", "colour")}
    | {name: pa.float64() for name in ("frame_width_mm", "lens_width_mm")}
    | {"price": pa.decimal128(18, 6), "gift_card": pa.bool_(), "created_at": pa.timestamp("us", "UTC")}
)
Row = dict[str, Any]


@pytest.fixture(scope="session")
def spec() -> ModelSpec:
    """All candidates with small grids, and little enough to learn from."""
    return ModelSpec(
        name="recommender",
        about="Ranks products.",
        marts=("fct_order_line", "dim_product"),
        entity="product",
        features=("subject", "product_id"),
        target="first purchases",
        limits=("It knows purchases only.",),
        candidates=(
            Candidate("popularity"),
            Candidate("decayed_popularity", {"half_life_days": (14.0, 90.0)}),
            Candidate("attributes"),
            Candidate("item_knn", {"shrinkage": (5.0,)}),
            Candidate("ease", {"l2": (20.0, 100.0)}),
            Candidate("als", {"l2": (1.0,), "confidence": (10.0,), "factors": (8.0,)}),
        ),
        blend=Blend(prior=(0.05, 0.3), alike=(0.0, 0.1)),
        promote_if=PromoteIf(resamples=500),
        least=Least(subjects=20, purchases=100, judged=10),
        windows=Windows(validation_days=40, test_days=40),
    )


def line(number: int, **values: Any) -> Row:
    """An order line that may be learned from, but for what is given."""
    return {
        "feed": "shop",
        "order_id": f"o{number}",
        "line_id": f"l{number}",
        "subject": f"{number % 7:032x}",
        "trainable": True,
        "product_id": f"p{number % 5}",
        "line_kind": "product",
        "test": False,
        "cancelled": False,
        "processed_at": END - timedelta(days=number % 300, minutes=1),
    } | values


def product(number: int, **values: Any) -> Row:
    """A product of one variant about which nothing is known, but for what is given."""
    empty = dict.fromkeys(PRODUCTS.names)
    return empty | {"feed": "shop", "product_id": f"p{number}", "variant_id": f"v{number}", "gift_card": False} | values


def sales(seed: int, *, taste: bool, people: int = 120, products: int = 40, each: int = 9) -> list[Row]:
    """Lines of a shop; with taste, people of four kinds buy from the quarter of the products that is theirs."""
    dice = random.Random(seed)
    lines = []
    for number in range(people * each):
        person = number % people
        pool = [p for p in range(products) if p % 4 == person % 4] if taste and dice.random() < 0.9 else range(products)
        at = END - timedelta(days=dice.random() * 360, minutes=1)
        lines.append(line(number, subject=f"{person:032x}", product_id=f"p{dice.choice(pool)}", processed_at=at))
    return lines


def table(rows: list[Row], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist(rows, schema)


@pytest.fixture(scope="session")
def shop(spec: ModelSpec) -> Callable[..., Dataset]:
    """Makes datasets from `sales`, or from lines that are given."""

    def make(seed: int = 1, *, taste: bool = True, lines: list[Row] | None = None) -> Dataset:
        rows = sales(seed, taste=taste) if lines is None else lines
        offered = [product(number, frame_shape=("round", "square")[number % 2]) for number in range(42)]
        found = gather(table(rows, LINES), table(offered, PRODUCTS), (), spec, snapshot_id="s1", as_of=END)
        assert isinstance(found, Dataset)
        return found

    return make
