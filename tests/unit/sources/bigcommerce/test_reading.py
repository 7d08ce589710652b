"""Whole, once and proven: what a BigCommerce store holds is landed, whatever its lists and its platform do; or an error says it is not."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.unit.sources.bigcommerce.conftest import (
    PLACES,
    TOKEN,
    WHOLE,
    MakeStore,
    put_coupon,
    put_customer,
    put_order,
    put_refund,
    stamp,
)
from tests.unit.sources.conftest import PASSING_ANYWHERE, minutes
from varai.kernel import (
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

LATER = 60 * 24 * 40
"""Minutes after the windows of all tests."""
STREAMS = ("products", "inventory", "customers", "orders")


def test_a_whole_read_has_every_record_once_with_what_hangs_on_it(store: MakeStore) -> None:
    shop = store(products=11, orders=9, customers=5, stock=7)
    products = shop.read("products", page_size=4)
    assert products.ids == list(range(1, 12))
    assert products.hanging("variants") == {number: [number * 1000, number * 1000 + 1] for number in range(1, 12)}
    assert {(line["__brand"], line["__category"]) for line in products.lines} == {("Aldergrove", "sun")}
    orders = shop.read("orders", page_size=4)
    assert orders.ids == list(range(1, 10))
    assert orders.hanging("__refunds") == {3: [9003], 6: [9006], 9: [9009]}
    customers = shop.read("customers", page_size=2)
    assert customers.ids == [1, 2, 3, 4, 5]
    stock = shop.read("inventory", page_size=3)
    assert sorted(stock.ids) == sorted(list(range(1, 8)) * len(PLACES))
    for read in (products, orders, customers, stock):
        assert read.records == read.vendor_count == len(read.ids)


def test_the_store_says_its_currency_its_zone_and_its_locations_and_nobody_s_name(store: MakeStore) -> None:
    line, *places = store().read("shop").lines
    assert (line["currency"], line["timezone"], line["country"]) == ("USD", "America/New_York", "US")
    assert [place["location_id"] for place in places] == list(PLACES)
    assert not any(word in str([line, *places]) for word in ("Ownerfield", "owner@", "who-works-there"))


@pytest.mark.parametrize("stream", ["products", "orders", "customers"])
def test_windows_meet_and_miss_nothing(store: MakeStore, stream: str) -> None:
    """The vendor does not say whether bounds belong to a window: what lies on one may come twice, and never not at all."""
    shop = store(products=9, orders=9, customers=9)
    found = [set(shop.read(stream, minutes(start, start + 3)).ids) for start in (0, 3, 6, 9)]
    assert [{1, 2}, {3, 4, 5}, {6, 7, 8}, {9}] == [
        ids & set(range(start, start + 3)) for ids, start in zip(found, (0, 3, 6, 9), strict=True)
    ]
    assert all(ids <= set(range(start, start + 4)) for ids, start in zip(found, (0, 3, 6, 9), strict=True))
    assert connector("bigcommerce").count(shop.session(), stream, minutes(3.5, 6.5)) == 3
    assert connector("bigcommerce").count(shop.session(), stream, WHOLE) == 9


def test_stock_is_counted_whole_only(store: MakeStore) -> None:
    shop = store(stock=4)
    assert connector("bigcommerce").count(shop.session(), "inventory", WHOLE) == 8
    assert connector("bigcommerce").count(shop.session(), "inventory", minutes(0, 1)) is None


PASSING: list[tuple[str, dict[str, Any]]] = [
    *PASSING_ANYWHERE,
    ("429", {"headers": {"X-Rate-Limit-Time-Reset-Ms": "20"}}),
    ("wrong_count", {"delta": 2}),
    ("wrong_count", {"delta": -1, "times": 2}),
    ("duplicate_page", {}),
    ("duplicate_page", {"times": 2}),
    ("missing_page", {"match": "items"}),
    ("missing_page", {"match": "page=1"}),
    ("missing_page", {"match": "after="}),
    ("missing_page", {"match": "min_id=1"}),
]


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize(("kind", "options"), PASSING)
def test_a_passing_fault_converges(store: MakeStore, stream: str, kind: str, options: dict[str, Any]) -> None:
    shop = store(products=11, orders=11, customers=11, stock=11)
    shop.fault(kind, **options)
    read = shop.read(stream, page_size=4)
    assert sorted(read.ids) == sorted(list(range(1, 12)) * (len(PLACES) if stream == "inventory" else 1))
    assert read.records == read.vendor_count
    if stream == "orders":
        assert read.hanging("__refunds") == {3: [9003], 6: [9006], 9: [9009]}


LASTING: list[tuple[str, str, dict[str, Any], type[VaraiError]]] = [
    ("customers", "429", {"retry_after": 0}, Throttled),
    ("customers", "429", {"headers": {"X-Rate-Limit-Time-Reset-Ms": "3600000"}}, Throttled),
    ("customers", "5xx", {}, Unavailable),
    ("customers", "cut", {}, Unavailable),
    ("customers", "truncated_json", {}, Malformed),
    ("customers", "wrong_content_type", {}, Malformed),
    ("customers", "revoked_token", {}, Unauthorised),
    *(
        (stream, kind, options, Unbalanced)
        for stream, match in (
            ("products", "page=1"),
            ("customers", "after="),
            ("orders", "min_id=1"),
            ("inventory", "items"),
        )
        for kind, options in (("wrong_count", {"delta": 1}), ("missing_page", {"match": match}))
    ),
    ("orders", "duplicate_page", {}, Unbalanced),
    ("customers", "duplicate_page", {}, Unbalanced),
]


@pytest.mark.parametrize(("stream", "kind", "options", "error"), LASTING)
def test_a_lasting_fault_ends_as_a_typed_error(
    store: MakeStore, stream: str, kind: str, options: dict[str, Any], error: type[VaraiError]
) -> None:
    shop = store(products=11, orders=11, customers=11, stock=11)
    shop.fault(kind, times=-1, **options)
    with pytest.raises(error) as raised:
        shop.read(stream, page_size=4)
    assert TOKEN not in str(raised.value)


@pytest.mark.parametrize(
    ("stream", "counted"),
    [
        ("products", "catalog/products"),
        ("customers", "v3/customers"),
        ("orders", "orders/count?max_date_modified=2026"),
        ("inventory", "items"),
    ],
)
def test_a_count_that_is_too_low_by_a_whole_page_ends_no_list(store: MakeStore, stream: str, counted: str) -> None:
    """All that was counted came, and the last page was full: only the page after it shows what was left out."""
    shop = store(products=8, orders=8, customers=8, stock=8)
    shop.fault("wrong_count", times=-1, delta=-4, match=counted)
    with pytest.raises(Unbalanced, match="it said 4, and 8 came"):
        shop.read(stream, page_size=4)


@pytest.mark.parametrize("stream", STREAMS)
def test_a_full_last_page_is_the_end_where_the_next_brings_nothing(store: MakeStore, stream: str) -> None:
    shop = store(products=8, orders=8, customers=8, stock=8)
    times = len(PLACES) if stream == "inventory" else 1
    assert sorted(shop.read(stream, page_size=4).ids) == sorted(list(range(1, 9)) * times)
    for repeated in ("page=3", "after=aWQ6OA=="):  # a store that gives its last page again for ever
        shop.fault("duplicate_page", times=-1, match=repeated)
    assert set(shop.read(stream, page_size=4).ids) == set(range(1, 9))


def test_little_quota_is_left_to_others_and_never_exceeded(store: MakeStore) -> None:
    """By the headers of every answer, not by being refused."""
    shop = store(customers=40, quota="12", window_ms="300")
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        time.sleep(seconds)

    assert len(shop.read("customers", page_size=2, sleep=sleep).ids) == 40
    assert waits
    assert max(waits) <= 0.3
    assert not [one for one in shop.requests() if one["status"] == 429]


def test_a_refused_request_waits_once(store: MakeStore) -> None:
    """As long as the refusal says, which whoever asks again does: the client waits not beside it."""
    shop, waits = store(customers=3), list[float]()
    told = {"Time-Reset-Ms": "20", "Requests-Left": "0", "Requests-Quota": "150", "Time-Window-Ms": "30000"}
    shop.fault("429", headers={f"X-Rate-Limit-{name}": value for name, value in told.items()})
    assert shop.read("customers", sleep=waits.append).ids == [1, 2, 3]
    assert waits == []


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("stream", ["products", "customers", "orders"])
def test_records_that_change_or_go_while_they_are_read_are_not_missed(
    store: MakeStore, stream: str, whole: bool
) -> None:
    shop = store(products=12, customers=12, orders=12)
    done: list[int] = []

    def change(page: Page) -> None:
        del page
        if not done:
            done.append(1)
            with shop.records() as records:
                for kind in ("products", "customers", "orders"):
                    records.delete(kind, 4)
                put_customer(records, 2, minute=LATER)
                put_order(records, 2, minute=LATER)

    read = shop.read(stream, WHOLE if whole else minutes(0, 100), page_size=4, between=change)
    assert set(range(1, 13)) <= set(read.ids)
    assert read.records == read.vendor_count


def test_orders_are_read_on_from_the_last_id(store: MakeStore) -> None:
    """Not by page numbers, which drift while a store sells."""
    shop = store(orders=9)
    assert shop.read("orders", page_size=4).ids == list(range(1, 10))
    asked = [one["parameters"] for one in shop.requests() if one["path"] == "v2/orders"]
    assert [one["min_id"] for one in asked] == ["1", "5", "9", "10"]
    assert not any("page" in one for one in asked)
    counts = [place for place, one in enumerate(shop.requests()) if one["path"] == "v2/orders/count"]
    assert (len(counts), counts[-1]) == (3, len(shop.requests()) - 1)  # the last one shows what went meanwhile


def test_customers_are_read_by_cursors(store: MakeStore) -> None:
    shop = store(customers=9)
    assert shop.read("customers", page_size=4).ids == list(range(1, 10))
    asked = [one["parameters"] for one in shop.requests() if one["path"] == "v3/customers"]
    assert [one.get("page") for one in asked] == ["1", None, None, "1"]
    assert [one for one in asked if one.get("page", "1") != "1"] == []


@pytest.mark.parametrize("facts", [{"without_count": "yes"}, {"count_ignores_filters": "yes"}])
def test_where_the_count_is_not_of_these_orders_two_readings_prove_each_other(
    store: MakeStore, facts: dict[str, str]
) -> None:
    shop = store(orders=9, **facts)
    with shop.records() as records:
        put_order(records, 50, minute=LATER)
    read = shop.read("orders", minutes(0, 100), page_size=4)
    assert (read.ids, read.vendor_count) == (list(range(1, 10)), 9)
    assert (
        len([one for one in shop.requests() if one["path"] == "v2/orders" and one["parameters"]["min_id"] == "1"]) == 2
    )
    shop.fault("missing_page", match="min_id=5")
    assert shop.read("orders", minutes(0, 100), page_size=4).ids == [*range(1, 5), 9, *range(5, 9)]


def test_two_readings_that_differ_are_no_proof(store: MakeStore) -> None:
    shop = store(orders=9, without_count="yes")
    going = iter((1, 3, 5))

    def lose(page: Page) -> None:
        del page
        number = next(going)
        with shop.records() as records:
            records.delete("orders", number)
            put_order(records, number + 1, minute=50)

    with pytest.raises(Unbalanced, match="other ids each time"):
        shop.read("orders", minutes(0, 100), between=lose)


def test_a_feed_may_say_that_the_count_is_not_believed(store: MakeStore) -> None:
    shop = store(orders=9)
    shop.fault("wrong_count", times=-1, match="orders/count?max_date_modified=2026")
    with pytest.raises(Unbalanced, match="it said 10, and 9 came"):
        shop.read("orders")
    assert shop.read("orders", orders_counted=False).ids == list(range(1, 10))


def test_no_content_is_an_empty_list(store: MakeStore) -> None:
    for stream in STREAMS:
        read = store().read(stream)
        assert (read.ids, read.records, read.vendor_count) == ([], 0, 0)


def test_a_refund_brings_its_order_though_the_order_did_not_change(store: MakeStore) -> None:
    shop = store(orders=4)
    with shop.records() as records:
        put_refund(records, 9101, 1, minute=100)
        put_refund(records, 9102, 77, minute=100)  # its order is gone
    read = shop.read("orders", minutes(90, 110))
    assert (read.ids, read.hanging("__refunds")) == ([1], {1: [9101]})
    assert read.records == read.vendor_count == 1


def test_an_order_that_changes_keeps_its_refunds_and_coupons(store: MakeStore) -> None:
    shop = store(orders=4)
    with shop.records() as records:
        put_order(records, 3, minute=100, coupon_discount="10.0000")
        put_coupon(records, 1, 3)
        put_coupon(records, 2, 4)
    read = shop.read("orders", minutes(90, 110))
    assert (read.ids, read.hanging("__refunds"), read.hanging("__coupons")) == ([3], {3: [9003]}, {3: [1]})
    assert {line["__coupons"][0]["discount"] for line in read.lines} == {10}


def test_what_hangs_on_many_orders_is_not_asked_for_one_by_one(store: MakeStore) -> None:
    shop = store(orders=120)
    read = shop.read("orders")
    assert len(read.hanging("__refunds")) == 40
    asked = [one["path"] for one in shop.requests()]
    assert asked.count("v3/orders/payment_actions/refunds") == 3
    assert len(asked) < 15


@pytest.mark.parametrize(
    "consignments",
    [
        [],
        None,
        {"url": "", "resource": "/orders/1/consignments"},
        [{"shipping": []}],
        {"shipping": [{"line_items": [{"url": ""}]}]},
    ],
)
def test_an_order_that_comes_without_its_lines_is_refused(store: MakeStore, consignments: Any) -> None:
    """It would be a sale of nothing."""
    shop = store()
    with shop.records() as records:
        put_order(records, 1, consignments=consignments)
    with pytest.raises(Malformed, match="without its lines"):
        shop.read("orders")
    if consignments == []:
        with shop.records() as records:
            put_order(records, 1, consignments=consignments, items_total=0)
        assert shop.read("orders").lines[0]["consignments"] == {}


def test_a_listing_finds_what_is_gone_or_archived_and_reads_products_whole(store: MakeStore) -> None:
    shop = store(products=5, orders=5, customers=3)
    with shop.records() as records:
        for kind, number in (("products", 2), ("orders", 4), ("customers", 1)):
            records.delete(kind, number)
        put_order(records, 5, is_deleted="true")
    products = shop.read("products", minutes(1990, 2010), listing=True)
    assert (products.listed, products.ids) == (["1", "3", "4", "5"], [1, 3, 4, 5])
    orders = shop.read("orders", minutes(1990, 2010), listing=True)
    assert (orders.listed, orders.ids) == (["1", "2", "3"], [])
    assert shop.read("customers", minutes(1990, 2010), listing=True).listed == ["2", "3"]


def test_no_address_carries_the_token(store: MakeStore) -> None:
    shop = store(products=9, orders=3)
    shop.read("products", page_size=4)
    shop.read("orders")
    asked = shop.requests()
    assert len(asked) > 6
    assert TOKEN not in str(asked)


@pytest.mark.parametrize("token", ["an-other-one", "t€ken"])
def test_another_token_is_refused_and_said_nowhere(store: MakeStore, token: str) -> None:
    extraction = connector("bigcommerce").extract(store().session({"access_token": token}), "customers", WHOLE)
    with pytest.raises((Unauthorised, Misconfigured)) as raised:
        list(extraction)
    assert token not in str(raised.value)


def test_a_secret_without_a_token_is_a_sentence(store: MakeStore) -> None:
    extraction = connector("bigcommerce").extract(store().session({"client_id": "x"}), "customers", WHOLE)
    with pytest.raises(Misconfigured, match="access_token"):
        list(extraction)


def test_a_check_says_what_the_account_may_read(store: MakeStore) -> None:
    shop = store(orders=3, quota="150")
    shop.fault("clock_skew", times=-1, seconds=400)
    report = connector("bigcommerce").check(shop.session())
    assert report.scopes_missing == ()
    assert report.history_from is not None
    assert report.history_from.strftime("%Y-%m-%dT%H:%M:%SZ") == stamp(1)
    assert report.rate_tier.startswith("150 requests in 30 s")
    assert ["clock" in problem for problem in report.problems] == [True]
    poor = connector("bigcommerce").check(store(forbidden="v3/customers,v3/inventory").session())
    assert poor.scopes_missing == ("customers", "inventory", "locations")
    assert len(poor.problems) == 3


def test_an_id_of_a_customer_is_a_number() -> None:
    assert connector("bigcommerce").subject_id(" 0012 ") == "12"
    for wrong in ("", "0", "twelve", "gid://x/1"):
        with pytest.raises(Misconfigured):
            connector("bigcommerce").subject_id(wrong)


def test_a_window_of_nothing_costs_few_requests(store: MakeStore) -> None:
    shop = store(orders=9)
    shop.read("orders", Window(start=minutes(500, 501).start, end=minutes(500, 501).end))
    assert len(shop.requests()) <= 8
