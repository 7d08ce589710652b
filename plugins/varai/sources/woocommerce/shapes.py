"""What is read of WooCommerce's lines: per stream, the keys and their DuckDB types. Scalars are text, whatever JSON type they come in."""

from __future__ import annotations

from collections.abc import Mapping

from varai.sources.shapes import PARENT, TEXT, Shape, list_of, struct, texts

_META = list_of(texts("key", "value"))
_NAMED = list_of(texts("name"))
_IMAGE = texts("id", "src", "alt")
_PRODUCT: Shape = {
    PARENT: TEXT,
    **texts("id", "name", "slug", "type", "status", "description", "sku", "global_unique_id"),
    **texts("price", "regular_price", "stock_quantity", "manage_stock", "menu_order"),
    **texts("date_created_gmt", "date_modified_gmt"),
    "attributes": list_of({**texts("name", "option"), "options": "VARCHAR[]"}),
    "categories": _NAMED,
    "tags": _NAMED,
    "brands": _NAMED,
    "images": list_of(_IMAGE),
    "meta_data": _META,
}
_CUSTOMER: Shape = {
    **texts("id", "email", "first_name", "last_name", "date_created_gmt", "date_modified_gmt", "billing"),
}
_TAXES = list_of(texts("id", "total"))
_LINE: Shape = {
    **texts("id", "name", "product_id", "variation_id", "quantity", "subtotal", "total", "total_tax", "sku"),
    "taxes": _TAXES,
    "meta_data": _META,
}
_DELIVERY: Shape = {**texts("id", "method_title", "total", "total_tax"), "taxes": _TAXES, "meta_data": _META}
_ORDER: Shape = {
    PARENT: TEXT,
    "__currency": TEXT,
    **texts(
        "id", "number", "status", "currency", "customer_id", "created_via", "date_created_gmt", "date_modified_gmt"
    ),
    **texts("date_paid_gmt", "discount_total", "shipping_total", "total_tax", "total", "payment_method"),
    **texts("amount"),
    "billing": struct(texts("country", "state")),
    "shipping": struct(texts("country", "state")),
    "line_items": list_of(_LINE),
    "fee_lines": list_of(_LINE),
    "shipping_lines": list_of(_DELIVERY),
    "tax_lines": list_of(texts("rate_id", "label", "rate_percent")),
    "coupon_lines": list_of(texts("code")),
}
_SHOP: Shape = texts("id", "name", "url", "timezone", "currency", "country", "prices_include_tax", "seen_at")

COLUMNS: Mapping[str, Shape] = {"shop": _SHOP, "products": _PRODUCT, "customers": _CUSTOMER, "orders": _ORDER}
ALONE: Mapping[str, frozenset[str]] = {"orders": frozenset({PARENT, "__currency", "amount"})}
"""Keys that only child lines have: an order's refunds."""
