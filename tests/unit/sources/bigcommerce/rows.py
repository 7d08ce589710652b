"""Records of BigCommerce as canonical rows, and a generated shop's records as they are landed."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import msgspec

from sandbox.vendors.records import Records
from sandbox.world.spec import WorldSpec
from tests.unit.sources.bigcommerce.conftest import Body
from varai.canonical.mapper import map_lines
from varai.kernel import Feed
from varai.sources import ShopFacts, connector
from varai.sources.bigcommerce.lines import line

AMERICAN = WorldSpec(
    "harbor", "harbor.example.com", 5, "USD", "America/Chicago", "US", "", "t", products=30, orders=250, customers=90
)
FRENCH = WorldSpec(
    "port", "port.example.com", 6, "EUR", "Europe/Paris", "FR", "", "t", products=30, orders=250, customers=90
)
FACTS = ShopFacts("USD", "America/Chicago")
Rows = dict[str, list[dict[str, Any]]]
World = dict[str, list[Body]]


def mapped_lines(stream: str, lines: bytes, facts: ShopFacts = FACTS, **settings: Any) -> Rows:
    """Canonical rows of lines, by entity."""
    feed = Feed(tenant="n", name="shop", connector="bigcommerce", base_url="http://x", secret="s", settings=settings)
    found: Rows = defaultdict(list)
    for name, batch in map_lines(iter([lines]), connector("bigcommerce").mapping(stream, feed, facts)):
        found[name] += batch.to_pylist()
    return found


def mapped(stream: str, records: Sequence[Body], facts: ShopFacts = FACTS, **settings: Any) -> Rows:
    """Canonical rows of records, made lines of as the reader does."""
    return mapped_lines(stream, b"".join(map(landed, records)), facts, **settings)


def landed(record: Body) -> bytes:
    """A record's line."""
    return landed_text(json.dumps(record))


def landed_text(text: str) -> bytes:
    """The line of a record as the store writes it."""
    return line(msgspec.Raw(text.encode()))


def generated(path: Path) -> World:
    """Records of a generated shop; orders with what hangs on them, as they are landed."""
    kinds = ("products", "customers", "orders", "refunds", "coupons", "stock")
    with Records(path) as records:
        found = {kind: [json.loads(one) for one in records.page(kind)] for kind in kinds}
    for order in found["orders"]:
        order["__refunds"] = [one for one in found["refunds"] if one["order_id"] == order["id"]]
        order["__coupons"] = [one for one in found["coupons"] if one["order_id"] == order["id"]]
    return found


def items_of(order: Body) -> list[Body]:
    """The lines of an order, wherever they lie."""
    parts = order["consignments"]
    holders = [*parts["shipping"], *parts["pickups"], *parts["downloads"], *parts["email"]["gift_certificates"]]
    return [item for one in holders for item in one["line_items"]]


def minor(amount: str | float | Decimal) -> int:
    """Cents of an amount."""
    return int((Decimal(str(amount)) * 100).quantize(Decimal(1), ROUND_HALF_EVEN))
