"""Whole, once and proven: what a Magento shop holds is landed, whatever its lists and its host do; or an error says that it is not."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.sources.conftest import PASSING_ANYWHERE, minutes
from tests.unit.sources.magento.conftest import (
    SECRETS,
    WHOLE,
    MagentoShop,
    MakeShop,
    product_of,
    put_customer,
    put_family,
    put_product,
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

LATER = "2026-11-02 00:00:00"


def family(number: int) -> set[tuple[str, int]]:
    return {(str(number), number * 1000), (str(number), number * 1000 + 1)}


def test_a_whole_read_has_every_record_and_child_once(magento_shop: MakeShop) -> None:
    shop = magento_shop(products=11, orders=9, customers=5, stock=7)
    products = shop.read("products", page_size=4)
    assert sorted(products.ids) == list(range(1, 12))
    assert products.children() == {pair for number in range(1, 12, 2) for pair in family(number)}
    orders = shop.read("orders", page_size=4)
    assert orders.ids == list(range(1, 10))
    assert orders.children() == {("3", 9003), ("6", 9006), ("9", 9009)}
    customers = shop.read("customers", page_size=2)
    assert customers.ids == [1, 2, 3, 4, 5]
    stock = shop.read("stock", page_size=3)
    assert sorted(stock.ids) == list(range(1, 8))
    for read in (products, orders, customers, stock):
        assert read.records == read.vendor_count == len(read.ids)


def test_the_shop_says_its_currency_its_zone_and_its_sources(magento_shop: MakeShop) -> None:
    shop = magento_shop(stores="fr,ch", currency="EUR,CHF")
    line, source = shop.read("shop").lines
    assert (line["currency"], line["timezone"], line["country"]) == ("EUR", "Europe/Paris", "FR")
    assert (source["source_code"], source["__parentId"]) == ("default", line["id"])
    assert shop.read("shop", store="ch").lines[0]["currency"] == "CHF"
    assert len(magento_shop(without_inventory="yes").read("shop").lines) == 1


@pytest.mark.parametrize("stream", ["products", "orders", "customers"])
def test_windows_meet_and_miss_nothing(magento_shop: MakeShop, stream: str) -> None:
    """The shop keeps whole seconds in UTC, without a zone; ours are half-open."""
    shop = magento_shop(products=9, orders=9, customers=9)
    found = [sorted(shop.read(stream, minutes(start, start + 3)).ids) for start in (0, 3, 6, 9)]
    assert found == [[1, 2], [3, 4, 5], [6, 7, 8], [9]]
    assert connector("magento").count(shop.session(), stream, minutes(3, 6)) == 3
    assert connector("magento").count(shop.session(), stream, WHOLE) == 9


PASSING: list[tuple[str, dict[str, Any]]] = [
    *PASSING_ANYWHERE,
    ("wrong_count", {"delta": 2, "match": "currentPage]=2"}),
    ("wrong_count", {"delta": -1, "match": "currentPage]=2"}),
    ("duplicate_page", {}),
    ("duplicate_page", {"times": 2}),
    ("missing_page", {"match": "currentPage]=1"}),
]


@pytest.mark.parametrize("stream", ["products", "customers", "orders", "stock"])
@pytest.mark.parametrize(("kind", "options"), PASSING)
def test_a_passing_fault_converges(magento_shop: MakeShop, stream: str, kind: str, options: dict[str, Any]) -> None:
    shop = magento_shop(products=11, orders=11, customers=11, stock=11)
    shop.fault(kind, **options)
    read = shop.read(stream, page_size=4)
    assert sorted(read.ids) == list(range(1, 12))
    assert read.records == read.vendor_count
    if stream == "products":
        assert read.children() == {pair for number in range(1, 12, 2) for pair in family(number)}


LASTING: list[tuple[str, dict[str, Any], type[VaraiError]]] = [
    ("429", {"retry_after": 0}, Throttled),
    ("429", {"retry_after": 3600}, Throttled),
    ("5xx", {}, Unavailable),
    ("cut", {}, Unavailable),
    ("truncated_json", {}, Malformed),
    ("wrong_content_type", {}, Malformed),
    ("revoked_token", {}, Unauthorised),
    ("wrong_count", {"delta": 1}, Unbalanced),
    ("wrong_count", {"delta": -1, "match": "currentPage]=2"}, Unbalanced),
    ("missing_page", {"match": "currentPage]=1"}, Unbalanced),
]


@pytest.mark.parametrize(("kind", "options", "error"), LASTING)
def test_a_lasting_fault_ends_as_a_typed_error(
    magento_shop: MakeShop, kind: str, options: dict[str, Any], error: type[VaraiError]
) -> None:
    shop = magento_shop(customers=11)
    shop.fault(kind, times=-1, **options)
    with pytest.raises(error) as raised:
        shop.read("customers", page_size=4)
    assert not any(secret in str(raised.value) for secret in SECRETS.values())


def test_the_first_page_says_the_count_and_is_not_asked_for_again(magento_shop: MakeShop) -> None:
    shop = magento_shop(customers=9)
    assert shop.read("customers", page_size=4).ids == list(range(1, 10))
    assert [one["parameters"]["searchCriteria[currentPage]"] for one in shop.requests()] == ["1", "2", "3"]


def test_the_last_page_is_not_asked_for_again_and_again(magento_shop: MakeShop) -> None:
    """Beyond its end the shop repeats it; a reader that waits for an empty page never ends."""
    shop = magento_shop(customers=8)
    assert shop.read("customers", page_size=4).ids == list(range(1, 9))
    pages = [one["parameters"]["searchCriteria[currentPage]"] for one in shop.requests()]
    assert (pages.count("2"), pages.count("3")) == (1, 1)  # one look behind a full last page: the count may be too low
    assert "4" not in pages


@pytest.mark.parametrize("largest", ["3", "1"])
def test_pages_become_as_small_as_the_shop_allows(magento_shop: MakeShop, largest: str) -> None:
    shop = magento_shop(products=5, orders=7, customers=7, largest_page=largest)
    assert shop.read("customers").ids == list(range(1, 8))
    assert sorted(shop.read("products").ids) == list(range(1, 6))
    orders = shop.read("orders")
    assert (orders.ids, orders.children()) == (list(range(1, 8)), {("3", 9003), ("6", 9006)})
    refused = [one for one in shop.requests() if one["status"] == 400]
    assert len(refused) == 3  # once a read


@pytest.mark.parametrize("whole", [True, False])
def test_records_that_change_or_go_while_they_are_read_are_not_missed(magento_shop: MakeShop, whole: bool) -> None:
    shop = magento_shop(customers=12)
    done: list[int] = []

    def change(page: Page) -> None:
        del page
        if not done:
            done.append(1)
            with shop.records() as records:
                put_customer(records, 2, at=LATER)
                records.delete("customers", 4)

    read = shop.read("customers", WHOLE if whole else minutes(0, 100), page_size=4, between=change)
    assert set(range(1, 13)) <= set(read.ids)
    assert read.records == read.vendor_count


def test_a_choice_that_changes_brings_its_family_whole(magento_shop: MakeShop) -> None:
    """It is never taken for a product of its own, and its siblings, which did not change, are there: what is missing would be gone."""
    shop = magento_shop(products=6)
    with shop.records() as records:
        put_product(records, 3001, at=stamp(100))
        put_product(records, 4, at=stamp(100))
    read = shop.read("products", minutes(90, 110))
    assert sorted(read.ids) == [3, 4]
    assert read.children() == family(3)
    assert read.records == read.vendor_count == 2


def test_a_product_that_changes_brings_its_choices(magento_shop: MakeShop) -> None:
    shop = magento_shop(products=6)
    with shop.records() as records:
        put_product(records, 5, links=[5000, 5001], at=stamp(100))
    read = shop.read("products", minutes(90, 110))
    assert (read.ids, read.children()) == ([5], family(5))


def test_a_choice_whose_owner_goes_meanwhile_is_a_product_of_its_own(magento_shop: MakeShop) -> None:
    """Its owner is named in the links, and gone when it is asked for."""
    shop = magento_shop(products=6)
    with shop.records() as records:
        put_product(records, 3001, at=stamp(100))
        put_product(records, 2, at=stamp(100))

    def remove(page: Page) -> None:
        assert b'"__parentId"' not in page.lines
        with shop.records() as records:
            records.delete("products", 3)

    first = True

    def once(page: Page) -> None:
        nonlocal first
        if first:
            remove(page)
        first = False

    read = shop.read("products", minutes(90, 110), between=once)
    assert sorted(read.ids) == [2, 3000, 3001]
    assert not read.children()
    assert read.records == read.vendor_count == 3


def test_a_choice_that_leaves_its_family_meanwhile_is_a_product_of_its_own(magento_shop: MakeShop) -> None:
    shop = magento_shop(products=6)
    with shop.records() as records:
        put_product(records, 3001, at=stamp(100))
        put_product(records, 2, at=stamp(100))
    done: list[int] = []

    def unlink(page: Page) -> None:
        del page
        if not done:
            done.append(1)
            with shop.records() as records:
                put_product(records, 3, links=[3000], at=LATER)

    read = shop.read("products", minutes(90, 110), between=unlink)
    assert sorted(read.ids) == [2, 3, 3001]
    assert read.children() == {("3", 3000)}
    assert read.records == read.vendor_count == 3


@pytest.mark.parametrize("window", [WHOLE, minutes(0, 10)])
def test_a_choice_of_two_products_is_the_first_one_s(magento_shop: MakeShop, window: Window) -> None:
    shop = magento_shop()
    with shop.records() as records:
        put_family(records, 1, [1000, 1001])
        put_product(records, 2, links=[1001, 1002])
        put_product(records, 1002, at=stamp(2))
    read = shop.read("products", window)
    assert sorted(read.ids) == [1, 2]
    assert read.children() == {("1", 1000), ("1", 1001), ("2", 1002)}
    assert read.records == read.vendor_count == 2


def test_a_part_that_changes_after_the_window_is_in_a_whole_read(magento_shop: MakeShop) -> None:
    """A whole read says of all that it lacks that it is gone."""
    shop = magento_shop(products=3)
    with shop.records() as records:
        put_product(records, 3, links=[3000, 3001], at=LATER)
        put_product(records, 1001, at=LATER)
    read = shop.read("products")
    assert sorted(read.ids) == [1, 2, 3]
    assert read.children() == family(1) | family(3)


def test_a_shop_that_tells_no_families_is_refused(magento_shop: MakeShop) -> None:
    shop = magento_shop(products=3)
    with shop.records() as records:
        for number in (1, 3):
            body = json.loads(records.page("products", "id = ?", [number])[0]) | {"extension_attributes": []}
            records.put("products", body, created=stamp(0), modified=stamp(1), status="configurable")
    for window in (WHOLE, minutes(0, 10)):
        with pytest.raises(Malformed, match="configurable_product_links"):
            shop.read("products", window)


def put_links(shop: MagentoShop, links: Any, **more: Any) -> None:
    """Product 3 with its choices written so."""
    with shop.records() as records:
        body = product_of(3, links=[]) | {"extension_attributes": {"configurable_product_links": links}} | more
        records.put("products", body, created=stamp(0), modified=stamp(3), status="configurable")


@pytest.mark.parametrize("links", [{"0": 3000, "2": 3001}, [3000, None, "3001"], [3000.0, 3001]])
def test_choices_are_read_as_plugins_write_them(magento_shop: MakeShop, links: Any) -> None:
    shop = magento_shop(products=3)
    put_links(shop, links, type_id=["configurable"], name=5)
    for window in (WHOLE, minutes(0, 10)):
        assert shop.read("products", window).children() == family(1) | family(3)


@pytest.mark.parametrize("links", [["x"], "3000,3001", [[3000]], 3000])
def test_choices_that_cannot_be_read_are_not_taken_for_none(magento_shop: MakeShop, links: Any) -> None:
    shop = magento_shop(products=3)
    put_links(shop, links)
    for window in (WHOLE, minutes(0, 10)):
        with pytest.raises(Malformed, match="product 3 with choices"):
            shop.read("products", window)


def test_labels_are_told_though_some_attributes_are_strange(magento_shop: MakeShop) -> None:
    shop = magento_shop(products=2)
    with shop.records() as records:
        body = product_of(2)
        body["custom_attributes"] += [{"value": 1}, "x", None]
        records.put("products", body, created=stamp(0), modified=stamp(2), status="simple")
    lines = shop.read("products").lines
    assert [line["__labels"] for line in lines] == [[{"code": "color", "label": "noir"}]] * 4


def test_options_are_told_by_their_labels(magento_shop: MakeShop) -> None:
    lines = magento_shop(products=2).read("products").lines
    assert [line["__labels"] for line in lines] == [[{"code": "color", "label": "noir"}]] * 4
    assert {line["price"] for line in lines} == {129.9}


def test_a_listing_finds_what_is_gone_and_reads_products_whole(magento_shop: MakeShop) -> None:
    """A choice is no record of its own; one whose product is gone is."""
    shop = magento_shop(products=5, orders=5, customers=3)
    with shop.records() as records:
        records.delete("products", 2)
        records.delete("products", 3)
        records.delete("orders", 4)
        records.delete("customers", 1)
    products = shop.read("products", minutes(1990, 2010), listing=True)
    assert products.listed == ["1", "4", "5", "3000", "3001"]
    assert sorted(products.ids) == [1, 4, 5, 3000, 3001]
    orders = shop.read("orders", minutes(1990, 2010), listing=True)
    assert (orders.listed, orders.ids) == (["1", "2", "3", "5"], [])
    assert shop.read("customers", minutes(1990, 2010), listing=True).listed == ["2", "3"]


def test_no_address_carries_a_secret(magento_shop: MakeShop) -> None:
    shop = magento_shop(products=9)
    shop.read("products", page_size=4)
    asked = shop.requests()
    assert len(asked) > 3
    assert not [one for one in asked if any(secret in str(one) for secret in SECRETS.values())]


@pytest.mark.parametrize("name", SECRETS)
def test_another_secret_is_refused_and_said_nowhere(magento_shop: MakeShop, name: str) -> None:
    """Each of the four is needed."""
    wrong = SECRETS | {name: "an-other-one"}
    extraction = connector("magento").extract(magento_shop().session(wrong), "customers", WHOLE)
    with pytest.raises(Unauthorised) as raised:
        list(extraction)
    assert "an-other-one" not in str(raised.value)


def test_a_token_alone_is_a_bearer_where_the_shop_takes_it(magento_shop: MakeShop) -> None:
    token = {"access_token": SECRETS["access_token"]}
    for facts, allowed in (({"bearer": "yes"}, True), ({}, False)):
        extraction = connector("magento").extract(magento_shop(customers=1, **facts).session(token), "customers", WHOLE)
        if allowed:
            assert [page.records for page in extraction] == [1]
        else:
            with pytest.raises(Unauthorised):
                list(extraction)


@pytest.mark.parametrize(
    "secret", [{"consumer_key": "ck"}, {"consumer_key": "ck", "access_token": "at"}, SECRETS | {"consumer_key": "ck€"}]
)
def test_a_secret_that_cannot_serve_is_a_sentence(magento_shop: MakeShop, secret: dict[str, str]) -> None:
    extraction = connector("magento").extract(magento_shop().session(secret), "customers", WHOLE)
    with pytest.raises((Misconfigured, Unauthorised)) as raised:
        list(extraction)
    assert not any(f"'{value}'" in str(raised.value) or value == str(raised.value) for value in secret.values())


def test_a_check_says_what_the_integration_may_read(magento_shop: MakeShop) -> None:
    shop = magento_shop(orders=3, stores="fr,ch", currency="EUR,CHF", without_inventory="yes")
    shop.fault("revoked_token", match="customers")
    report = connector("magento").check(shop.session())
    assert report.scopes_missing == ("customers", "stock")
    assert report.history_from == datetime(2026, 10, 1, 0, 1, tzinfo=UTC)
    assert [problem.split(":")[0] for problem in report.problems] == [
        "The integration may not read customers",
        "The shop does not serve inventory/source-items",
        "The shop's websites keep their books in CHF, EUR",
    ]


def test_a_shop_that_is_not_there_is_gone(magento_shop: MakeShop) -> None:
    shop = magento_shop()
    shop.url += "-elsewhere"
    with pytest.raises(Gone):
        shop.read("products")
