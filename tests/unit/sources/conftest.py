"""A small shop behind the real simulator process, a session that reads it, and the switch for its faults."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import stamina

from sandbox.vendors.shopify.store import ALL_SCOPES, ShopWriter
from tests.conftest import simulated
from varai.kernel import Conflict, Feed, Window
from varai.sources import Page, Session, connector
from varai.sources.contract import Listing

NUMBERS = itertools.count(1)
END = datetime(2026, 11, 1, tzinfo=UTC)
WHOLE = Window(start=None, end=END)
ALL_AS_WINDOW = Window(start=datetime(2020, 1, 1, tzinfo=UTC), end=END)
SECRET = {"client_id": "app", "client_secret": "hush"}


class MemoryTokens:
    """A token store as the registry's: compare-and-swap on a version."""

    def __init__(self) -> None:
        self.held: dict[str, Any] | None = None
        self.version = 0
        self._lock = threading.Lock()

    def get(self) -> tuple[dict[str, Any] | None, int]:
        with self._lock:
            return (dict(self.held) if self.held is not None else None), self.version

    def swap(self, tokens: Mapping[str, Any], version: int) -> int:
        with self._lock:
            if version != self.version:
                raise Conflict("Somebody wrote first.")
            self.held, self.version = json.loads(json.dumps(dict(tokens))), version + 1
            return self.version


@dataclass
class Landed:
    """What an extraction gave."""

    lines: list[dict[str, Any]]
    records: int
    vendor_count: int | None
    deletions: tuple[Any, ...]
    listing: Listing | None

    @property
    def roots(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if "__parentId" not in line]

    def ids(self, *path: str) -> set[str]:
        """Ids of roots, or of children: inline ones by the connection's name, and lines of their own by type."""
        if not path:
            return {line["id"] for line in self.roots}
        name, kind = path
        inline = {child["id"] for root in self.roots for child in _nodes(root.get(name))}
        return inline | {line["id"] for line in self.lines if "__parentId" in line and f"/{kind}/" in line["id"]}


def _nodes(connection: Any) -> list[dict[str, Any]]:
    if connection is None:
        return []
    return list(connection["nodes"] if isinstance(connection, dict) else connection)


