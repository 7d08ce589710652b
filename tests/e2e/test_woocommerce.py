"""WooCommerce down the river: two shops of one tenant, twice; a report to the cent; and what an erased customer leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from sandbox.vendors.records import Records
from sandbox.world.spec import WorldSpec
from sandbox.world.woocommerce import build
from tests.e2e.two import (
    Pair,
    Two,
    check_who_is_gone_at_the_vendor_is_found_and_mended,
    check_whole_never_mixed_and_read_once,
    two_shops,
)
from varai.marts import Reader
from varai.river.transform import transform

pytestmark = pytest.mark.slow
TENANT = "optik-nord"
WORLD = WorldSpec(
    TENANT, "optik-nord.example.com", 3, "EUR", "Europe/Berlin", "DE", "ck", "cs", products=12, orders=60, customers=25
)
FEEDS = {"shop": WORLD, "outlet": replace(WORLD, name="outlet", domain="outlet.example.com", seed=4)}


@pytest.fixture
def two(home: Path, mongodb_uri: str, mongodb: str, tmp_path: Path) -> Iterator[Two]:
    """Both shops behind the simulator."""
    with two_shops(
        Pair("woocommerce", TENANT, FEEDS, build, {"consumer_key": "ck", "consumer_secret": "cs"}),
        home,
        mongodb_uri,
        mongodb,
        tmp_path,
    ) as made:
        yield made


@pytest.mark.timeout(900)
def test_two_shops_of_one_tenant_are_whole_never_mixed_and_read_once(two: Two) -> None:
    check_whole_never_mixed_and_read_once(two)
    check_who_is_gone_at_the_vendor_is_found_and_mended(two)


def test_a_merchant_s_report_equals_the_shop_s_own_totals(two: Two, tmp_path: Path) -> None:
    """Sales by the day they were made, without tax, without carts and what was never paid: as WooCommerce's own report counts them."""
    with Records(two.shops / f"{TENANT}.sqlite") as records:
        for body, status in zip(two.bodies("shop", "orders")[:2], ("failed", "checkout-draft"), strict=True):
            at = {"created": body["date_created_gmt"], "modified": body["date_modified_gmt"]}
            records.put("orders", body | {"status": status}, status=status, **at)
    assert two.run().failures == {}
    assert transform(two.settings, "eu", holder="test").snapshots.keys() == {TENANT}
    sold = [
        body for body in two.bodies("shop", "orders") if body["status"] not in ("failed", "checkout-draft", "cancelled")
    ]
    expected = {
        "gross": sum(
            cents(line["subtotal"])
            for body in sold
            for line in body["line_items"]
            if not line["sku"].startswith("GIFT-")
        ),
        "tax": sum(cents(body["total_tax"]) for body in sold),
    }
    with Reader(two.scope, tmp_path).current(TENANT) as marts:
        lines = marts.query("SELECT * FROM fct_order_line").to_pylist()
    mine = [row for row in lines if row["feed"] == "shop" and not row["test"]]
    assert {row["order_id"] for row in mine} == {str(body["id"]) for body in sold}
    assert sum(row["gross_minor"] for row in mine if row["line_kind"] == "product") == expected["gross"] > 0
    assert all(isinstance(row["processed_on"], date) for row in mine)


def cents(text: str) -> int:
    return int(text.replace(".", ""))
