"""An order comes with all its refunds, whatever it says of them and however few requests bring them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.sources.conftest import minutes
from tests.unit.sources.woocommerce.conftest import MakeWooShop, WooShop, put_order, put_refund, stamp
from varai.kernel import Gone, Window
from varai.sources import Page

NEVER = "9999-01-01T00:00:00"


def asked_of(shop: WooShop) -> list[str]:
    """Ends of the paths that were asked for."""
    return [one["path"].removeprefix("wp-json/wc/v3/") for one in shop.requests()]


def touch(shop: WooShop, *orders: int, at: int = 1000, **more: Any) -> None:
    """Change orders, so many minutes after the beginning of October."""
    with shop.records() as records:
        for number in orders:
            put_order(records, number, at=stamp(at), **more)


def test_many_orders_are_not_asked_one_by_one(woo_shop: MakeWooShop) -> None:
    shop = woo_shop(orders=120)
    assert len(shop.read("orders").children()) == 40
    assert asked_of(shop) == ["orders", "orders", "refunds"]


def test_the_orders_of_a_window_and_its_refunds_are_looked_for_in_one_list(woo_shop: MakeWooShop) -> None:
    shop = woo_shop(orders=12)
    touch(shop, 3, 6, 7)
    read = shop.read("orders", minutes(990, 1010))
    assert (read.ids, read.children()) == ([3, 6, 7], {("3", 9003), ("6", 9006)})
    assert asked_of(shop) == ["orders", "refunds"]


@pytest.mark.parametrize("window", [Window(start=None, end=datetime(2026, 11, 1, tzinfo=UTC)), minutes(990, 1010)])
def test_a_shop_with_a_list_gives_what_one_without_it_gives(woo_shop: MakeWooShop, window: Window) -> None:
    shops = [woo_shop(orders=12), woo_shop(orders=12, without_refunds="yes")]
    for shop in shops:
        touch(shop, 3, 5, 9)
    listed, asked = [shop.read("orders", window, page_size=2) for shop in shops]
    assert sorted(map(str, listed.lines)) == sorted(map(str, asked.lines))
    assert listed.children()
    assert (listed.records, listed.vendor_count) == (asked.records, asked.vendor_count)


def test_an_old_order_among_many_refunds_is_asked_itself(woo_shop: MakeWooShop) -> None:
    shop = woo_shop(orders=60)
    touch(shop, 3)
    read = shop.read("orders", minutes(990, 1010), page_size=2)
    assert read.children() == {("3", 9003)}
    assert asked_of(shop) == ["orders", "refunds", "refunds", "orders/3/refunds"]


def test_a_refund_older_than_its_order_comes_where_the_order_names_it(woo_shop: MakeWooShop) -> None:
    """A clerk gave the order another date."""
    shop = woo_shop(orders=4)
    with shop.records() as records:
        put_order(records, 900, at=stamp(1000), refunds=[{"id": 9901}, {"id": "?"}, None])
        put_refund(records, 9901, 900, at=stamp(800))
        put_refund(records, 9902, 900, at=stamp(950))
    read = shop.read("orders", minutes(990, 1010))
    assert sorted(line["id"] for line in read.lines) == [900, 9901, 9902]


@pytest.mark.parametrize(("others", "made"), [(2, 500), (60, 995)], ids=["in one list", "too many to list"])
def test_an_order_that_says_it_was_never_paid_keeps_the_refund_it_does_not_name(
    woo_shop: MakeWooShop, others: int, made: int
) -> None:
    shop = woo_shop(orders=0)
    with shop.records() as records:
        put_order(records, 1, at=stamp(1000), status="failed")
        put_refund(records, 9001, 1, at=stamp(made))
        for number in range(others):
            put_refund(records, 9100 + number, 900, at=stamp(992))
        for number in (998, 999):
            put_order(records, number, at=stamp(1000))
    assert shop.read("orders", minutes(990, 1010), page_size=2).children() == {("1", 9001)}


def test_a_refund_that_was_taken_back_is_missing(woo_shop: MakeWooShop) -> None:
    shop = woo_shop(orders=6)
    touch(shop, 3, 6)
    with shop.records() as records:
        records.delete("refunds", 9003)
    assert shop.read("orders", minutes(990, 1010)).children() == {("6", 9006)}


def test_orders_refunded_and_not_changed_bring_their_older_refunds_too(woo_shop: MakeWooShop) -> None:
    shop = woo_shop(orders=9)
    touch(shop, 8)
    with shop.records() as records:
        for order in (3, 6):
            put_refund(records, 9100 + order, order, at=stamp(1000))
    read = shop.read("orders", minutes(990, 1010))
    assert read.ids == [8, 3, 6]
    assert read.children() == {("3", 9003), ("3", 9103), ("6", 9006), ("6", 9106)}
    assert read.records == read.vendor_count == 3
    assert asked_of(shop) == ["orders", "refunds", "orders", "refunds"]


def test_a_new_order_hides_no_refund_that_was_made_before_it(woo_shop: MakeWooShop) -> None:
    shop = woo_shop(orders=1)
    with shop.records() as records:
        put_refund(records, 9101, 1, at=stamp(995))
        put_order(records, 1001)
    read = shop.read("orders", minutes(990, 1010))
    assert (read.ids, read.children()) == ([1001, 1], {("1", 9101)})


def test_a_refund_has_the_currency_of_its_order(woo_shop: MakeWooShop) -> None:
    shop = woo_shop(orders=9)
    touch(shop, 6, currency="SEK")
    lines = shop.read("orders").lines
    assert {line["id"]: line["__currency"] for line in lines if "__parentId" in line} == {
        9003: "EUR",
        9006: "SEK",
        9009: "EUR",
    }


def test_refunds_made_while_they_are_read_do_not_unsettle_their_list(woo_shop: MakeWooShop) -> None:
    shop = woo_shop(orders=30)
    new = iter(range(9500, 9600))

    def refund(page: Page) -> None:
        if not page.records:
            with shop.records() as records:
                put_refund(records, next(new), 1, at=NEVER)

    read = shop.read("orders", page_size=4, between=refund)
    assert {refund for _, refund in read.children()} == {9000 + number for number in range(3, 31, 3)}
    assert next(new) > 9501


def test_a_host_that_has_lost_the_list_is_no_shop_without_one(woo_shop: MakeWooShop) -> None:
    """Orders that were refunded and not changed would be passed over."""
    shop = woo_shop(orders=3)
    shop.fault("5xx", status=404, match="v3/refunds", times=-1)
    with pytest.raises(Gone):
        shop.read("orders", minutes(990, 1010))


def test_an_order_that_a_plugin_made_strange_is_read_with_its_refunds(woo_shop: MakeWooShop) -> None:
    shop = woo_shop(orders=4)
    touch(shop, 3, currency=None, status=7, date_created_gmt=5)
    read = shop.read("orders")
    assert (read.ids, read.children()) == ([1, 2, 3, 4], {("3", 9003)})
