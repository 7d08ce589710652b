"""Entities of what goes with a sale and follows it: tips, gift cards, edits, shipments, payouts, disputes."""

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
_ORDER_EDIT = (
    Field("order_id", "text", "internal", "source_id of the order", required=True),
    Field("happened_at", "instant", "internal", "when the order was edited"),
    Field("happened_on", "date", "internal", "happened_at in the zone the shop had then"),
    Field("added_quantity", "integer", "internal", "pieces added"),
    Field("removed_quantity", "integer", "internal", "pieces taken out"),
    Field("added_minor", "minor", "internal", "what was added comes to, after discounts and taxes"),
    Field("removed_minor", "minor", "internal", "what was taken out came to, after discounts and taxes"),
    Field(
        "changed_minor", "minor", "internal", "what other prices, discounts and taxes do to what stayed; negative: less"
    ),
    Field("currency", "text", "internal", "ISO 4217"),
)
_GIFT_CARD_MOVEMENT = (
    Field("order_id", "text", "internal", "source_id of the order", required=True),
    Field("line_id", "text", "internal", "source_id of the order line that sold it; null for other movements"),
    Field("transaction_id", "text", "internal", "source_id of the transaction that moved it; null where it was sold"),
    Field("kind", "text", "internal", "issued (sold), redeemed (paid with) or credited (given back)", required=True),
    Field("amount_minor", "minor", "internal", "what the cards' value moves by; negative where it is redeemed"),
    Field("currency", "text", "internal", "ISO 4217"),
    Field(
        "processed_at", "instant", "internal", "when it was redeemed or credited; what was sold has its order's time"
    ),
)
_TIP = (
    Field("order_id", "text", "internal", "source_id of the order", required=True),
    Field("amount_minor", "minor", "internal", "all tips of the order"),
    Field("currency", "text", "internal", "ISO 4217"),
)
_PAYOUT = (
    Field("issued_at", "instant", "internal", "when the vendor issued it"),
    Field("issued_on", "date", "internal", "issued_at in the zone the shop had then"),
    Field("status", "text", "internal", "scheduled, paid, failed or canceled"),
    Field("kind", "text", "internal", "deposit (to the shop) or withdrawal (from it)"),
    Field("net_minor", "minor", "internal", "what reaches or leaves the shop's account"),
    Field("charges_minor", "minor", "internal", "what shoppers paid, before fees"),
    Field("refunds_minor", "minor", "internal", "what was given back, before fees, with the vendor's sign"),
    Field("adjustments_minor", "minor", "internal", "adjustments, disputes among them, before fees"),
    Field("other_minor", "minor", "internal", "reserves, payouts tried again and advances, before fees"),
    Field("fees_minor", "minor", "internal", "all fees of the vendor"),
    Field("currency", "text", "internal", "ISO 4217", required=True),
)
_DISPUTE = (
    Field("order_id", "text", "internal", "source_id of the order; null where the vendor names none"),
    Field("kind", "text", "internal", "inquiry or chargeback"),
    Field("status", "text", "internal", "needs_response, under_review, accepted, won, lost or prevented"),
    Field("reason", "text", "internal", "why, as the shopper's bank says"),
    Field("amount_minor", "minor", "internal", "what is disputed"),
    Field("currency", "text", "internal", "ISO 4217", required=True),
    Field("initiated_at", "instant", "internal", "when it was opened"),
    Field("evidence_due_at", "instant", "internal", "until when the shop may answer"),
    Field("evidence_sent_at", "instant", "internal", "when the shop answered"),
    Field("finalized_at", "instant", "internal", "when it was decided; null while it is open"),
)

ENTITIES: Mapping[str, tuple[str, tuple[Field, ...]]] = {
    "tip": ("What a shopper gave on top. One row per order with a tip.", _TIP),
    "gift_card_movement": (
        "Value that gift cards gain or lose by an order. One row per line that sells some and per transaction with one.",
        _GIFT_CARD_MOVEMENT,
    ),
    "order_edit": ("A change of an order after it was placed. One row per edit.", _ORDER_EDIT),
    "shipment": ("Goods of an order on their way. One row per shipment.", _SHIPMENT),
    "payout": ("Money that the vendor's payments pass on to the shop. One row per payout.", _PAYOUT),
    "dispute": ("A payment that a shopper's bank calls into question. One row per dispute.", _DISPUTE),
}
