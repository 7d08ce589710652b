"""Whole, once and proven: what a WooCommerce shop holds is landed, whatever its lists and its host do; or an error says that it is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.unit.sources.conftest import check_a_refund_brings_its_order, minutes
from tests.unit.sources.woocommerce.conftest import (
    END,
    KEY,
    PASSING,
    SECRET,
    MakeWooShop,
    put_order,
    put_product,
    put_refund,
    stamp,
)
from varai.kernel import (
    Gone,
    Malformed,
    Misconfigured,
    Throttled,
    Unauthorised,
    Unavailable,
    Unbalanced,
    VaraiError,
    Window,
)
from varai.sources import Page, connector

LATER = "2026-11-02T00:00:00"


def test_a_whole_read_has_every_record_and_child_once(woo_shop: MakeWooShop) -> None:
    shop = woo_shop(products=11, orders=9, customers=5)
    products = shop.read("products", page_size=4)
    assert products.ids == list(range(1, 12))
    assert products.children() == {
        (str(number), number * 1000 + place) for number in range(1, 12, 2) for place in (0, 1)
    }
    orders = shop.read("orders", page_size=4)
    assert orders.ids == list(range(1, 10))
    assert orders.children() == {("3", 9003), ("6", 9006), ("9", 9009)}
    customers = shop.read("customers", page_size=2)
    assert customers.ids == [1, 2, 3, 4, 5]
    for read in (products, orders, customers):
        assert read.records == read.vendor_count == len(read.ids)


def test_the_shop_says_its_currency_and_its_zone(woo_shop: MakeWooShop) -> None:
    [line] = woo_shop().read("shop").lines
    assert (line["currency"], line["timezone"], line["country"], line["prices_include_tax"]) == (
        "EUR",
        "America/New_York",
        "DE",
        "yes",
    )


@pytest.mark.parametrize(("offset", "zone"), [("2", "Etc/GMT-2"), ("-5", "Etc/GMT+5"), ("0", "Etc/GMT")])
def test_an_offset_of_whole_hours_is_a_zone(woo_shop: MakeWooShop, offset: str, zone: str) -> None:
    [line] = woo_shop(timezone="", gmt_offset=offset).read("shop").lines
    assert line["timezone"] == zone


def test_another_offset_is_no_zone(woo_shop: MakeWooShop) -> None:
    with pytest.raises(Malformed, match=r"\+5.5 hours from UTC"):
        woo_shop(timezone="", gmt_offset="5.5").read("shop")


@pytest.mark.parametrize("stream", ["products", "orders"])
def test_windows_meet_and_miss_nothing(woo_shop: MakeWooShop, stream: str) -> None:
    """The vendor's bounds are strict and in whole seconds, and its site stands in another zone: ours are half-open, in UTC."""
    shop = woo_shop(products=9, orders=9)
    found = [shop.read(stream, minutes(start, start + 3)).ids for start in (0, 3, 6, 9)]
    assert found == [[1, 2], [3, 4, 5], [6, 7, 8], [9]]
    assert connector("woocommerce").count(shop.session(), stream, minutes(3, 6)) == 3


@pytest.mark.parametrize("stream", ["products", "customers", "orders"])
@pytest.mark.parametrize(("kind", "options"), PASSING)
def test_a_passing_fault_converges(woo_shop: MakeWooShop, stream: str, kind: str, options: dict[str, Any]) -> None:
    shop = woo_shop(products=11, orders=11, customers=11)
    shop.fault(kind, **options)
    read = shop.read(stream, page_size=4)
    assert sorted(read.ids) == list(range(1, 12))
    assert read.records == read.vendor_count


LASTING: list[tuple[str, dict[str, Any], type[VaraiError]]] = [
    ("429", {"retry_after": 0}, Throttled),
    ("429", {"retry_after": 3600}, Throttled),
    ("5xx", {}, Unavailable),
    ("cut", {}, Unavailable),
    ("truncated_json", {}, Malformed),
    ("wrong_content_type", {}, Malformed),
    ("revoked_token", {}, Unauthorised),
    ("wrong_count", {"delta": 1, "match": "page="}, Unbalanced),
    ("wrong_count", {"delta": -1, "match": "page="}, Unbalanced),
    ("missing_page", {"match": "page=2"}, Unbalanced),
]


