"""Whole and complete: what a shop holds is landed once, with all its children, by bulk operation and by page alike."""

from __future__ import annotations

import gc
import weakref
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.vendors.shopify.store import ALL_SCOPES
from tests.unit.sources.conftest import (
    ALL_AS_WINDOW,
    END,
    WHOLE,
    Landed,
    MakeShop,
    put_level,
    put_order,
    put_product,
    stamp,
)
from varai.kernel import Malformed, Misconfigured, Unauthorised, Unavailable, Unbalanced, Window
from varai.sources import Page, connector
from varai.sources.shopify import queries
from varai.sources.shopify.client import open_shop
from varai.sources.shopify.listing import list_ids
from varai.sources.shopify.reading import Reading

CHILDREN: dict[str, list[tuple[str, str]]] = {
    "products": [("variants", "ProductVariant"), ("images", "ProductImage")],
    "orders": [("lineItems", "LineItem"), ("shippingLines", "ShippingLine"), ("refunds", "Refund")],
    "customers": [],
    "inventory": [],
}
LATER = "2026-11-02T00:00:00Z"


def balanced(landed: Landed) -> bool:
    """What the river holds a slice to."""
    return landed.records == landed.vendor_count == len(landed.roots)


@pytest.mark.parametrize("stream", CHILDREN)
def test_bulk_and_pages_land_the_same_records_and_children(make_shop: MakeShop, stream: str) -> None:
    shop = make_shop(products=12, orders=9, customers=5)
    in_bulk = shop.land(stream, WHOLE)
    paged = shop.land(stream, ALL_AS_WINDOW)
    whole_paged = shop.land(stream, WHOLE, bulk=False, page_size=4)
    assert in_bulk.ids() == paged.ids() == whole_paged.ids() != set()
    for child in CHILDREN[stream]:
        assert in_bulk.ids(*child) == paged.ids(*child) != set()
    assert all(balanced(landed) for landed in (in_bulk, paged, whole_paged))


def test_bulk_and_pages_write_the_same_fields(make_shop: MakeShop) -> None:
    shop = make_shop(products=2, customers=1)
    for stream, children in (("products", {"variants", "images"}), ("customers", set[str]())):
        in_bulk = {line["id"]: line for line in shop.land(stream).roots}
        for line in shop.land(stream, ALL_AS_WINDOW).roots:
            assert in_bulk[line["id"]] == {key: value for key, value in line.items() if key not in children}


def test_a_small_stream_is_a_snapshot_whatever_the_window(make_shop: MakeShop) -> None:
    shop = make_shop()
    moment = Window(start=END, end=END + timedelta(minutes=15))
    for stream in ("shop", "locations"):
        for window in (WHOLE, moment):
            landed = shop.land(stream, window)
            assert landed.records == landed.vendor_count == 1
    assert shop.land("shop").lines[0]["ianaTimezone"] == "America/New_York"


@pytest.mark.parametrize("window", [WHOLE, ALL_AS_WINDOW], ids=["bulk", "pages"])
def test_nested_connections_are_drained(make_shop: MakeShop, window: Window) -> None:
    shop = make_shop()
    with shop.writer() as writer:
        put_product(writer, 1, variants=300)
        put_order(writer, 2, lines=2)
        put_order(writer, 3, lines=140)
        for number in range(30):
            place: dict[str, Any] = {
                "parent": "gid://shopify/Refund/20",
                "connection": "refundLineItems",
                "position": 5 + number,
            }
            when: dict[str, Any] = {"created_at": stamp(2), "updated_at": stamp(2)}
            writer.put(f"gid://shopify/RefundLineItem/9{number:03d}", "RefundLineItem", _refund_line(), **place, **when)
    products, orders = shop.land("products", window), shop.land("orders", window)
    assert len(products.ids("variants", "ProductVariant")) == 300
    assert len(orders.ids("lineItems", "LineItem")) == 142
    assert balanced(products)
    assert balanced(orders)
    refunds = [line for line in orders.lines if "/Refund/20" in line["id"]] or orders.roots[0]["refunds"]
    assert len({line["id"] for line in refunds[0]["refundLineItems"]["nodes"]}) == 31
    if window is WHOLE:
        assert refunds[0]["__typename"] == "Refund"
        assert refunds[0]["__parentId"] == "gid://shopify/Order/2"


def _refund_line() -> dict[str, Any]:
    money = {"amount": "1.00", "currencyCode": "USD"}
    both = {"shopMoney": money, "presentmentMoney": money}
    return {"quantity": 1, "subtotalSet": both, "lineItem": {"id": "gid://shopify/LineItem/2000"}}


