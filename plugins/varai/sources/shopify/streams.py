"""The streams a Shopify feed has, what each maps to, and what each needs."""

from __future__ import annotations

from typing import Final

from varai.sources.contract import ORDER_ENTITIES, StreamSpec

_PLACE_FIELDS = ("city", "zip")
_ORDER_REDACTIONS: tuple[tuple[str, ...], ...] = (
    ("customer",),
    ("email",),
    ("phone",),
    ("note",),
    ("tags",),
    ("poNumber",),
    ("customAttributes",),
    *(("shippingAddress", field) for field in _PLACE_FIELDS),
    *(("billingAddress", field) for field in _PLACE_FIELDS),
    ("lineItems", "nodes", "[]", "customAttributes"),
    ("refunds", "[]", "note"),
    *(("fulfillments", "[]", "trackingInfo", "[]", field) for field in ("number", "url")),
)

STREAMS: Final = (
    StreamSpec("shop", "shop", ("shop",), census="ids", incremental=False),
    StreamSpec(
        "locations", "location", ("location",), needs_scopes=("read_locations",), census="ids", incremental=False
    ),
    StreamSpec(
        "products", "product", ("product", "variant", "image"), needs_scopes=("read_products", "read_inventory")
    ),
    StreamSpec(
        "inventory",
        "inventory_level",
        ("inventory_level",),
        needs_scopes=("read_inventory", "read_locations", "read_products"),
        census="ids",
        listed=True,
    ),
    StreamSpec(
        "customers",
        "customer",
        ("customer",),
        sealed=True,
        needs_scopes=("read_customers",),
        subject_path=("id",),
        withheld=True,
        listed=True,
    ),
    StreamSpec(
        "orders",
        "order",
        (*ORDER_ENTITIES, "tip", "gift_card_movement", "order_edit", "shipment"),
        sealed=True,
        needs_scopes=("read_orders", "read_all_orders", "read_customers", "read_products", "read_fulfillments"),
        subject_path=("customer", "id"),
        redact=_ORDER_REDACTIONS,
        listed=True,
    ),
    # Only a shop that is paid through Shopify has these. They change without a date of it, so they are read whole.
    *(
        StreamSpec(
            f"{primary}s",
            primary,
            (primary,),
            needs_scopes=("read_shopify_payments_accounts", f"read_shopify_payments_{primary}s"),
            census="ids",
            incremental=False,
            optional=True,
        )
        for primary in ("payout", "dispute")
    ),
)
"""Read in this order: what others refer to comes first."""
