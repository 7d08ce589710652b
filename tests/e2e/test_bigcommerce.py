"""BigCommerce down the river: two stores of one tenant, twice; and a report to the cent, without what was never paid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import pytest

from sandbox.vendors.records import Records
from sandbox.world.bigcommerce import build
from sandbox.world.spec import DefectRates, WorldSpec
from tests.e2e.two import Pair, Two, check_whole_never_mixed_and_read_once, two_shops
from varai.marts import Reader
from varai.river.transform import transform

pytestmark = pytest.mark.slow
TENANT = "harbor-frames"
WORLD = WorldSpec(
    TENANT,
    "harbor-frames.example.com",
    3,
    "USD",
    "America/Los_Angeles",
    "US",
    "",
    "the-token",
    products=12,
    orders=60,
    customers=25,
    defects=DefectRates.none(),
)
FEEDS = {
    "shop": WORLD,
    "outlet": replace(WORLD, name="outlet", domain="outlet.example.com", seed=4, defects=DefectRates()),
}
NO_SALES = (0, 1, 5, 6, 7)


@pytest.fixture
def two(home: Path, mongodb_uri: str, mongodb: str, tmp_path: Path) -> Iterator[Two]:
    """Both stores behind the simulator."""
    pair = Pair("bigcommerce", TENANT, FEEDS, build, {"access_token": "the-token"})
    with two_shops(pair, home, mongodb_uri, mongodb, tmp_path, "us") as made:
        yield made


def test_two_stores_of_one_tenant_are_whole_never_mixed_and_read_once(two: Two) -> None:
    check_whole_never_mixed_and_read_once(two)


def test_what_is_deleted_or_archived_is_found_gone(two: Two) -> None:
    """The store tells no deletes: its ids do."""
    assert two.run().failures == {}
    [product, *_] = two.bodies("shop", "products")
    [archived, deleted, *_] = two.bodies("shop", "orders")
    with Records(two.file("shop")) as records:
        records.delete("products", product["id"])
        records.delete("orders", deleted["id"])
        records.put(
            "orders", archived | {"is_deleted": True}, created="2026-10-01T00:00:00Z", modified="2026-10-01T00:00:00Z"
        )
    assert two.run().failures == {}  # a second run lists the ids
    gone = {row["stream"]: row["tombstoned"] for row in two.slices() if row["feed"] == "shop"}
    assert gone == {"shop": 0, "products": 1, "inventory": 0, "customers": 0, "orders": 2}
    assert not any(row["tombstoned"] for row in two.slices() if row["feed"] == "outlet")


def test_a_merchant_s_report_equals_the_store_s_own_totals(two: Two, tmp_path: Path) -> None:
    """Sales by the day they were made, without tax, and without what was not paid; refunds as the store gave them."""
    with Records(two.file("shop")) as records:
        for body, status in zip(two.bodies("shop", "orders")[:3], (0, 1, 7), strict=True):
            at = "2026-10-01T00:00:00Z"
            records.put("orders", body | {"status_id": status}, created=at, modified=at)
    assert two.run().failures == {}
    assert transform(two.settings, "us", holder="test").snapshots.keys() == {TENANT}
    sold = [
        body
        for body in two.bodies("shop", "orders")
        if body["status_id"] not in NO_SALES and body["payment_method"] != "Test Payment Gateway"
    ]
    items = [item for body in sold for item in _items(body)]
    with Reader(two.scope, tmp_path).current(TENANT) as marts:
        lines = marts.query("SELECT * FROM fct_order_line").to_pylist()
    mine = [row for row in lines if row["feed"] == "shop" and not row["test"]]
    assert {row["order_id"] for row in mine} == {str(body["id"]) for body in sold}
    assert len(mine) == len(items)
    for name, column in (("total_ex_tax", "gross_minor"), ("total_tax", "tax_minor")):
        expected = Counter[str]()
        for item in items:
            expected["gift_card" if item["type"] == "giftcertificate" else "product"] += _cents(item[name])
        found = Counter[str]()
        for row in mine:
            found[row["line_kind"]] += row[column]
        assert found == expected
        assert found["product"] > 0
    paid = sum(row["gross_minor"] - row["discount_minor"] + row["tax_minor"] for row in mine)
    delivered = sum(_cents(body["shipping_cost_inc_tax"]) for body in sold)
    assert paid + delivered == sum(_cents(body["total_inc_tax"]) for body in sold)
    assert all(isinstance(row["processed_on"], date) for row in mine)


def _items(order: dict[str, Any]) -> list[dict[str, Any]]:
    parts = order["consignments"]
    return [item for one in (*parts["shipping"], *parts["email"]["gift_certificates"]) for item in one["line_items"]]


def _cents(amount: str) -> int:
    return int((Decimal(amount) * 100).quantize(Decimal(1), ROUND_HALF_EVEN))
