"""Laws of what goes with a sale: tips, gift cards and edits are exact, shipments carry their times and no way to an address."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from tests.unit.sources.shopify.records import EDIT, ITEM, ORDER, PAGED_ORDER, SHIPMENT, bag, gid, rows_of
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


def test_an_edit_tells_what_was_added_from_what_was_taken_out() -> None:
    (row,) = rows_of("orders", ORDER, EDIT)["order_edit"]
    assert (row["source_id"], row["order_id"], row["root_id"], row["currency"]) == ("91", "2", "2", "GBP")
    assert (row["added_quantity"], row["removed_quantity"]) == (2, 1)
    assert (row["added_minor"], row["removed_minor"], row["changed_minor"]) == (2101, 900, -50)  # 9.005 goes to even
    assert row["happened_on"] == date(2026, 7, 1)  # half an hour before midnight UTC is London's next day


def test_an_edit_whose_amount_cannot_be_read_says_so() -> None:
    sale: dict[str, Any] = {"actionType": "ORDER", "lineType": "PRODUCT", "quantity": 1, "totalAmount": bag("x")}
    (row,) = rows_of("orders", ORDER, {**EDIT, "sales": {"nodes": [sale]}})["order_edit"]
    assert row["faults"] == ["malformed_number:added_minor"]
    (nothing,) = rows_of("orders", ORDER, {**EDIT, "sales": {"nodes": []}})["order_edit"]
    assert (nothing["added_minor"], nothing["removed_minor"], nothing["added_quantity"]) == (0, 0, 0)
    assert nothing["faults"] == []


def payment(number: int, kind: str, status: str = "SUCCESS", gateway: str = "gift_card") -> dict[str, Any]:
    at = "2026-07-02T00:00:00Z"
    one = {"id": gid("OrderTransaction", number), "kind": kind, "status": status, "gateway": gateway}
    return {**one, "amountSet": bag("5.005"), "test": False, "processedAt": at}


def test_gift_cards_gain_by_sale_at_face_value_and_lose_by_payment() -> None:
    card = {**ITEM, "isGiftCard": True}  # three of 10.005, with discounts that do not make them worth less
    payments = [
        payment(1, "SALE"),
        payment(2, "REFUND"),
        payment(3, "SALE", "FAILURE"),
        payment(4, "SALE", gateway="x"),
    ]
    rows = rows_of("orders", {**ORDER, "lineItems": {"nodes": [card]}, "transactions": payments})["gift_card_movement"]
    found = {row["source_id"]: (row["kind"], row["amount_minor"]) for row in rows}
    assert found == {"31#issued": ("issued", 3002), "1#moved": ("redeemed", -500), "2#moved": ("credited", 500)}
    assert {row["order_id"] for row in rows} == {"2"}


def test_a_tip_is_one_only_where_it_is_money() -> None:
    (tip,) = rows_of("orders", ORDER)["tip"]
    assert (tip["source_id"], tip["amount_minor"], tip["currency"]) == ("2#tip", 150, "GBP")
    assert not rows_of("orders", {**ORDER, "totalTipReceivedSet": bag("0.0")})["tip"]
    (unread,) = rows_of("orders", {**ORDER, "totalTipReceivedSet": bag("1,50")})["tip"]
    assert unread["faults"] == ["malformed_number:amount_minor"]