@pytest.mark.parametrize(("kind", "options", "error"), LASTING)
def test_a_lasting_fault_ends_as_a_typed_error(
    woo_shop: MakeWooShop, kind: str, options: dict[str, Any], error: type[VaraiError]
) -> None:
    shop = woo_shop(products=11)
    shop.fault(kind, times=-1, **options)
    with pytest.raises(error) as raised:
        shop.read("products", page_size=4)
    assert SECRET not in str(raised.value)
    assert KEY not in str(raised.value)


def test_records_that_change_or_go_while_they_are_read_are_not_missed(woo_shop: MakeWooShop) -> None:
    """What leaves the window moves the pages after it: the one that was passed over is found, the one that left is explained."""
    shop = woo_shop(products=12)
    done: list[int] = []

    def change(page: Page) -> None:
        del page
        if not done:
            done.append(1)
            with shop.records() as records:
                put_product(records, 2, at=LATER)
                records.delete("products", 4)

    read = shop.read("products", page_size=4, between=change)
    assert set(range(1, 13)) <= set(read.ids)
    assert read.records == read.vendor_count


def test_a_refund_brings_its_order_though_the_order_did_not_change(woo_shop: MakeWooShop) -> None:
    check_a_refund_brings_its_order(woo_shop(orders=4), put_refund, at=stamp(100))


def test_an_order_that_changes_keeps_its_refunds(woo_shop: MakeWooShop) -> None:
    """Its own list of them may be empty, and they are older than the window."""
    shop = woo_shop(orders=4)
    with shop.records() as records:
        put_order(records, 3, at=stamp(100))
    read = shop.read("orders", minutes(90, 110))
    assert (read.ids, read.children()) == ([3], {("3", 9003)})


def test_an_older_window_read_again_has_refunds_that_came_after_it(woo_shop: MakeWooShop) -> None:
    shop = woo_shop(orders=4)
    with shop.records() as records:
        put_refund(records, 9102, 2, at=stamp(500))
    assert shop.read("orders", minutes(0, 10)).children() == {("2", 9102), ("3", 9003)}


@pytest.mark.parametrize("orders", [9, 120])
def test_a_site_without_a_list_of_refunds_is_asked_order_by_order(woo_shop: MakeWooShop, orders: int) -> None:
    shop = woo_shop(orders=orders, without_refunds="yes")
    read = shop.read("orders")
    assert len(read.ids) == read.vendor_count == orders
    assert {int(child) for _, child in read.children()} == {9000 + number for number in range(3, orders + 1, 3)}


def test_an_order_paid_in_cash_is_asked_for_its_refunds(woo_shop: MakeWooShop) -> None:
    """The shop notes no date of payment for it."""
    shop = woo_shop()
    with shop.records() as records:
        put_order(records, 1, paid=False)
        put_order(records, 2, paid=False, status="pending")
        put_refund(records, 9001, 1, at=stamp(5))
    assert shop.read("orders").children() == {("1", 9001)}
    assert not [one for one in shop.requests() if one["path"].endswith("orders/2/refunds")]


def test_the_first_page_says_the_count_and_is_not_asked_for_again(woo_shop: MakeWooShop) -> None:
    """Of refunds too, of which a shop may have no list."""
    shop = woo_shop(customers=9, orders=9)
    assert shop.read("customers", page_size=4).ids == list(range(1, 10))
    shop.read("orders", minutes(1990, 2010))
    asked = [(one["path"].rpartition("/")[2], one["parameters"]["page"]) for one in shop.requests()]
    assert asked == [*(("customers", page) for page in "123"), ("orders", "1"), ("refunds", "1")]


