"""A small BigCommerce store behind the real simulator process, the ways to read it, to change it and to disturb it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.vendors.records import Records
from tests.conftest import simulated
from tests.unit.sources.conftest import MemoryTokens
from varai.kernel import Feed, Window
from varai.sources import Page, Session, connector

TOKEN = "t0ken-of-the-store"
BEGIN = datetime(2026, 10, 1, tzinfo=UTC)
END = datetime(2026, 11, 1, tzinfo=UTC)
WHOLE = Window(start=None, end=END)
PLACES = (1, 2)
_NUMBERS = itertools.count(1)
Body = dict[str, Any]


@dataclass
class Read:
    """What an extraction gave."""

    lines: list[Body]
    records: int
    vendor_count: int | None
    listed: list[str] | None

    @property
    def ids(self) -> list[int]:
        """Ids of vendor records, in the order in which they came; of stock the variant's, once per location."""
        return [
            line["identity"]["variant_id"] if "identity" in line else line["id"]
            for line in self.lines
            if "__parentId" not in line
        ]

    def hanging(self, name: str) -> dict[int, list[int]]:
        """What hangs on each record that has some of it: ids."""
        return {line["id"]: [one["id"] for one in line[name]] for line in self.lines if line.get(name)}


@dataclass
class Store:
    """One simulated store."""

    url: str
    path: Path

    @contextmanager
    def records(self) -> Iterator[Records]:
        """Opens the store for changes."""
        with Records(self.path) as records:
            yield records

    def session(
        self, secret: Mapping[str, str] | None = None, sleep: Callable[[float], None] = lambda _: None, **settings: Any
    ) -> Session:
        """A session of the feed that reads it."""
        feed = Feed(
            tenant="harbor",
            name="shop",
            connector="bigcommerce",
            base_url=self.url,
            secret="harbor-shop",
            settings=settings,
        )
        given = json.dumps(secret or {"access_token": TOKEN})
        return Session(feed, self.url, lambda: given, MemoryTokens(), sleep=sleep)

    def read(
        self,
        stream: str,
        window: Window = WHOLE,
        *,
        listing: bool = False,
        between: Callable[[Page], None] | None = None,
        sleep: Callable[[float], None] = lambda _: None,
        **settings: Any,
    ) -> Read:
        """Read a stream; `between` is called after each page."""
        session = self.session(sleep=sleep, **settings)
        extraction = connector("bigcommerce").extract(session, stream, window, listing=listing)
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