def test_a_refund_that_vanishes_behind_a_bulk_file_is_not_passed_over(make_shop: MakeShop) -> None:
    shop = make_shop(orders=5)

    def vanish(page: Page) -> None:
        if page.records:
            with shop.writer() as writer:
                writer.delete("gid://shopify/Refund/20", stamp(0))

    with pytest.raises(Unbalanced, match=r"name 6 refunds, of which 5 came"):
        shop.land("orders", between=vanish)
    again = shop.land("orders")
    assert balanced(again)
    assert len(again.ids("refunds", "Refund")) == 5


@pytest.mark.parametrize("in_bulk", [True, False])
def test_a_window_is_half_open(make_shop: MakeShop, in_bulk: bool) -> None:
    shop = make_shop()
    with shop.writer() as writer:
        put_product(writer, 1, at="2026-10-31T23:59:59Z")
        put_product(writer, 2, at="2026-11-01T00:00:00Z")
    first = shop.land("products", Window(start=None, end=END), bulk=in_bulk)
    second = shop.land("products", Window(start=END, end=END + timedelta(hours=1)))
    assert first.ids() == {"gid://shopify/Product/1"}
    assert second.ids() == {"gid://shopify/Product/2"}
    assert balanced(first)
    assert balanced(second)


def test_stock_that_moves_is_found_though_its_item_does_not_change(make_shop: MakeShop) -> None:
    shop = make_shop(products=3)
    with shop.writer() as writer:
        put_level(writer, 2001, at="2026-11-01T08:00:00Z", available=4)
    landed = shop.land("inventory", Window(start=END, end=END + timedelta(days=1)))
    assert [line["item"]["id"] for line in landed.lines] == ["gid://shopify/InventoryItem/2001"]
    assert {"name": "available", "quantity": 4}.items() <= landed.lines[0]["quantities"][0].items()
    assert landed.records == landed.vendor_count == 1


@pytest.mark.parametrize("in_bulk", [True, False], ids=["bulk", "pages"])
def test_rows_that_change_while_they_are_read_balance(make_shop: MakeShop, in_bulk: bool) -> None:
    """One that was read and one that was not both leave the window; the next window holds them."""
    shop = make_shop(products=12)
    moved: list[Page] = []

    def sell(page: Page) -> None:
        if not moved:
            moved.append(page)
            with shop.writer() as writer:
                put_product(writer, 1, at=LATER)
                put_product(writer, 12, at=LATER)

    landed = shop.land("products", WHOLE, between=sell, bulk=in_bulk, page_size=3)
    expected = set(range(1, 13)) if in_bulk else set(range(1, 12))
    assert landed.ids() == {f"gid://shopify/Product/{number}" for number in expected}
    assert landed.records == landed.vendor_count
    after = shop.land("products", Window(start=END, end=END + timedelta(days=2)))
    assert after.ids() == {"gid://shopify/Product/1", "gid://shopify/Product/12"}


def test_destroyed_products_of_the_window_are_deletions(make_shop: MakeShop) -> None:
    shop = make_shop(products=4)
    with shop.writer() as writer:
        writer.delete("gid://shopify/Product/1", "2026-10-30T00:00:00Z")
        writer.delete("gid://shopify/Product/2", "2026-11-01T10:00:00Z")
        writer.delete("gid://shopify/ProductVariant/3001", "2026-11-01T10:00:00Z")
        writer.delete("gid://shopify/Product/4", "2026-11-03T00:00:00Z")
    landed = shop.land("products", Window(start=END, end=END + timedelta(days=1)))
    assert landed.deletions == (("product", "2", datetime(2026, 11, 1, 10, tzinfo=UTC)),)
    assert shop.land("products", WHOLE).deletions == ()


MOMENT = Window(start=END, end=END + timedelta(hours=1))
LISTED = {"customers": ("Customer", 7), "orders": ("Order", 7), "inventory": ("InventoryLevel", 9)}


@pytest.mark.parametrize("stream", LISTED)
def test_a_listing_has_every_id_whatever_the_window(make_shop: MakeShop, stream: str) -> None:
    shop = make_shop(products=3, orders=7, customers=7)
    assert shop.land(stream, MOMENT).listing is None
    shop.fault("missing_page", match="id updatedAt", times=1)  # one page that goes missing is made good
    found = shop.land(stream, MOMENT, listing=True, page_size=2).listing
    assert found is not None and found.horizon is None
    every = {line["id"].rsplit("/", 1)[1] for line in shop.land(stream).roots}
    assert set(found.ids.to_pylist()) == every
    assert len(found.ids) == LISTED[stream][1]


def test_a_listing_that_stays_short_stands_beside_the_vendors_count(make_shop: MakeShop) -> None:
    shop = make_shop(customers=7)
    shop.fault("missing_page", match="sortKey: ID", times=-1)
    found = shop.land("customers", MOMENT, listing=True, page_size=2).listing
    assert found is not None and found.vendor_count == 7 > len(found.ids)


