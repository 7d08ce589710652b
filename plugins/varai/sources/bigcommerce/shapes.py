"""What is read of BigCommerce's lines: per stream, the keys and their DuckDB types. Scalars are text, whatever JSON type they come in."""

from __future__ import annotations

from collections.abc import Mapping

PARENT = "__parentId"
"""The key by which a location names its store."""
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
    **_texts("id", "name", "domain", "timezone", "currency", "country", "plan", "prices_include_tax", "seen_at"),
    **_texts("location_id", "enabled"),
}
_VARIANT: Shape = {
    **_texts("id", "sku", "price", "calculated_price", "cost_price", "retail_price", "gtin", "upc"),
    "option_values": _list(_texts("option_display_name", "label")),
}
_PRODUCT: Shape = {
    **_texts("id", "name", "description", "price", "cost_price", "retail_price", "is_visible", "gtin", "upc"),
    **_texts("date_created", "date_modified", "__brand", "__category"),
    "custom_url": _struct(_texts("url")),
    "meta_keywords": "VARCHAR[]",
    "custom_fields": _list(_texts("name", "value")),
    "images": _list(_texts("id", "url_zoom", "url_standard", "image_url", "description")),
    "variants": _list(_VARIANT),
}
_INVENTORY: Shape = {
    "identity": _struct(_texts("variant_id", "product_id")),
    "settings": _struct(_texts("is_in_stock")),
    **_texts("location_id", "available_to_sell", "total_inventory_onhand"),
}
_CUSTOMER: Shape = {
    **_texts("id", "email", "first_name", "last_name", "phone", "date_created", "date_modified"),
    "addresses": "JSON[]",
}
LINE: Shape = {
    **_texts("id", "product_id", "variant_id", "parent_order_product_id", "name", "sku", "type", "quantity"),
    **_texts("price_ex_tax", "total_ex_tax", "total_inc_tax", "total_tax", "discounted_total_inc_tax"),
    "applied_discounts": _list(_texts("id", "amount", "code")),
    "product_options": _list(_texts("display_name", "display_value")),
}
_LINES = {"line_items": _list(LINE)}
_DELIVERY: Shape = {
    **_texts("id", "shipping_method", "cost_ex_tax", "cost_inc_tax", "cost_tax", "country_iso2", "state"),
    **_LINES,
}
_REFUND: Shape = {
    **_texts("id", "created", "total_amount"),
    "items": _list(_texts("item_type", "item_id", "quantity", "requested_amount")),
    "payments": _list(_texts("is_declined")),
}
_ORDER: Shape = {
    **_texts("id", "customer_id", "date_created", "date_modified", "status_id", "is_deleted", "payment_status"),
    **_texts("payment_method", "default_currency_code", "currency_code", "order_source", "is_tax_inclusive_pricing"),
    **_texts("total_inc_tax", "total_tax", "shipping_cost_ex_tax", "discount_amount", "coupon_discount"),
    **_texts("handling_cost_ex_tax", "handling_cost_tax", "wrapping_cost_ex_tax", "wrapping_cost_tax"),
    "billing_address": _struct(_texts("country_iso2", "state")),
    "consignments": _struct(
        {
            "shipping": _list(_DELIVERY),
            "pickups": _list(_LINES),
            "downloads": _list(_LINES),
            "email": _struct({"gift_certificates": _list(_LINES)}),
        }
    ),
    "fees": _list(_texts("id", "display_name_customer", "cost_ex_tax", "cost_tax")),
    "__refunds": _list(_REFUND),
    "__coupons": _list(_texts("id")),
}

COLUMNS: Mapping[str, Shape] = {
    "shop": _SHOP,
    "products": _PRODUCT,
    "inventory": _INVENTORY,
    "customers": _CUSTOMER,
    "orders": _ORDER,
}