@dataclass
class Shop:
    """One simulated shop and the ways to read, change and disturb it."""

    base_url: str
    path: Path
    facts: dict[str, Any]
    http: httpx.Client
    secret: dict[str, str] = field(default_factory=lambda: dict(SECRET))
    tokens: MemoryTokens = field(default_factory=MemoryTokens)
    settings: dict[str, Any] = field(default_factory=dict)
    slept: list[float] = field(default_factory=list)
    before: Callable[[], None] | None = None

    def writer(self) -> ShopWriter:
        """Opens the shop for changes."""
        return ShopWriter(self.path, **self.facts)

    def session(self, **settings: Any) -> Session:
        feed = Feed(
            tenant="north",
            name="shop",
            connector="shopify",
            base_url=self.base_url,
            secret="north-shop",
            settings={**self.settings, **settings},
        )
        return Session(
            feed=feed,
            base_url=self.base_url,
            secret=lambda: json.dumps(self.secret),
            tokens=self.tokens,
            sleep=self._sleep,
        )

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        time.sleep(min(seconds, 0.05))  # long enough for the simulator to go on, short enough for a test

    def land(
        self,
        stream: str,
        window: Window = WHOLE,
        *,
        between: Callable[[Page], None] | None = None,
        listing: bool = False,
        **settings: Any,
    ) -> Landed:
        """Read a stream; `between` is called after each page."""
        extraction = connector("shopify").extract(self.session(**settings), stream, window, listing=listing)
        lines, records = [], 0
        for page in extraction:
            assert page.lines.endswith(b"\n")
            assert page.lines.count(b"\n") == page.count
            lines += [json.loads(line) for line in page.lines.splitlines()]
            records += page.records
            if between is not None:
                between(page)
        return Landed(lines, records, extraction.vendor_count, extraction.deletions, extraction.listing)

    def fault(self, kind: str, **options: Any) -> None:
        self.http.post(f"{self.base_url}/_faults", json={"kind": kind, **options}).raise_for_status()

    def waiting_faults(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.http.get(f"{self.base_url}/_faults").json()["faults"]
        return found

    def requests(self) -> list[dict[str, Any]]:
        """What the simulator was asked."""
        found: list[dict[str, Any]] = self.http.get(f"{self.base_url}/_requests").json()["requests"]
        return found


def stamp(number: int) -> str:
    """A distinct instant of October 2026, a minute apart."""
    return f"2026-10-{1 + number // 1440:02d}T{number // 60 % 24:02d}:{number % 60:02d}:00Z"


def usd(amount: str) -> dict[str, Any]:
    money = {"amount": amount, "currencyCode": "USD"}
    return {"shopMoney": money, "presentmentMoney": money}


def put_product(writer: ShopWriter, number: int, *, at: str | None = None, variants: int = 3, text: str = "") -> str:
    """A product with an image, variants, their items, and a stock level each."""
    at = at or stamp(number)
    when: dict[str, Any] = {"created_at": stamp(0), "updated_at": at}
    gid = f"gid://shopify/Product/{number}"
    body: dict[str, Any] = {
        "title": f"Frame {number}",
        "descriptionHtml": text or '<p>"__parentId":"no"\n</p>',
        "tags": ["sun"],
    }
    writer.put(gid, "Product", {**body, "metafields": {"eyewear.rim": "full"}}, **when)
    image: dict[str, Any] = {"url": f"https://cdn.test/{number}.jpg"}
    writer.put(f"gid://shopify/ProductImage/{number}", "Image", image, parent=gid, connection="images", **when)
    for position in range(1, variants + 1):
        key = number * 1000 + position
        item = f"gid://shopify/InventoryItem/{key}"
        variant: dict[str, Any] = {
            "sku": f"SKU-{key}",
            "price": "129.00",
            "position": position,
            "title": "Black",
            "inventoryItem": {"id": item, "unitCost": {"amount": "30.00", "currencyCode": "USD"}},
            "metafields": {"eyewear.lens_width_mm": "52"},
        }
        place: dict[str, Any] = {"parent": gid, "connection": "variants", "position": position}
        writer.put(f"gid://shopify/ProductVariant/{key}", "ProductVariant", variant, **place, **when)
        writer.put(item, "InventoryItem", {"sku": f"SKU-{key}", "tracked": True}, **when)
        put_level(writer, key, at=at)
    return gid


def put_level(writer: ShopWriter, key: int, *, at: str, available: int = 5) -> None:
    """Stock of one item at the one location."""
    writer.put(
        f"gid://shopify/InventoryLevel/1?inventory_item_id={key}",
        "InventoryLevel",
        {
            "location": {"id": "gid://shopify/Location/1"},
            "quantities": [{"name": "available", "quantity": available}],
        },
        parent=f"gid://shopify/InventoryItem/{key}",
        connection="inventoryLevels",
        created_at=stamp(0),
        updated_at=at,
    )


def put_order(writer: ShopWriter, number: int, *, at: str | None = None, lines: int = 2, refunds: int = 1) -> str:
    """An order with lines, a delivery, a payment and refunds of its first line."""
    when: dict[str, Any] = {"created_at": at or stamp(number), "updated_at": at or stamp(number)}
    gid = f"gid://shopify/Order/{number}"
    body: dict[str, Any] = {
        "currencyCode": "USD",
        "totalPriceSet": usd("100.00"),
        "customer": {"id": "gid://shopify/Customer/1"},
    }
    writer.put(gid, "Order", body, **when)
    for position in range(lines):
        line: dict[str, Any] = {"title": "Frame", "quantity": 1, "sku": "SKU", "originalUnitPriceSet": usd("50.00")}
        line["taxLines"] = [{"title": "VAT", "rate": 0.2, "priceSet": usd("1.00")}]
        place: dict[str, Any] = {"parent": gid, "connection": "lineItems", "position": position}
        writer.put(f"gid://shopify/LineItem/{number * 1000 + position}", "LineItem", line, **place, **when)
    shipping: dict[str, Any] = {"title": "Post", "originalPriceSet": usd("5.00"), "discountedPriceSet": usd("5.00")}
    place = {"parent": gid, "connection": "shippingLines"}
    writer.put(f"gid://shopify/ShippingLine/{number}", "ShippingLine", shipping, **place, **when)
    payment: dict[str, Any] = {"kind": "SALE", "status": "SUCCESS", "amountSet": usd("105.00")}
    place = {"parent": gid, "connection": "transactions"}
    writer.put(f"gid://shopify/OrderTransaction/{number}", "OrderTransaction", payment, **place, **when)
    for position in range(refunds):
        refund = f"gid://shopify/Refund/{number * 10 + position}"
        place = {"parent": gid, "connection": "refunds", "position": position}
        writer.put(refund, "Refund", {"note": "too wide"}, **place, **when)
        back: dict[str, Any] = {
            "quantity": 1,
            "subtotalSet": usd("50.00"),
            "lineItem": {"id": f"gid://shopify/LineItem/{number * 1000}"},
        }
        place = {"parent": refund, "connection": "refundLineItems"}
        writer.put(f"gid://shopify/RefundLineItem/{number * 10 + position}", "RefundLineItem", back, **place, **when)
    return gid


def put_customer(writer: ShopWriter, number: int) -> None:
    body: dict[str, Any] = {
        "firstName": "Ada",
        "lastName": "L",
        "email": f"c{number}@example.test",
        "numberOfOrders": "1",
    }
    gid = f"gid://shopify/Customer/{number}"
    writer.put(gid, "Customer", body, created_at=stamp(number), updated_at=stamp(number))


@pytest.fixture(autouse=True)
def _without_waits() -> Iterator[None]:
    """Retries of HTTP calls happen at once."""
    with stamina.set_testing(True, attempts=6, cap=True):
        yield


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Address and folder of shops of a simulator process."""
    folder = tmp_path_factory.mktemp("shops")
    with simulated("shopify", folder) as address:
        yield address, folder


MakeShop = Callable[..., Shop]


@pytest.fixture
def make_shop(simulator: tuple[str, Path]) -> Iterator[MakeShop]:
    """Makes a shop of so many products, orders and customers."""
    address, folder = simulator
    with httpx.Client() as http:

        def make(
            *,
            products: int = 0,
            orders: int = 0,
            customers: int = 0,
            scopes: tuple[str, ...] = ALL_SCOPES,
            **facts: str,
        ) -> Shop:
            name = f"shop{next(NUMBERS)}"
            held: dict[str, Any] = {
                "name": "Lunettes",
                "domain": f"{name}.myshopify.test",
                "currency": "USD",
                "timezone": "America/New_York",
                "created_at": "2024-01-01T00:00:00Z",
                "scopes": scopes,
                "facts": facts,
                **SECRET,
            }
            shop = Shop(f"{address}/{name}", folder / f"{name}.sqlite", held, http)
            with shop.writer() as writer:
                place: dict[str, Any] = {"name": "Main", "isActive": True}
                writer.put("gid://shopify/Location/1", "Location", place, created_at=stamp(0), updated_at=stamp(0))
                for number in range(1, products + 1):
                    put_product(writer, number)
                for number in range(1, orders + 1):
                    put_order(writer, number, refunds=number % 3)
                for number in range(1, customers + 1):
                    put_customer(writer, number)
            return shop

        yield make


PASSING_ANYWHERE: list[tuple[str, dict[str, Any]]] = [
    ("429", {"retry_after": 0}),
    ("429", {}),
    ("5xx", {"times": 3}),
    ("cut", {}),
    ("truncated_json", {}),
    ("wrong_content_type", {}),
    ("slow", {"seconds": 0.05}),
    ("clock_skew", {"seconds": 300}),
]
"""Faults of the transport that pass whatever is read of whichever vendor, with their options."""


def minutes(start: float, end: float) -> Window:
    """A window of October 2026, in minutes after its beginning."""
    begin = datetime(2026, 10, 1, tzinfo=UTC)
    return Window(start=begin + timedelta(minutes=start), end=begin + timedelta(minutes=end))


def check_a_refund_brings_its_order(shop: Any, put_refund: Callable[..., None], *, at: str) -> None:
    """A refund that was made in the window, of a vendor's shop with orders that did not change in it."""
    with shop.records() as records:
        put_refund(records, 9101, 1, at=at)
    read = shop.read("orders", minutes(90, 110))
    assert read.ids == [1]
    assert read.children() == {("1", 9101)}
    assert read.records == read.vendor_count == 1
