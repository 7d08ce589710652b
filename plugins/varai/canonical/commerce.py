"""Entities of the catalogue: shop, location, product, variant, image, inventory level."""

from __future__ import annotations

from collections.abc import Mapping

from varai.canonical.fields import Field

_SHOP = (
    Field("name", "text", "public", "name shoppers see"),
    Field("domain", "text", "public", "the shop's own domain at the vendor"),
    Field("currency", "text", "public", "ISO 4217 code of the shop's books", required=True),
    Field("timezone", "text", "public", "IANA zone; business dates are in it", required=True),
    Field("country", "text", "public", "ISO 3166-1 alpha-2"),
    Field("plan", "text", "internal", "the vendor's plan"),
    Field("taxes_included", "boolean", "public", "true: prices contain tax"),
    Field("effective_at", "instant", "internal", "from when these facts hold, as far as we know"),
)
_LOCATION = (
    Field("name", "text", "internal", "name of the shop floor or warehouse"),
    Field("country", "text", "internal", "ISO 3166-1 alpha-2"),
    Field("active", "boolean", "internal", "false: closed"),
)
_PRODUCT = (
    Field("title", "text", "public", "name shoppers see", required=True),
    Field("handle", "text", "public", "last part of its URL"),
    Field("description_html", "text", "public", "third-party HTML, never shown unsanitised"),
    Field("brand", "text", "public", "vendor or brand"),
    Field("product_type", "text", "public", "the shop's own category"),
    Field("status", "text", "public", "active, draft or archived"),
    Field("tags", "texts", "public", "the shop's own tags"),
    Field("frame_shape", "text", "public", "round, square, cat-eye, ..."),
    Field("rim", "text", "public", "full, semi or rimless"),
    Field("material", "text", "public", "acetate, metal, titanium, ..."),
    Field("rx_able", "boolean", "public", "takes prescription lenses"),
    Field("polarised", "boolean", "public", "lenses are polarised"),
    Field("uv_category", "integer", "public", "ISO 12312-1 filter category, 0 to 4"),
    Field("gift_card", "boolean", "public", "is a gift card"),
    Field("created_at", "instant", "public", "when the shop created it"),
    Field("published_at", "instant", "public", "when it went on sale; null: not published"),
)
_VARIANT = (
    Field("product_id", "text", "public", "source_id of its product", required=True),
    Field("title", "text", "public", "its options, joined"),
    Field("sku", "text", "public", "stock keeping unit, unique within a feed"),
    Field("gtin", "text", "public", "global trade item number: 8, 12, 13 or 14 digits with a mod-10 check digit"),
    Field("price", "decimal", "public", "selling price, major units", required=True),
    Field("compare_at", "decimal", "public", "former or list price, major units; above the price when given"),
    Field("currency", "text", "public", "ISO 4217 code of both prices, the shop's own"),
    Field("unit_cost", "decimal", "internal", "what the shop paid, major units"),
    Field("unit_cost_currency", "text", "internal", "ISO 4217 code of unit_cost"),
    Field("inventory_item_id", "text", "internal", "what inventory levels refer to"),
    Field("sort_order", "integer", "public", "order among its siblings, from 1"),
    Field("colour", "text", "public", "frame colour"),
    Field("size_label", "text", "public", "size as the shop writes it"),
    Field("lens_width_mm", "decimal", "public", "lens width (A), millimetres"),
    Field("bridge_mm", "decimal", "public", "distance between lenses (DBL), millimetres"),
    Field("temple_mm", "decimal", "public", "temple length, millimetres"),
    Field("lens_height_mm", "decimal", "public", "lens height (B), millimetres"),
    Field("frame_width_mm", "decimal", "public", "frame width, millimetres"),
    Field("weight_g", "decimal", "public", "weight, grams"),
)
_IMAGE = (
    Field("product_id", "text", "public", "source_id of its product", required=True),
    Field("url", "text", "public", "where the vendor serves it", required=True),
    Field("alt", "text", "public", "text for those who cannot see it"),
    Field("width_px", "integer", "public", "width, pixels"),
    Field("height_px", "integer", "public", "height, pixels"),
    Field("sort_order", "integer", "public", "order among its siblings, from 1"),
)
_INVENTORY_LEVEL = (
    Field("inventory_item_id", "text", "internal", "item, see variant", required=True),
    Field("location_id", "text", "internal", "source_id of the location", required=True),
    Field("available", "integer", "internal", "pieces that can be sold"),
    Field("on_hand", "integer", "internal", "pieces on the shelf"),
    Field("committed", "integer", "internal", "pieces sold and not yet shipped"),
)

ENTITIES: Mapping[str, tuple[str, tuple[Field, ...]]] = {
    "shop": (
        "The vendor's record of the shop: currency, zone, country. One row per feed, as it is now; dates keep the zone of their time.",
        _SHOP,
    ),
    "location": ("A place that holds stock. One row per location.", _LOCATION),
    "product": ("What a shopper chooses. One row per product.", _PRODUCT),
    "variant": ("What is sold: one colour and size of a product. One row per variant.", _VARIANT),
    "image": ("A picture of a product. One row per picture and product.", _IMAGE),
    "inventory_level": ("Stock of an item at a location. One row per item and location.", _INVENTORY_LEVEL),
}
