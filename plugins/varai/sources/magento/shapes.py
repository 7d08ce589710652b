"""What is read of Magento's lines: per stream, the keys and their DuckDB types. Scalars are text, whatever JSON type they come in."""

from __future__ import annotations

from collections.abc import Mapping

PARENT = "__parentId"
"""The key by which a choice names its product, a refund its order, and a source its shop."""
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


_SHOP: Shape = {
    PARENT: _TEXT,
    **_texts("id", "name", "url", "timezone", "currency", "country", "seen_at"),
    **_texts("source_code", "enabled", "country_id"),
}
_PRODUCT: Shape = {
    PARENT: _TEXT,
    **_texts("id", "sku", "name", "price", "status", "visibility", "type_id", "created_at", "updated_at"),
    "media_gallery_entries": _list(_texts("id", "media_type", "label", "position", "disabled", "file")),
    "custom_attributes": _list(_texts("attribute_code", "value")),
    "__labels": _list(_texts("code", "label")),
    **_texts("__media", "__seen_at"),
}
_STOCK: Shape = _texts("sku", "source_code", "quantity", "status")
_REGION = _texts("country_id", "region_code")
_CUSTOMER: Shape = {
    **_texts("id", "email", "firstname", "lastname", "created_at", "updated_at", "default_billing"),
    "addresses": "JSON[]",
    "extension_attributes": _struct(_texts("is_subscribed")),
}
ITEM: Shape = {
    **_texts("item_id", "parent_item_id", "product_id", "product_type", "sku", "name", "qty_ordered"),
    **_texts("base_price", "base_row_total", "base_tax_amount", "base_discount_amount"),
    **_texts("base_discount_tax_compensation_amount"),
    # Of refunds.
    **_texts("entity_id", "order_item_id", "qty"),
}
_TAXED = _list({**_texts("type", "item_id"), "applied_taxes": _list(_texts("code", "title", "percent", "base_amount"))})
_ORDER: Shape = {
    PARENT: _TEXT,
    "__currency": _TEXT,
    "__inside": "MAP(VARCHAR, VARCHAR)",
    **_texts("id", "entity_id", "increment_id", "state", "base_currency_code", "order_currency_code", "customer_id"),
    **_texts("created_at", "updated_at", "coupon_code", "shipping_description", "store_name"),
    **_texts("base_grand_total", "base_subtotal", "base_tax_amount", "base_discount_amount", "base_total_paid"),
    **_texts("base_discount_tax_compensation_amount", "base_shipping_discount_tax_compensation_amnt"),
    **_texts("base_shipping_amount", "base_shipping_tax_amount", "base_shipping_discount_amount"),
    "billing_address": _struct(_REGION),
    "extension_attributes": _struct(
        {
            "shipping_assignments": _list({"shipping": _struct({"address": _struct(_REGION)})}),
            "item_applied_taxes": _TAXED,
        }
    ),
    "items": _list(ITEM),
    "payment": _struct(_texts("method")),
}

COLUMNS: Mapping[str, Shape] = {
    "shop": _SHOP,
    "products": _PRODUCT,
    "stock": _STOCK,
    "customers": _CUSTOMER,
    "orders": _ORDER,
}
