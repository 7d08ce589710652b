"""A small WooCommerce shop behind the real simulator process, the ways to read it, to change it and to disturb it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.vendors.records import Records
from tests.conftest import simulated
from tests.unit.sources.conftest import PASSING_ANYWHERE, MemoryTokens
from varai.kernel import Feed, Window
from varai.sources import Page, Session, connector

KEY, SECRET = "ck_4f2a", "cs_s3cret-of-the-shop"
END = datetime(2026, 11, 1, tzinfo=UTC)
WHOLE = Window(start=None, end=END)
_NUMBERS = itertools.count(1)
Body = dict[str, Any]
PASSING: list[tuple[str, dict[str, Any]]] = [
    *PASSING_ANYWHERE,
    ("wrong_count", {"delta": 2, "match": "page=2"}),
    ("wrong_count", {"delta": -1, "match": "page=2"}),
    ("duplicate_page", {}),
    ("duplicate_page", {"times": 2}),
    ("missing_page", {"match": "page=2"}),
]
"""Faults that pass, with their options."""


@dataclass
class Read:
    """What an extraction gave."""

    lines: list[Body]
    records: int
    vendor_count: int | None
    listed: list[str] | None

    @property
    def ids(self) -> list[int]:
        """Ids of vendor records, in the order in which they came."""
        return [line["id"] for line in self.lines if "__parentId" not in line]

    def children(self) -> set[tuple[str, int]]:
        """The record each child names, with the child's id."""
        return {(line["__parentId"], line["id"]) for line in self.lines if "__parentId" in line}


@dataclass
class WooShop:
    """One simulated shop."""

    url: str
    path: Path

    @contextmanager
    def records(self) -> Iterator[Records]:
        """Opens the shop for changes."""
        with Records(self.path) as records:
            yield records

    def session(self, secret: Mapping[str, str] | None = None, **settings: Any) -> Session:
        """A session of the feed that reads it."""
        feed = Feed(
            tenant="north",
            name="shop",
            connector="woocommerce",
            base_url=self.url,
            secret="north-shop",
            settings=settings,
        )
        given = json.dumps(secret or {"consumer_key": KEY, "consumer_secret": SECRET})
        return Session(feed, self.url, lambda: given, MemoryTokens(), sleep=lambda _: None)

    def read(
        self,
        stream: str,
        window: Window = WHOLE,
        *,
        listing: bool = False,
        between: Callable[[Page], None] | None = None,
        **settings: Any,
    ) -> Read:
        """Read a stream; `between` is called after each page."""
        extraction = connector("woocommerce").extract(self.session(**settings), stream, window, listing=listing)
        lines, records = [], 0
        for page in extraction:
            assert page.lines.count(b"\n") == page.count
            lines += [json.loads(line) for line in page.lines.splitlines()]
            records += page.records
            if between is not None:
                between(page)
        listed = extraction.listing
        return Read(lines, records, extraction.vendor_count, None if listed is None else listed.ids.to_pylist())

    def fault(self, kind: str, **options: Any) -> None:
        """Switch a fault on."""
        httpx.post(f"{self.url}/_faults", json={"kind": kind, **options}).raise_for_status()

    def requests(self) -> list[Body]:
        """What was asked of it, oldest first."""
        found: list[Body] = httpx.get(f"{self.url}/_requests").json()["requests"]
        return found


def stamp(minute: int) -> str:
    """An instant of October 2026, so many minutes after its beginning, as the shop writes it."""
    return f"2026-10-{1 + minute // 1440:02d}T{minute // 60 % 24:02d}:{minute % 60:02d}:00"


def put_product(
    records: Records, number: int, *, variations: int = 0, at: str | None = None, variations_at: str | None = None
) -> None:
    """A product; with variations it is a variable one."""
    at = at or stamp(number)
    body = {
        "id": number,
        "name": f"Frame {number}",
        "type": "variable" if variations else "simple",
        "status": "publish",
        "price": "129.00",
    }
    body |= {"sku": f"F-{number}", "date_created_gmt": stamp(0), "date_modified_gmt": at, "variations": []}
    records.put("products", body, created=stamp(0), modified=at)
    for place in range(variations):
        choice = {
            "id": number * 1000 + place,
            "price": "99.00",
            "sku": f"V-{number}-{place}",
            "attributes": [{"name": "Size", "option": "M"}],
        }
        when = variations_at or at
        choice |= {"date_created_gmt": stamp(0), "date_modified_gmt": when}
        records.put("variations", choice, created=stamp(0), modified=when, parent=number)


