"""The streams a file feed may have: one for each canonical entity of commerce, each row of a file one row of it.

What identifies a person stands apart in a landed line (`person`, `subject`), so that it can be taken out and the facts of money stay.
"""

from __future__ import annotations

from typing import Final

from varai.canonical import commerce, entity
from varai.sources.contract import StreamSpec

ENTITIES: Final = {
    "shop": "shop",
    "locations": "location",
    "products": "product",
    "variants": "variant",
    "images": "image",
    "stock": "inventory_level",
    "customers": "customer",
    "orders": "order",
    "order-lines": "order_line",
    "tax-lines": "tax_line",
    "shipping-lines": "shipping_line",
    "discounts": "discount_allocation",
    "transactions": "transaction",
    "refunds": "refund",
    "refund-lines": "refund_line",
    "tips": "tip",
    "gift-card-movements": "gift_card_movement",
    "order-edits": "order_edit",
    "shipments": "shipment",
    "payouts": "payout",
    "disputes": "dispute",
}
"""Stream -> what its rows are, in the order in which they are read: what others refer to comes first."""
SEALED: Final = frozenset(stream for stream, name in ENTITIES.items() if name not in commerce.ENTITIES)
"""Streams about people: a row of a sale may say more of one than its entity keeps."""
SHOP: Final = "shop"
"""The one stream without files: the feed's settings are the shop's record of itself."""


def _spec(stream: str, name: str) -> StreamSpec:
    sealed = stream in SEALED
    return StreamSpec(
        stream,
        name,
        (name,),
        sealed=sealed,
        census="ids" if stream == SHOP else "exact",
        subject_path=("subject",) if sealed else None,
        withheld=bool(entity(name).vaulted),
        redact=(("subject",), ("person",)) if sealed and not entity(name).vaulted else (),
        incremental=stream != SHOP,
        dated=stream != SHOP,
    )


STREAMS: Final = tuple(_spec(stream, name) for stream, name in ENTITIES.items())
