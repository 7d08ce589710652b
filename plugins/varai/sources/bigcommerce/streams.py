"""The streams a BigCommerce feed has, what each maps to, and what identifies a person in it."""

from __future__ import annotations

from typing import Final

from varai.sources.contract import ORDER_ENTITIES, StreamSpec

Paths = tuple[tuple[str, ...], ...]

_ADDRESS: Final = (
    *("first_name", "last_name", "company", "street_1", "street_2", "city", "zip", "phone", "email", "form_fields"),
)
_ITEM: Final = (
    *("product_options", "configurable_fields", "wrapping_message", "event_name", "event_date", "external_id"),
    *("gift_certificate_id", "ebay_item_id", "ebay_transaction_id"),
)
_ORDER: Final = (
    *("customer_id", "customer_message", "staff_notes", "ip_address", "ip_address_v6", "geoip_country"),
    *("geoip_country_iso2", "customer_locale", "cart_id", "external_id", "external_order_id", "external_merchant_id"),
    *("ebay_order_id", "payment_provider_id", "credit_card_type", "is_email_opt_in"),
)
_CONSIGNMENTS: Final[Paths] = (("shipping",), ("pickups",), ("downloads",), ("email", "gift_certificates"))
_RECIPIENT: Final = ("recipient_email", "recipient_name", "sender_email", "sender_name", "message")
_ORDER_REDACTIONS: Final[Paths] = (
    *((field,) for field in _ORDER),
    *(("billing_address", field) for field in _ADDRESS),
    *(("consignments", "shipping", "[]", field) for field in (*_ADDRESS, "shipping_quotes")),
    *(("consignments", "downloads", "[]", field) for field in _RECIPIENT),
    *(("consignments", "email", "gift_certificates", "[]", field) for field in _RECIPIENT),
    *(("consignments", *kind, "[]", "line_items", "[]", field) for kind in _CONSIGNMENTS for field in _ITEM),
    *(("__refunds", "[]", field) for field in ("reason", "user_id", "payments")),
    ("__refunds", "[]", "items", "[]", "reason"),
    ("__coupons", "[]", "code"),
)

STREAMS: Final = (
    StreamSpec(
        "shop", "shop", ("shop", "location"), needs_scopes=("store", "locations"), census="ids", incremental=False
    ),
    StreamSpec("products", "product", ("product", "variant", "image"), needs_scopes=("products",), listed=True),
    StreamSpec(
        "inventory",
        "inventory_level",
        ("inventory_level",),
        needs_scopes=("inventory", "locations"),
        incremental=False,
    ),
    StreamSpec(
        "customers",
        "customer",
        ("customer",),
        sealed=True,
        needs_scopes=("customers",),
        subject_path=("id",),
        withheld=True,
        listed=True,
    ),
    StreamSpec(
        "orders",
        "order",
        ORDER_ENTITIES,
        sealed=True,
        needs_scopes=("orders", "refunds"),
        subject_path=("customer_id",),
        redact=_ORDER_REDACTIONS,
        listed=True,
    ),
)
"""Read in this order: what others refer to comes first. The permissions are resources of the store's API account."""