def order_of(number: int, *, at: str | None = None, paid: bool = True, **more: Any) -> Body:
    """An order of one line."""
    at = at or stamp(number)
    body = {
        "id": number,
        "number": str(number),
        "status": "completed",
        "currency": "EUR",
        "customer_id": 7,
        "total": "119.00",
        "total_tax": "19.00",
    }
    body |= {
        "date_created_gmt": stamp(number),
        "date_modified_gmt": at,
        "date_paid_gmt": stamp(number) if paid else None,
        "refunds": [],
    }
    body |= {"shipping_total": "0.00", "discount_total": "0.00"}
    line = {
        "id": number * 10,
        "name": "Frame",
        "product_id": 1,
        "variation_id": 0,
        "quantity": 1,
        "subtotal": "100.00",
        "total": "100.00",
    }
    body["line_items"] = [{**line, "total_tax": "19.00", "taxes": [], "meta_data": []}]
    return {**body, **more}


def put_order(records: Records, number: int, **more: Any) -> None:
    """Put an order, as `order_of` makes it."""
    body = order_of(number, **more)
    records.put(
        "orders", body, created=body["date_created_gmt"], modified=body["date_modified_gmt"], status=body["status"]
    )


def put_refund(records: Records, number: int, order: int, *, at: str, amount: str = "11.90") -> None:
    """A refund of an order, which the order itself says nothing of and is not changed by."""
    line = {"id": number * 10, "quantity": 0, "total": "-10.00", "total_tax": "-1.90"}
    line |= {"meta_data": [{"key": "_refunded_item_id", "value": str(order * 10)}]}
    body = {
        "id": number,
        "parent_id": order,
        "date_created_gmt": at,
        "amount": amount,
        "reason": "too wide",
        "line_items": [line],
    }
    records.put("refunds", body, created=at, modified=at, parent=order)


def put_customer(records: Records, number: int) -> None:
    """A customer."""
    body = {
        "id": number,
        "email": f"c{number}@example.test",
        "first_name": "Ada",
        "date_created_gmt": stamp(number),
        "date_modified_gmt": None,
    }
    records.put("customers", body, created=stamp(number), modified=stamp(number))


@pytest.fixture(scope="session")
def woocommerce(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Address and folder of shops of a simulator process."""
    folder = tmp_path_factory.mktemp("woocommerce")
    with simulated("woocommerce", folder) as address:
        yield address, folder


MakeWooShop = Callable[..., WooShop]


@pytest.fixture
def woo_shop(woocommerce: tuple[str, Path]) -> MakeWooShop:
    """Makes a shop of so many products (every second one with two variations), orders (every third one refunded) and customers."""
    address, folder = woocommerce

    def make(*, products: int = 0, orders: int = 0, customers: int = 0, **facts: str) -> WooShop:
        name = f"shop{next(_NUMBERS)}"
        shop = WooShop(f"{address}/{name}", folder / f"{name}.sqlite")
        known = {
            "name": "Lunettes",
            "url": f"https://{name}.example.test",
            "currency": "EUR",
            "timezone": "America/New_York",
        }
        known |= {"country": "DE:DE-BE", "prices_include_tax": "yes", "consumer_key": KEY, "consumer_secret": SECRET}
        with shop.records() as records:
            records.set_facts(known | facts)
            for number in range(1, products + 1):
                put_product(records, number, variations=2 * (number % 2))
            for number in range(1, orders + 1):
                put_order(records, number)
                if number % 3 == 0:
                    put_refund(records, 9000 + number, number, at=stamp(number + 1))
            for number in range(1, customers + 1):
                put_customer(records, number)
        return shop

    return make
