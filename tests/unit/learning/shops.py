"""Small shops with tastes that can be learned, as the marts would show them."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa

from varai.kernel import Scope
from varai.marts import Mart, publish
from varai.stores import objects

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


def publish_marts(
    region: Scope, lines: list[Row], offered: list[Row], leave_out: str = "", tenant: str = "acme"
) -> None:
    """Both marts of a tenant as `transform` publishes them; other tenants keep what they have."""
    others = {key.split("/")[1] for key in objects(region).list("published/")} - {tenant}
    with duckdb.connect() as opened:
        opened.execute("CREATE SCHEMA marts")
        for name, rows, schema in (("fct_order_line", lines, LINES), ("dim_product", offered, PRODUCTS)):
            opened.register("rows_", table(rows, schema))
            without = f"EXCLUDE (feed{leave_out})" if leave_out and name == "fct_order_line" else "EXCLUDE (feed)"
            opened.execute(f"CREATE TABLE marts.{name} AS SELECT '{tenant}' AS tenant, feed, * {without} FROM rows_")
        publish(
            region,
            opened,
            [
                Mart(
                    name="fct_order_line", schema_name="marts", key=("tenant", "feed", "line_id"), data_class="personal"
                ),
                Mart(
                    name="dim_product", schema_name="marts", key=("tenant", "feed", "variant_id"), data_class="public"
                ),
            ],
            withheld=others,
        )