def test_more_than_a_page_of_variations_come_in_pieces(woo_shop: MakeWooShop) -> None:
    shop = woo_shop()
    with shop.records() as records:
        put_product(records, 1, variations=230)
    pages = list(connector("woocommerce").extract(shop.session(), "products", Window(start=None, end=END)))
    assert [page.count for page in pages] == [1, 100, 100, 30]
    assert [page.records for page in pages] == [1, 0, 0, 0]


def test_a_listing_finds_what_is_gone_and_reads_products_whole(woo_shop: MakeWooShop) -> None:
    """A variation that changes need not change its product, so only a whole read sees it."""
    shop = woo_shop(products=5, orders=5)
    with shop.records() as records:
        records.delete("products", 2)
        records.delete("orders", 4)
        put_product(records, 3, variations=2, variations_at=stamp(2000))
    products = shop.read("products", minutes(1990, 2010), listing=True)
    assert products.listed == ["1", "3", "4", "5"]
    assert products.ids == [1, 3, 4, 5]
    orders = shop.read("orders", minutes(1990, 2010), listing=True)
    assert (orders.listed, orders.ids) == (["1", "2", "3", "5"], [])


def test_no_address_carries_the_key_and_no_link_is_followed(woo_shop: MakeWooShop) -> None:
    shop = woo_shop(products=9)
    shop.read("products", page_size=4)
    asked = shop.requests()
    assert len(asked) > 3
    assert not [one for one in asked if KEY in str(one) or SECRET in str(one)]


def test_without_tls_a_request_is_signed_and_carries_no_secret(woo_shop: MakeWooShop) -> None:
    shop = woo_shop(products=1)
    shop.read("products")
    assert {one["scheme"] for one in shop.requests()} == {"OAuth"}


def test_another_secret_is_refused_and_said_nowhere(woo_shop: MakeWooShop) -> None:
    shop = woo_shop(products=1)
    wrong = {"consumer_key": KEY, "consumer_secret": "cs_another"}
    extraction = connector("woocommerce").extract(shop.session(wrong), "products", Window(start=None, end=END))
    with pytest.raises(Unauthorised) as raised:
        list(extraction)
    assert "cs_another" not in str(raised.value)


@pytest.mark.parametrize("secret", [{"consumer_key": KEY}, {"consumer_key": "ck\u20ac", "consumer_secret": SECRET}])
def test_a_secret_that_cannot_serve_is_a_sentence(woo_shop: MakeWooShop, secret: dict[str, str]) -> None:
    extraction = connector("woocommerce").extract(woo_shop().session(secret), "products", Window(start=None, end=END))
    with pytest.raises((Misconfigured, Unauthorised)) as raised:
        list(extraction)
    assert not any(value in str(raised.value) for value in secret.values())


def test_a_check_says_what_the_key_may_read(woo_shop: MakeWooShop) -> None:
    shop = woo_shop(orders=3)
    shop.fault("revoked_token", match="customers")
    report = connector("woocommerce").check(shop.session())
    assert report.scopes_missing == ("customers",)
    assert report.history_from == datetime(2026, 10, 1, 0, 1, tzinfo=UTC)
    assert len(report.problems) == 1


def test_a_shop_that_is_not_there_is_gone(woo_shop: MakeWooShop) -> None:
    shop = woo_shop()
    shop.url += "-elsewhere"
    with pytest.raises(Gone):
        shop.read("products")


def test_answers_from_before_the_window_s_end_are_not_taken_for_the_window(woo_shop: MakeWooShop) -> None:
    """A cache gave them, or the shop's clock is behind: what changes afterwards would be dated before the next window."""
    shop = woo_shop(products=3)
    shop.fault("clock_skew", seconds=-7200, times=-1)
    now = datetime.now(UTC).replace(microsecond=0)
    with pytest.raises(Misconfigured, match="overlap_s, now 300"):
        shop.read("products", Window(start=None, end=now))
    shop.read("products", Window(start=None, end=now - timedelta(hours=2)))
