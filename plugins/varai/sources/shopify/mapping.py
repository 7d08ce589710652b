"""How Shopify's lines become canonical entities: types of what is read, views that join both line shapes, one SQL file per entity.

A stream's lines come in two shapes: whole records with their children inside ({"nodes": [...]}), as pages give them, and records and
children on lines of their own (`__parentId`), as bulk files give them. The views below are the union of both.
"""

from __future__ import annotations

from collections.abc import Mapping as ReadOnly
from functools import cache
from importlib.resources import files

from varai.canonical.mapping import Mapping
from varai.kernel import Feed, Misconfigured
from varai.sources.contract import ShopFacts
from varai.sources.macros import BUSINESS_DATE, facts_macros, line_kinds
from varai.sources.shopify.shapes import (
    COLUMNS,
    IMAGE,
    LINE_ITEM,
    PARENT,
    REFUND,
    SHIPPING_LINE,
    VARIANT,
    Shape,
    quoted,
)

ENTITIES: ReadOnly[str, tuple[str, ...]] = {
    "shop": ("shop",),
    "locations": ("location",),
    "products": ("product", "variant", "image"),
    "inventory": ("inventory_level",),
    "customers": ("customer",),
    "orders": (
        "order",
        "order_line",
        "tax_line",
        "shipping_line",
        "discount_allocation",
        "transaction",
        "refund",
        "refund_line",
    ),
}
"""Entities of each stream, the primary one first."""


def mapping(stream: str, feed: Feed, facts: ShopFacts) -> Mapping:
    """The mapping of a stream; pure.

    Args:
        stream: one of ENTITIES.
        feed: its settings may hold `line_kinds` = {regular expression of a SKU: kind}; the first that matches a whole SKU decides.
        facts: currency of prices that are written without one, and the zones of business dates.

    Raises:
        Misconfigured: no such stream, or `line_kinds` is wrong.
        Malformed: the shop's zone is none.
    """
    if stream not in ENTITIES:
        raise Misconfigured(f"The connector 'shopify' has no stream '{stream}', known: {', '.join(ENTITIES)}.")
    setup = [facts_macros(facts), BUSINESS_DATE, line_kinds(feed), _sql("macros"), *_views(stream)]
    selects = {entity: _sql(entity) for entity in ENTITIES[stream]}
    return Mapping.of(COLUMNS[stream], selects, ENTITIES[stream][0], "\n".join(setup))


@cache
def _sql(name: str) -> str:
    return (files("varai.sources.shopify") / "map" / f"{name}.sql").read_text(encoding="utf-8")


def _views(stream: str) -> list[str]:
    """The children of a stream's records, from both shapes: nth, parent, stamp (the record's time of change), place, fields."""
    if stream == "products":
        return [
            _view("variants", VARIANT, "variants.nodes", ("ProductVariant",)),
            _view("images", IMAGE, "images.nodes", ("ProductImage", "Image", "ImageSource", "MediaImage")),
        ]
    if stream == "orders":
        return [
            _view("line_items", LINE_ITEM, '"lineItems".nodes', ("LineItem",)),
            _view("shipping_lines", SHIPPING_LINE, '"shippingLines".nodes', ("ShippingLine",)),
            _view("refund_records", REFUND, "refunds", ("Refund",)),
        ]
    return []


def _view(name: str, shape: Shape, inside: str, types: tuple[str, ...]) -> str:
    inner = ", ".join(f"one.{quoted(field)} AS {quoted(field)}" for field in shape)
    alone = ", ".join(quoted(field) for field in shape)
    of_type = " OR ".join(f"starts_with(id, 'gid://shopify/{kind}/')" for kind in types)
    return (
        f"CREATE VIEW {name} AS SELECT nth, parent, stamp, place, {inner} FROM (SELECT nth, gid_tail(id) AS parent,"
        f' "updatedAt" AS stamp, unnest({inside}) AS one, generate_subscripts({inside}, 1) - 1 AS place FROM lines'
        f' WHERE {quoted(PARENT)} IS NULL) UNION ALL SELECT nth, gid_tail({quoted(PARENT)}), "updatedAt", NULL, {alone}'
        f" FROM lines WHERE {quoted(PARENT)} IS NOT NULL AND ({of_type});"
    )