def stamp(minute: float) -> str:
    """An instant of October 2026, so many minutes after its beginning, as V3 writes it."""
    return (BEGIN + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc(minute: float) -> str:
    """The same as V2 writes it."""
    return format_datetime(BEGIN + timedelta(minutes=minute))


def product_of(number: int, *, minute: float | None = None, **more: Any) -> Body:
    """A product of two sizes."""
    sizes = [
        {
            "id": number * 1000 + place,
            "product_id": number,
            "sku": f"F-{number}-{place}",
            "price": None,
            "calculated_price": 129.9,
            "option_values": [{"id": place, "label": size, "option_display_name": "Size"}],
        }
        for place, size in enumerate(("52-18-140", "54-18-145"))
    ]
    body = {
        "id": number,
        "name": f"Frame {number}",
        "price": 129.9,
        "brand_id": 3,
        "categories": [5],
        "is_visible": True,
    }
    body |= {"date_created": stamp(0), "date_modified": stamp(number if minute is None else minute)}
    return {**body, "variants": sizes, "images": [], "custom_fields": [], **more}


def put_product(records: Records, number: int, **more: Any) -> None:
    """Put a product, as `product_of` makes it."""
    body = product_of(number, **more)
    records.put("products", body, created=stamp(0), modified=body["date_modified"])


def item_of(number: int, **more: Any) -> Body:
    """A line of an order."""
    item: Body = {
        "id": number,
        "product_id": 1,
        "variant_id": 1000,
        "name": "Frame",
        "sku": "F-1-0",
        "type": "physical",
    }
    item |= {"quantity": 1, "price_ex_tax": "100.0000", "total_ex_tax": "100.0000", "total_tax": "8.8750"}
    item |= {"total_inc_tax": "108.8750", "discounted_total_inc_tax": "108.8750", "applied_discounts": []}
    return {**item, "product_options": [], "parent_order_product_id": None, **more}


def order_of(number: int, *, minute: float | None = None, made: float | None = None, **more: Any) -> Body:
    """An order of one line and a delivery."""
    way: Body = {
        "id": number * 10,
        "shipping_method": "Standard",
        "cost_ex_tax": 5.9,
        "cost_inc_tax": 5.9,
        "cost_tax": 0,
    }
    way |= {"country_iso2": "US", "state": "New York", "line_items": [item_of(number * 10)]}
    body: Body = {"id": number, "customer_id": 7, "status_id": 10, "status": "Completed", "items_total": 1}
    body |= {
        "date_created": rfc(number if made is None else made),
        "date_modified": rfc(number if minute is None else minute),
    }
    body |= {"default_currency_code": "USD", "currency_code": "USD", "is_tax_inclusive_pricing": False}
    body |= {
        "total_inc_tax": "114.7800",
        "total_tax": "8.8800",
        "shipping_cost_ex_tax": "5.9000",
        "coupon_discount": "0.0000",
    }
    body |= {
        "discount_amount": "0.0000",
        "payment_status": "captured",
        "payment_method": "Credit Card",
        "order_source": "www",
    }
    body |= {"handling_cost_ex_tax": "0.0000", "wrapping_cost_ex_tax": "0.0000", "fees": []}
    body["billing_address"] = {"first_name": "Ada", "country_iso2": "US", "state": "New York"}
    body["consignments"] = {"pickups": [], "shipping": [way], "downloads": [], "email": {"gift_certificates": []}}
    return {**body, **more}


def put_order(records: Records, number: int, *, minute: float | None = None, **more: Any) -> None:
    """Put an order, as `order_of` makes it."""
    at = stamp(number if minute is None else minute)
    records.put("orders", order_of(number, minute=minute, **more), created=stamp(number), modified=at)


def refund_of(number: int, order: int, *, minute: float, **more: Any) -> Body:
    """A refund of an order's whole line."""
    items = [{"item_type": "PRODUCT", "item_id": order * 10, "quantity": 1, "requested_amount": None}]
    body: Body = {"id": number, "order_id": order, "created": stamp(minute), "reason": "too wide", "items": items}
    return {**body, "total_amount": 108.88, "total_tax": 8.88, "payments": [{"id": 1, "is_declined": False}], **more}


def put_refund(records: Records, number: int, order: int, *, minute: float) -> None:
    """Put a refund; its order is not changed by it."""
    records.put(
        "refunds", refund_of(number, order, minute=minute), created=stamp(minute), modified=stamp(minute), parent=order
    )


def put_coupon(records: Records, number: int, order: int) -> None:
    """A coupon of an order."""
    body = {
        "id": number,
        "coupon_id": 1,
        "order_id": order,
        "code": "WELCOME10",
        "amount": 10,
        "type": 1,
        "discount": 10,
    }
    records.put("coupons", body, created="", modified="", parent=order)


def put_customer(records: Records, number: int, *, minute: float | None = None) -> None:
    """A customer."""
    at = stamp(number if minute is None else minute)
    body: Body = {"id": number, "email": f"c{number}@example.test", "first_name": "Ada", "date_created": stamp(number)}
    body |= {"date_modified": at, "addresses": [{"id": number, "country_code": "US", "phone": ""}]}
    records.put("customers", body, created=stamp(number), modified=at)


def put_stock(records: Records, number: int, place: int) -> None:
    """Stock of a variant at a location."""
    body = {"id": number * 10 + place, "identity": {"sku": f"F-{number}", "variant_id": number, "product_id": 1}}
    body |= {"available_to_sell": 3, "total_inventory_onhand": 4, "settings": {"is_in_stock": True, "safety_stock": 1}}
    records.put("stock", body, created="", modified="", parent=place)


@pytest.fixture(scope="session")
def bigcommerce(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Address and folder of stores of a simulator process."""
    folder = tmp_path_factory.mktemp("bigcommerce")
    with simulated("bigcommerce", folder) as address:
        yield address, folder


MakeStore = Callable[..., Store]


@pytest.fixture
def store(bigcommerce: tuple[str, Path]) -> MakeStore:
    """Makes a store of so many products, orders (every third one refunded), customers, and variants with stock at two locations."""
    address, folder = bigcommerce

    def make(*, products: int = 0, orders: int = 0, customers: int = 0, stock: int = 0, **facts: str) -> Store:
        name = f"store{next(_NUMBERS)}"
        made = Store(f"{address}/{name}", folder / f"{name}.sqlite")
        known = {
            "hash": name,
            "name": "Harbor Frames",
            "domain": f"{name}.example.test",
            "currency": "USD",
            "country": "US",
        }
        known |= {"timezone": "America/New_York", "prices_include_tax": "no", "access_token": TOKEN}
        with made.records() as records:
            records.set_facts(known | facts)
            records.put("brands", {"id": 3, "name": "Aldergrove"}, created="", modified="")
            records.put("categories", {"id": 5, "name": "sun"}, created="", modified="")
            for place in PLACES:
                body: Body = {"id": place, "code": f"L{place}", "label": f"Shop floor {place}", "enabled": True}
                body["address"] = {"country_code": "US", "email": "who-works-there@example.test"}
                records.put("locations", body, created="", modified="")
            for number in range(1, products + 1):
                put_product(records, number)
            for number in range(1, orders + 1):
                put_order(records, number)
                if number % 3 == 0:
                    put_refund(records, 9000 + number, number, minute=number + 1)
            for number in range(1, customers + 1):
                put_customer(records, number)
            for number in range(1, stock + 1):
                for place in PLACES:
                    put_stock(records, number, place)
        return made

    return make
