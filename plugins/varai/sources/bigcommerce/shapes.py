"""What is read of BigCommerce's lines: per stream, the keys and their DuckDB types. Scalars are text, whatever JSON type they come in."""

from __future__ import annotations

from collections.abc import Mapping

from varai.sources.shapes import PARENT, TEXT, Shape, list_of, struct, texts

_SHOP: Shape = {
    PARENT: TEXT,
    **texts("id", "name", "domain", "timezone", "currency", "country", "plan", "prices_include_tax", "seen_at"),
    **texts("location_id", "enabled"),
}
_VARIANT: Shape = {
    **texts("id", "sku", "price", "calculated_price", "cost_price", "retail_price", "gtin", "upc"),
    "option_values": list_of(texts("option_display_name", "label")),
}
_PRODUCT: Shape = {
    **texts("id", "name", "description", "price", "cost_price", "retail_price", "is_visible", "gtin", "upc"),
    **texts("date_created", "date_modified", "__brand", "__category"),
    "custom_url": struct(texts("url")),
    "meta_keywords": "VARCHAR[]",
    "custom_fields": list_of(texts("name", "value")),
    "images": list_of(texts("id", "url_zoom", "url_standard", "image_url", "description")),
    "variants": list_of(_VARIANT),
}
_INVENTORY: Shape = {
    "identity": struct(texts("variant_id", "product_id")),
    "settings": struct(texts("is_in_stock")),
    **texts("location_id", "available_to_sell", "total_inventory_onhand"),
}
_CUSTOMER: Shape = {
    **texts("id", "email", "first_name", "last_name", "phone", "date_created", "date_modified"),
    "addresses": "JSON[]",
}
LINE: Shape = {
    **texts("id", "product_id", "variant_id", "parent_order_product_id", "name", "sku", "type", "quantity"),
    **texts("price_ex_tax", "total_ex_tax", "total_inc_tax", "total_tax", "discounted_total_inc_tax"),
    "applied_discounts": list_of(texts("id", "amount", "code")),
    "product_options": list_of(texts("display_name", "display_value")),
}
_LINES = {"line_items": list_of(LINE)}
_DELIVERY: Shape = {
    **texts("id", "shipping_method", "cost_ex_tax", "cost_inc_tax", "cost_tax", "country_iso2", "state"),
    **_LINES,
}
_REFUND: Shape = {
    **texts("id", "created", "total_amount"),
    "items": list_of(texts("item_type", "item_id", "quantity", "requested_amount")),
    "payments": list_of(texts("is_declined")),
}
_ORDER: Shape = {
    **texts("id", "customer_id", "date_created", "date_modified", "status_id", "is_deleted", "payment_status"),
    **texts("payment_method", "default_currency_code", "currency_code", "order_source", "is_tax_inclusive_pricing"),
    **texts("total_inc_tax", "total_tax", "shipping_cost_ex_tax", "discount_amount", "coupon_discount"),
    **texts("handling_cost_ex_tax", "handling_cost_tax", "wrapping_cost_ex_tax", "wrapping_cost_tax"),
    "billing_address": struct(texts("country_iso2", "state")),
    "consignments": struct(
        {
            "shipping": list_of(_DELIVERY),
            "pickups": list_of(_LINES),
            "downloads": list_of(_LINES),
            "email": struct({"gift_certificates": list_of(_LINES)}),
        }
    ),
    "fees": list_of(texts("id", "display_name_customer", "cost_ex_tax", "cost_tax")),
    "__refunds": list_of(_REFUND),
    "__coupons": list_of(texts("id")),
}

COLUMNS: Mapping[str, Shape] = {
    "shop": _SHOP,
    "products": _PRODUCT,
    "inventory": _INVENTORY,
    "customers": _CUSTOMER,
    "orders": _ORDER,
}
