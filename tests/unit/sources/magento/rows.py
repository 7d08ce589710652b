"""Records of Magento as canonical rows, and a generated shop's records as they are landed."""

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
from tests.unit.sources.magento.conftest import Body
from varai.canonical.mapper import map_lines
from varai.kernel import Feed
from varai.sources import ShopFacts, connector
from varai.sources.magento.lines import line

WORLD = WorldSpec(
    "lum", "lum.example.com", 5, "EUR", "Europe/Paris", "FR", "ck", "cs", products=30, orders=250, customers=90
)
FACTS = ShopFacts("EUR", "Europe/Paris")
Rows = dict[str, list[dict[str, Any]]]


def mapped_lines(stream: str, lines: bytes, **settings: Any) -> Rows:
    """Canonical rows of lines, by entity."""
    feed = Feed(tenant="n", name="shop", connector="magento", base_url="http://x", secret="s", settings=settings)
    found: Rows = defaultdict(list)
    for name, batch in map_lines(iter([lines]), connector("magento").mapping(stream, feed, FACTS)):
        found[name] += batch.to_pylist()
    return found


def mapped(stream: str, records: Sequence[Body], **settings: Any) -> Rows:
    """Canonical rows of records, made lines of as the reader does; keys of ours are texts among their own."""
    return mapped_lines(stream, b"".join(landed(record) for record in records), **settings)


def landed(record: Body) -> bytes:
    """A record's line."""
    added = {"id": str(record["entity_id"])} if "increment_id" in record and "order_id" not in record else {}
    return line(msgspec.Raw(json.dumps(record).encode()), **added)


def refund_of(order: Body, refund: Body) -> Body:
    """A credit memo as it is landed."""
    inside = {str(one["item_id"]): str(one["parent_item_id"]) for one in order["items"] if one.get("parent_item_id")}
    return refund | {
        "__parentId": str(order["entity_id"]),
        "__currency": order["base_currency_code"],
        "__inside": inside,
    }


def generated(path: Path) -> dict[str, list[Body]]:
    """Records of a generated shop, children as they are landed."""
    with Records(path) as records:
        kinds = ("products", "customers", "orders", "refunds", "stock", "attributes")
        found = {kind: [json.loads(one) for one in records.page(kind)] for kind in kinds}
    orders = {order["entity_id"]: order for order in found["orders"]}
    found["refunds"] = [refund_of(orders[refund["order_id"]], refund) for refund in found["refunds"]]
    owner = {
        choice: product["id"]
        for product in found["products"]
        if product["type_id"] == "configurable"
        for choice in product["extension_attributes"]["configurable_product_links"]
    }
    options = {one["attribute_code"]: {o["value"]: o["label"] for o in one["options"]} for one in found["attributes"]}
    for product in found["products"]:
        if product["id"] in owner:
            product["__parentId"] = str(owner[product["id"]])
        product |= {"__media": "https://x/media/catalog/product", "__seen_at": "2026-11-01 00:00:00"}
        product["__labels"] = [
            {"code": one["attribute_code"], "label": options[one["attribute_code"]][one["value"]]}
            for one in product["custom_attributes"]
            if one["attribute_code"] in options
        ]
    return found


def minor(amount: float) -> int:
    """Cents of an amount."""
    return int((Decimal(str(amount)) * 100).quantize(Decimal(1), ROUND_HALF_EVEN))


def custom(body: Body, code: str) -> Any:
    """A custom attribute."""
    return next((one["value"] for one in body["custom_attributes"] if one["attribute_code"] == code), None)
