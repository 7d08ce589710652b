"""What is read of WooCommerce's lines: per stream, the keys and their DuckDB types. Scalars are text, whatever JSON type they come in."""

from __future__ import annotations

from collections.abc import Mapping

PARENT = "__parentId"
"""The key by which a variation names its product, and a refund its order."""
CURRENCY = "__currency"
"""The key that says a refund's currency: its order's."""
Shape = Mapping[str, str]

_TEXT = "VARCHAR"


def quoted(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _texts(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, _TEXT)


def _struct(shape: Shape) -> str:
    return f"STRUCT({', '.join(f'{quoted(name)} {kind}' for name, kind in shape.items())})"


def _list(shape: Shape) -> str:
    return _struct(shape) + "[]"


_META = _list(_texts("key", "value", "display_key", "display_value"))
_NAMED = _list(_texts("name"))
_IMAGE = _texts("id", "src", "name", "alt")
_PRODUCT: Shape = {
    PARENT: _TEXT,
    **_texts("id", "name", "slug", "type", "status", "description", "short_description", "sku", "global_unique_id"),
    **_texts("price", "regular_price", "stock_quantity", "manage_stock", "menu_order"),
    **_texts("date_created_gmt", "date_modified_gmt"),
    "attributes": _list({**_texts("name", "option"), "options": "VARCHAR[]"}),
    "categories": _NAMED,
    "tags": _NAMED,
    "brands": _NAMED,
    "images": _list(_IMAGE),
    "meta_data": _META,
}
_CUSTOMER: Shape = {
    **_texts("id", "email", "first_name", "last_name", "date_created_gmt", "date_modified_gmt", "billing"),
}
_TAXES = _list(_texts("id", "total"))
LINE: Shape = {
    **_texts("id", "name", "product_id", "variation_id", "quantity", "subtotal", "total", "total_tax", "sku"),
    "taxes": _TAXES,
    "meta_data": _META,
}
_DELIVERY: Shape = {**_texts("id", "method_title", "total", "total_tax"), "taxes": _TAXES, "meta_data": _META}
_ORDER: Shape = {
    PARENT: _TEXT,
    CURRENCY: _TEXT,
    **_texts(
        "id", "number", "status", "currency", "customer_id", "created_via", "date_created_gmt", "date_modified_gmt"
    ),
    **_texts("date_paid_gmt", "discount_total", "shipping_total", "total_tax", "total", "payment_method"),
    **_texts("amount"),
    "billing": _struct(_texts("country", "state")),
    "shipping": _struct(_texts("country", "state")),
    "line_items": _list(LINE),
    "fee_lines": _list(LINE),
    "shipping_lines": _list(_DELIVERY),
    "tax_lines": _list(_texts("rate_id", "label", "rate_percent")),
    "coupon_lines": _list(_texts("code")),
}
_SHOP: Shape = _texts("id", "name", "url", "timezone", "currency", "country", "prices_include_tax", "seen_at")

COLUMNS: Mapping[str, Shape] = {"shop": _SHOP, "products": _PRODUCT, "customers": _CUSTOMER, "orders": _ORDER}
