"""What is read of Magento's lines: per stream, the keys and their DuckDB types. Scalars are text, whatever JSON type they come in."""

from __future__ import annotations

from collections.abc import Mapping

from varai.sources.shapes import PARENT, TEXT, Shape, list_of, struct, texts

_SHOP: Shape = {
    PARENT: TEXT,
    **texts("id", "name", "url", "timezone", "currency", "country", "seen_at"),
    **texts("source_code", "enabled", "country_id"),
}
_PRODUCT: Shape = {
    PARENT: TEXT,
    **texts("id", "sku", "name", "price", "status", "visibility", "type_id", "created_at", "updated_at"),
    "media_gallery_entries": list_of(texts("id", "media_type", "label", "position", "disabled", "file")),
    "custom_attributes": list_of(texts("attribute_code", "value")),
    "__labels": list_of(texts("code", "label")),
    **texts("__media", "__seen_at"),
}
_STOCK: Shape = texts("sku", "source_code", "quantity", "status")
_REGION = texts("country_id", "region_code")
_CUSTOMER: Shape = {
    **texts("id", "email", "firstname", "lastname", "created_at", "updated_at", "default_billing"),
    "addresses": "JSON[]",
    "extension_attributes": struct(texts("is_subscribed")),
}
ITEM: Shape = {
    **texts("item_id", "parent_item_id", "product_id", "product_type", "sku", "name", "qty_ordered"),
    **texts("base_price", "base_row_total", "base_tax_amount", "base_discount_amount"),
    **texts("base_discount_tax_compensation_amount"),
    # Of refunds.
    **texts("entity_id", "order_item_id", "qty"),
}
_TAXED = list_of(
    {**texts("type", "item_id"), "applied_taxes": list_of(texts("code", "title", "percent", "base_amount"))}
)
_ORDER: Shape = {
    PARENT: TEXT,
    "__currency": TEXT,
    "__inside": "MAP(VARCHAR, VARCHAR)",
    **texts("id", "entity_id", "increment_id", "state", "base_currency_code", "order_currency_code", "customer_id"),
    **texts("created_at", "updated_at", "coupon_code", "shipping_description", "store_name"),
    **texts("base_grand_total", "base_subtotal", "base_tax_amount", "base_discount_amount", "base_total_paid"),
    **texts("base_discount_tax_compensation_amount", "base_shipping_discount_tax_compensation_amnt"),
    **texts("base_shipping_amount", "base_shipping_tax_amount", "base_shipping_discount_amount"),
    "billing_address": struct(_REGION),
    "extension_attributes": struct(
        {
            "shipping_assignments": list_of({"shipping": struct({"address": struct(_REGION)})}),
            "item_applied_taxes": _TAXED,
        }
    ),
    "items": list_of(ITEM),
    "payment": struct(texts("method")),
}

COLUMNS: Mapping[str, Shape] = {
    "shop": _SHOP,
    "products": _PRODUCT,
    "stock": _STOCK,
    "customers": _CUSTOMER,
    "orders": _ORDER,
}
ALONE: Mapping[str, frozenset[str]] = {"orders": frozenset({PARENT, "__currency", "__inside"})}
"""Keys that only child lines have: an order's credit memos."""
