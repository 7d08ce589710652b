"""How Shopify's lines become canonical entities: types of what is read, views that join both line shapes, one SQL file per entity.

A stream's lines come in two shapes: whole records with their children inside ({"nodes": [...]}), as pages give them, and records and
children on lines of their own (`__parentId`), as bulk files give them. The views below are the union of both.
"""

from __future__ import annotations

from varai.canonical.mapping import Mapping
from varai.kernel import Feed, identifier
from varai.sources.contract import ShopFacts, StreamSpec
from varai.sources.macros import facts_macros, line_kinds
from varai.sources.mapping import mapping_of
from varai.sources.shapes import PARENT, Shape
from varai.sources.shopify.shapes import ALONE, COLUMNS, IMAGE, LINE_ITEM, REFUND, SHIPPING_LINE, VARIANT


def mapping(spec: StreamSpec, feed: Feed, facts: ShopFacts) -> Mapping:
    """The mapping of a stream; pure.

    Args:
        spec: one of the connector's.
        feed: its settings may hold `line_kinds` = {regular expression of a SKU: kind}; the first that matches a whole SKU decides.
        facts: currency of prices that are written without one, and the zones of business dates.

    Raises:
        Misconfigured: `line_kinds` is wrong.
        Malformed: the shop's zone is none.
    """
    macros = [facts_macros(facts), line_kinds(feed)]
    return mapping_of("shopify", spec, COLUMNS[spec.name], macros, _views(spec.name), ALONE[spec.name])


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
    inner = ", ".join(f"one.{identifier(field)} AS {identifier(field)}" for field in shape)
    alone = ", ".join(identifier(field) for field in shape)
    of_type = " OR ".join(f"starts_with(id, 'gid://shopify/{kind}/')" for kind in types)
    return (
        f"CREATE VIEW {name} AS SELECT nth, parent, stamp, place, {inner} FROM (SELECT nth, gid_tail(id) AS parent,"
        f' "updatedAt" AS stamp, unnest({inside}) AS one, generate_subscripts({inside}, 1) - 1 AS place FROM lines'
        f' WHERE {identifier(PARENT)} IS NULL) UNION ALL SELECT nth, gid_tail({identifier(PARENT)}), "updatedAt", NULL, {alone}'
        f" FROM lines WHERE {identifier(PARENT)} IS NOT NULL AND ({of_type});"
    )
