"""The streams a WooCommerce feed has, what each maps to, and what identifies a person in it."""

from __future__ import annotations

from typing import Final

from varai.sources.contract import ORDER_ENTITIES, StreamSpec

_PERSON: Final = ("first_name", "last_name", "company", "address_1", "address_2", "city", "postcode", "email", "phone")
_ORDER_REDACTIONS: Final[tuple[tuple[str, ...], ...]] = (
    ("customer_id",),
    ("customer_note",),
    ("customer_ip_address",),
    ("customer_user_agent",),
    ("order_key",),
    ("payment_url",),
    ("transaction_id",),
    ("meta_data",),
    ("_links",),
    *(("billing", field) for field in _PERSON),
    *(("shipping", field) for field in _PERSON),
    ("line_items", "[]", "meta_data"),
    ("shipping_lines", "[]", "meta_data"),
    ("fee_lines", "[]", "meta_data"),
    ("refunds", "[]", "reason"),
    ("refunds", "[]", "refunded_by"),
    ("refunds", "[]", "_links"),
)

STREAMS: Final = (
    StreamSpec("shop", "shop", ("shop", "location"), needs_scopes=("settings",), census="ids", incremental=False),
    StreamSpec(
        "products",
        "product",
        ("product", "variant", "image", "inventory_level"),
        needs_scopes=("products",),
        listed=True,
    ),
    StreamSpec(
        "customers",
        "customer",
        ("customer",),
        sealed=True,
        needs_scopes=("customers",),
        subject_path=("id",),
        withheld=True,
        incremental=False,
        listed=True,
    ),
    StreamSpec(
        "orders",
        "order",
        ORDER_ENTITIES,
        sealed=True,
        needs_scopes=("orders",),
        subject_path=("customer_id",),
        redact=_ORDER_REDACTIONS,
        listed=True,
    ),
)
"""Read in this order: what others refer to comes first. The permissions are those of one key: to read each kind of resource."""
