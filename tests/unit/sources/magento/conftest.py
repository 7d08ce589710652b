"""A small Magento shop behind the real simulator process, the ways to read it, to change it and to disturb it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.vendors.records import Records
from sandbox.world.magento import build
from tests.conftest import simulated
from tests.unit.sources.conftest import MemoryTokens
from varai.kernel import Feed, Window
from varai.sources import Page, Session, connector

SECRETS = {
    "consumer_key": "ck-4f2a",
    "consumer_secret": "cs-s3cret-of-the-shop",
    "access_token": "at-77ab",
    "access_token_secret": "ats-an0ther-s3cret",
}
END = datetime(2026, 11, 1, tzinfo=UTC)
WHOLE = Window(start=None, end=END)
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
        """Ids of vendor records, in the order in which they came."""
        return [int(line.get("id") or line["sku"][2:]) for line in self.lines if "__parentId" not in line]

    def children(self) -> set[tuple[str, int]]:
        """The record each child names, with the child's id."""
        return {
            (line["__parentId"], line.get("entity_id") or line.get("id")) for line in self.lines if "__parentId" in line
        }


@dataclass
class MagentoShop:
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
            tenant="lum", name="shop", connector="magento", base_url=self.url, secret="lum-shop", settings=settings
        )
        given = json.dumps(secret or SECRETS)
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
        extraction = connector("magento").extract(self.session(**settings), stream, window, listing=listing)
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
    return f"2026-10-{1 + minute // 1440:02d} {minute // 60 % 24:02d}:{minute % 60:02d}:00"


def product_of(number: int, *, at: str | None = None, links: Sequence[int] | None = None) -> Body:
    """A product; with links it is a configurable one."""
    extension: Any = [] if links is None else {"configurable_product_links": list(links)}
    return {
        "id": number,
        "sku": f"F-{number}",
        "name": f"Frame {number}",
        "price": 129.9,
        "status": 1,
        "visibility": 4,
        "type_id": "simple" if links is None else "configurable",
        "created_at": stamp(0),
        "updated_at": at or stamp(number),
        "extension_attributes": extension,
        "media_gallery_entries": [],
        "custom_attributes": [{"attribute_code": "color", "value": "49"}],
    }


def put_product(records: Records, number: int, *, at: str | None = None, links: Sequence[int] | None = None) -> None:
    """Put a product, as `product_of` makes it."""
    body = product_of(number, at=at, links=links)
    records.put("products", body, created=stamp(0), modified=body["updated_at"], status=body["type_id"])


def put_family(records: Records, number: int, choices: Sequence[int], *, at: str | None = None) -> None:
    """A configurable product and its choices."""
    for choice in choices:
        put_product(records, choice, at=at or stamp(number))
    put_product(records, number, links=choices, at=at)


def order_of(number: int, *, at: str | None = None, **more: Any) -> Body:
    """An order of one line that is simple."""
    line = {
        "item_id": number * 10,
        "product_id": 1,
        "product_type": "simple",
        "sku": "F-1",
        "name": "Frame",
        "qty_ordered": 1,
    }
    line |= {"base_price": 100, "base_row_total": 100, "base_tax_amount": 20, "base_discount_amount": 0}
    body: Body = {
        "entity_id": number,
        "increment_id": f"{number:09d}",
        "state": "complete",
        "base_currency_code": "EUR",
        "order_currency_code": "EUR",
        "customer_id": 7,
        "created_at": stamp(number),
        "updated_at": at or stamp(number),
        "base_subtotal": 100,
        "base_tax_amount": 20,
        "base_discount_amount": 0,
        "base_shipping_amount": 0,
        "base_grand_total": 120,
        "items": [line],
    }
    return {**body, **more}


def put_order(records: Records, number: int, **more: Any) -> None:
    """Put an order, as `order_of` makes it."""
    body = order_of(number, **more)
    records.put(
        "orders", body | {"id": number}, created=body["created_at"], modified=body["updated_at"], status=body["state"]
    )


def put_refund(records: Records, number: int, order: int, *, at: str, state: int = 2) -> None:
    """A credit memo of an order, which is not changed by it."""
    line = {"entity_id": number * 10, "order_item_id": order * 10, "qty": 1, "base_row_total": 10, "base_tax_amount": 2}
    body = {"entity_id": number, "order_id": order, "state": state, "created_at": at, "updated_at": at}
    body |= {"base_grand_total": 12, "items": [line], "id": number}
    records.put("refunds", body, created=at, modified=at, parent=order, status=str(state))


def put_customer(records: Records, number: int, *, at: str | None = None) -> None:
    """A customer."""
    at = at or stamp(number)
    body = {
        "id": number,
        "email": f"c{number}@example.test",
        "firstname": "Ada",
        "created_at": stamp(number),
        "updated_at": at,
    }
    records.put(
        "customers", {**body, "extension_attributes": {"is_subscribed": False}}, created=stamp(number), modified=at
    )


def put_stock(records: Records, number: int) -> None:
    """A piece of stock."""
    body = {"id": number, "sku": f"F-{number}", "source_code": "default", "quantity": 3, "status": 1}
    records.put("stock", body, created="", modified="")


@pytest.fixture(scope="session")
def magento(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Address and folder of shops of a simulator process."""
    folder = tmp_path_factory.mktemp("magento")
    with simulated("magento", folder) as address:
        yield address, folder


MakeShop = Callable[..., MagentoShop]


@pytest.fixture
def magento_shop(magento: tuple[str, Path]) -> MakeShop:
    """Makes a shop of so many products (every second one with two choices), orders (every third one refunded), customers and stock."""
    address, folder = magento

    def make(*, products: int = 0, orders: int = 0, customers: int = 0, stock: int = 0, **facts: str) -> MagentoShop:
        name = f"shop{next(_NUMBERS)}"
        shop = MagentoShop(f"{address}/{name}", folder / f"{name}.sqlite")
        known = {
            "url": f"https://{name}.example.test/",
            "currency": "EUR",
            "timezone": "Europe/Paris",
            "locale": "fr_FR",
        }
        with shop.records() as records:
            records.set_facts(known | SECRETS | facts)
            options = [{"label": " ", "value": ""}, {"label": "noir", "value": "49"}]
            color = {
                "id": 93,
                "attribute_id": 93,
                "attribute_code": "color",
                "frontend_input": "select",
                "options": options,
            }
            records.put("attributes", color, created="", modified="", status="select")
            place = {"id": 1, "source_code": "default", "name": "Entrepôt", "enabled": True, "country_id": "FR"}
            records.put("sources", place, created="", modified="", status="default")
            for number in range(1, products + 1):
                if number % 2:
                    put_family(records, number, [number * 1000, number * 1000 + 1])
                else:
                    put_product(records, number)
            for number in range(1, orders + 1):
                put_order(records, number)
                if number % 3 == 0:
                    put_refund(records, 9000 + number, number, at=stamp(number + 1))
            for number in range(1, customers + 1):
                put_customer(records, number)
            for number in range(1, stock + 1):
                put_stock(records, number)
        return shop

    return make


@pytest.fixture(scope="session")
def world_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated shop."""
    from tests.unit.sources.magento.rows import WORLD  # it imports this module

    path = tmp_path_factory.mktemp("world") / "lum.sqlite"
    build(path, WORLD)
    return path


@pytest.fixture(scope="session")
def world(world_path: Path) -> dict[str, list[Body]]:
    """Records of a generated shop, children as they are landed."""
    from tests.unit.sources.magento.rows import generated

    return generated(world_path)