@pytest.mark.parametrize("stream", LISTED)
def test_without_an_exact_count_an_id_is_gone_only_if_two_listings_lack_it(
    make_shop: MakeShop, monkeypatch: pytest.MonkeyPatch, stream: str
) -> None:
    """Beyond a limit that Shopify may set again it says "at least"."""
    monkeypatch.setattr(queries, "COUNT", {name: q.replace("null", "3") for name, q in queries.COUNT.items()})
    shop = make_shop(products=3, orders=7, customers=7)
    with open_shop(shop.session(page_size=2)) as client:
        reading = Reading(client, stream, MOMENT)
        shop.fault("missing_page", match="id updatedAt", times=1)
        found = list_ids(reading)
    assert shop.waiting_faults() == []
    assert found is not None and found.vendor_count is None
    assert len(found.ids) == LISTED[stream][1]


def test_a_listing_of_orders_says_what_is_out_of_sight(make_shop: MakeShop) -> None:
    scopes = tuple(scope for scope in ALL_SCOPES if scope != "read_all_orders")
    shop = make_shop(orders=3, scopes=scopes)
    with shop.writer() as writer:
        put_order(writer, 8, at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
        put_order(writer, 2, at="2024-01-01T00:00:00Z")
    found = shop.land("orders", MOMENT, listing=True).listing
    assert found is not None and found.horizon == min(map(int, found.ids.to_pylist())) >= 1
    with shop.writer() as writer:
        for number in (1, 3, 8):
            writer.delete(f"gid://shopify/Order/{number}", stamp(0))
    assert shop.land("orders", MOMENT, listing=True).listing is None


def test_stock_is_listed_when_a_product_was_destroyed(make_shop: MakeShop) -> None:
    shop = make_shop(products=2)
    with shop.writer() as writer:
        writer.delete("gid://shopify/Product/1", "2026-11-01T00:10:00Z")
    assert shop.land("inventory", MOMENT).listing is not None
    assert shop.land("inventory", Window(start=MOMENT.end, end=MOMENT.end + timedelta(hours=1))).listing is None


def test_a_page_that_is_too_dear_is_halved_until_it_fits(make_shop: MakeShop) -> None:
    shop = make_shop(products=300)
    landed = shop.land("products", ALL_AS_WINDOW)
    assert landed.records == landed.vendor_count == 300
    asked = [request for request in shop.requests() if "sortKey: UPDATED_AT" in str(request)]
    assert len(asked) < 12


def test_a_missing_scope_is_named(make_shop: MakeShop) -> None:
    shop = make_shop(orders=2, scopes=("read_products",))
    for window in (WHOLE, ALL_AS_WINDOW):
        with pytest.raises(Unauthorised, match=r"read_orders|denied"):
            shop.land("orders", window)


def test_an_operation_that_stands_still_is_given_up_and_its_place_given_back(make_shop: MakeShop) -> None:
    shop = make_shop(products=2)
    shop.fault("stuck_bulk")
    with pytest.raises(Unavailable, match="counted nothing for 3 s"):
        shop.land("products", bulk_stall_s=3)
    assert "bulkOperationCancel" in str(shop.requests())
    assert shop.land("products").records == 2


def test_a_page_that_never_moves_on_is_an_error(make_shop: MakeShop) -> None:
    shop = make_shop(products=9)
    shop.fault("duplicate_page", times=-1, match="UPDATED_AT")
    with pytest.raises(Malformed, match="same page"):
        shop.land("products", ALL_AS_WINDOW, page_size=3)


def test_the_hash_of_the_questions_does_not_move_with_the_window(make_shop: MakeShop) -> None:
    shop = make_shop()
    shopify = connector("shopify")
    hashes = {
        spec.name: {shopify.extract(shop.session(), spec.name, window).query_hash for window in (WHOLE, ALL_AS_WINDOW)}
        for spec in shopify.streams
    }
    assert all(len(found) == 1 for found in hashes.values())
    assert len(set.union(*hashes.values())) == len(hashes)


def test_an_unknown_stream_is_misconfigured(make_shop: MakeShop) -> None:
    with pytest.raises(Misconfigured, match="no stream 'carts', known: shop"):
        make_shop().land("carts")


def test_what_a_read_has_met_is_let_go_with_it(make_shop: MakeShop) -> None:
    """Not some time later by the collector of cycles: the batch is mapped beside it, and a large shop's ids are many."""
    shop = make_shop(products=3)
    gc.disable()
    try:
        with open_shop(shop.session()) as client:
            reading = Reading(client, "products", ALL_AS_WINDOW)
            assert sum(page.records for page in reading.paged(queries.PAGE["products"])) == 3
            met = weakref.ref(reading)
            del reading
            assert met() is None
    finally:
        gc.enable()
