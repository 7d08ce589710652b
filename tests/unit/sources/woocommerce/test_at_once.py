"""A shop is asked for two things at once, and what comes is what comes one by one."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.unit.sources.woocommerce.conftest import PASSING, WHOLE, MakeWooShop, WooShop, put_product
from varai.kernel import Throttled
from varai.sources import connector
from varai.sources.lanes import MOST

STREAMS = ("products", "customers", "orders")


def most_at_once(shop: WooShop) -> int:
    return max(one["at_once"] for one in shop.requests())


@pytest.mark.parametrize("stream", STREAMS)
def test_lines_come_in_the_same_sequence(woo_shop: MakeWooShop, stream: str) -> None:
    shop = woo_shop(products=30, orders=30, customers=30, without_refunds="yes")
    slowly, fast = (shop.read(stream, page_size=1, requests_at_once=number) for number in (1, MOST))
    assert slowly.lines == fast.lines
    assert (slowly.records, slowly.vendor_count) == (fast.records, fast.vendor_count)


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize(("kind", "options"), PASSING)
def test_a_passing_fault_changes_nothing(
    woo_shop: MakeWooShop, stream: str, kind: str, options: dict[str, Any]
) -> None:
    found = []
    for number in (1, MOST):
        shop = woo_shop(products=13, orders=13, customers=13)
        shop.fault(kind, **options)
        read = shop.read(stream, page_size=1, requests_at_once=number)
        found.append((sorted(map(str, read.lines)), read.records, read.vendor_count))
    assert found[0] == found[1]


@pytest.mark.parametrize("most", [1, MOST])
def test_all_who_read_a_shop_ask_no_more_at_once(woo_shop: MakeWooShop, most: int) -> None:
    shop = woo_shop(products=30, orders=30, customers=30)
    shop.fault("slow", seconds=0.01, times=-1)
    with ThreadPoolExecutor(len(STREAMS)) as readers:
        list(readers.map(lambda stream: shop.read(stream, page_size=2, requests_at_once=most), STREAMS))
    assert most_at_once(shop) <= most


def test_variations_of_the_next_products_are_asked_for_with_those_of_the_last(woo_shop: MakeWooShop) -> None:
    """Two are on their way together: the simulator sees it in at least one of forty."""
    shop = woo_shop()
    with shop.records() as records:
        for number in range(1, 41):
            put_product(records, number, variations=2)
    assert len(shop.read("products").children()) == 80
    assert most_at_once(shop) == MOST


def test_who_stops_early_leaves_nobody_asking(woo_shop: MakeWooShop) -> None:
    shop = woo_shop(products=40)
    pages = iter(connector("woocommerce").extract(shop.session(page_size=1), "products", WHOLE))
    assert [next(pages).count for _ in range(3)]
    assert asking()
    pages.close()
    assert not asking()


def asking() -> list[str]:
    """Names of threads that ask ahead."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("ahead")]


def test_a_host_that_says_when_to_come_again_is_not_asked_on(woo_shop: MakeWooShop) -> None:
    shop = woo_shop(products=40)
    shop.fault("429", retry_after=3600, match="products/3/variations", times=-1)
    with pytest.raises(Throttled):
        shop.read("products")
    refused = [one["status"] for one in shop.requests()].index(429)
    assert len(shop.requests()) - refused <= MOST
