"""Laws of what follows a sale: shipments carry their times and no way to an address."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.unit.sources.shopify.records import ORDER, PAGED_ORDER, SHIPMENT, rows_of
from varai.canonical.mapping import UNMAPPABLE


def test_a_shipment_says_when_it_left_and_when_it_arrived() -> None:
    (row,) = rows_of("orders", PAGED_ORDER)["shipment"]
    assert (row["source_id"], row["order_id"], row["location_id"]) == ("81", "2", "1")
    assert (row["status"], row["delivery_status"], row["quantity"]) == ("success", "delivered", 4)
    assert (row["carrier"], row["service"], row["tracked"]) == ("Royal Mail", "Manual", True)
    assert row["created_at"] == datetime(2026, 7, 1, 9, tzinfo=UTC)
    assert row["in_transit_at"] < row["delivered_at"] < row["estimated_delivery_at"]


def test_a_tracking_number_leaves_sealed_landing_in_no_row() -> None:
    assert "TRACK-ME" not in str(rows_of("orders", PAGED_ORDER))


def test_a_shipment_without_a_carrier_or_a_date_is_a_shipment() -> None:
    bare = {**SHIPMENT, "trackingInfo": [], "service": None, "deliveredAt": None, "location": None}
    erased = {**SHIPMENT, "trackingInfo": [{"company": "DHL", "number": None, "url": None}]}
    rows = rows_of("orders", {**ORDER, "fulfillments": [bare, {**erased, "id": "gid://shopify/Fulfillment/82"}]})
    one, other = rows["shipment"]
    assert (one["carrier"], one["tracked"], one["delivered_at"], one["location_id"]) == (None, False, None, None)
    assert (other["carrier"], other["tracked"]) == ("DHL", False)
    assert not rows[UNMAPPABLE]
    assert not rows_of("orders", {**ORDER, "fulfillments": []})["shipment"]
