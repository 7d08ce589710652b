"""Bulk operations side by side: streams share the shop's five places, wait where they are taken, and never take a part for the whole."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from tests.unit.sources.conftest import WHOLE, MakeShop, Shop
from varai.kernel import Throttled
from varai.sources.shopify import bulk, queries
from varai.sources.shopify.client import Client, open_shop
from varai.sources.shopify.reading import Reading

STREAMS = ("products", "inventory", "customers", "orders")
OTHERS = "{ products { edges { node { id } } } }"


class Answer(msgspec.Struct):
    """An answer nobody looks into."""


def start(client: Client, text: str) -> None:
    client.ask(queries.RUN_BULK, {"query": text}, Answer)


def statuses(client: Client) -> list[str]:
    """Of the shop's operations, the newest first."""
    page = client.ask(queries.BEGUN_BULKS, {}, bulk._BegunData).page
    return [one.status for one in page.nodes]


def until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end


def starts(shop: Shop) -> int:
    return sum("run: bulkOperationRunQuery" in one["text"] for one in shop.requests())


def test_streams_of_a_feed_are_read_by_operations_that_run_at_once(make_shop: MakeShop) -> None:
    shop = make_shop(products=4, orders=3, customers=2)
    shop.fault("slow_bulk", seconds=3, times=len(STREAMS))
    with ThreadPoolExecutor(len(STREAMS)) as pool, open_shop(shop.session()) as client:
        landing = {stream: pool.submit(shop.land, stream) for stream in STREAMS}
        until(lambda: statuses(client).count("RUNNING") == len(STREAMS))
        landed = {stream: one.result() for stream, one in landing.items()}
    assert {stream: one.records for stream, one in landed.items()} == {
        "products": 4, "inventory": 12, "customers": 2, "orders": 3
    }  # fmt: skip
    assert all(one.records == one.vendor_count for one in landed.values())


def test_who_finds_all_places_taken_waits_for_one(make_shop: MakeShop) -> None:
    shop = make_shop(products=3)
    shop.fault("slow_bulk", seconds=1, times=5)
    with open_shop(shop.session()) as client:
        for _ in range(5):
            start(client, OTHERS)
    landed = shop.land("products")
    assert landed.records == landed.vendor_count == 3
    assert starts(shop) > 5 + 1, "it asked again until there was a place"


def test_a_shop_whose_places_stay_taken_is_throttled(make_shop: MakeShop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = make_shop(products=1)
    monkeypatch.setattr(bulk, "_LONGEST_QUEUE_S", 5.0)
    shop.fault("stuck_bulk", times=5)
    with open_shop(shop.session()) as client:
        for _ in range(5):
            start(client, OTHERS)
    with pytest.raises(Throttled, match="all places"):
        shop.land("products")


@pytest.mark.parametrize("stream", STREAMS)
def test_what_operations_fail_at_is_paged_and_no_part_is_taken_for_it(make_shop: MakeShop, stream: str) -> None:
    shop = make_shop(products=6, orders=6, customers=6)
    shop.fault("failed_bulk", times=-1)
    landed = shop.land(stream, page_size=4)
    assert landed.records == landed.vendor_count == len(landed.ids()) == (18 if stream == "inventory" else 6)
    assert "/bulk/" not in "".join(one["text"] for one in shop.requests() if one["route"] == "bulk")
    assert starts(shop) == (6 if stream == "inventory" else 3), "the census of stock fails by itself"


def test_a_read_that_was_killed_finds_its_operation_again(make_shop: MakeShop) -> None:
    shop = make_shop(products=3)
    shop.fault("slow_bulk", seconds=1)
    with open_shop(shop.session()) as client:
        start(client, queries.bulk_query("products", Reading(client, "products", WHOLE).filter))
    landed = shop.land("products")
    assert landed.records == landed.vendor_count == 3
    assert starts(shop) == 1


def test_an_operation_from_before_the_window_ended_or_for_something_else_is_not_taken_over(make_shop: MakeShop) -> None:
    shop = make_shop(products=3)
    shop.fault("slow_bulk", seconds=1, times=2)
    with open_shop(shop.session()) as client:
        start(client, OTHERS)
        start(client, queries.bulk_query("products", Reading(client, "products", WHOLE).filter))
        late = WHOLE.end.replace(year=WHOLE.end.year + 10)
        mine = queries.bulk_query("products", Reading(client, "products", WHOLE).filter)
        assert bulk._running(client, mine, late) is None
        assert bulk._running(client, mine + " ", WHOLE.end) is None
        assert bulk._running(client, mine, WHOLE.end) is not None
