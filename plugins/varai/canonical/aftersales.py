"""Entities of what follows a sale: how it was shipped."""

from __future__ import annotations

from collections.abc import Mapping

from varai.canonical.fields import Field

_SHIPMENT = (
    Field("order_id", "text", "internal", "source_id of the order", required=True),
    Field("location_id", "text", "internal", "source_id of the location it left from"),
    Field("status", "text", "internal", "success, or cancelled, error, failure; open or pending where not handed over"),
    Field("delivery_status", "text", "internal", "how far it is, as the vendor says: in_transit, delayed, delivered"),
    Field("quantity", "integer", "internal", "pieces in it"),
    Field("carrier", "text", "internal", "who carries it, as the shop names them"),
    Field("service", "text", "internal", "fulfilment service that sent it"),
    Field(
        "tracked", "boolean", "internal", "has a tracking number; the number itself leads to an address and is not kept"
    ),
    Field("created_at", "instant", "internal", "when it was handed over"),
    Field("in_transit_at", "instant", "internal", "when the carrier first moved it"),
    Field("estimated_delivery_at", "instant", "internal", "when it is expected to arrive"),
    Field("delivered_at", "instant", "internal", "when it arrived"),
)

ENTITIES: Mapping[str, tuple[str, tuple[Field, ...]]] = {
    "shipment": ("Goods of an order on their way. One row per shipment.", _SHIPMENT),
}
