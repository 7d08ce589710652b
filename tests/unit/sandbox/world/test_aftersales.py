"""What follows a sale agrees with it: no parcel before the order, no piece twice, nothing after the anchor."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from tests.unit.sandbox.world.test_orders import amount


def test_shipments_hold_what_was_bought_and_keep_time(either: Any) -> None:
    lines, seen = either.by_parent("LineItem"), Counter[str]()
    places = {place.gid for place in either.of("Location")}
    for order in either.of("Order"):
        pieces = sum(one.body["quantity"] for one in lines[order.gid] if not one.body["isGiftCard"])
        parcels = order.body["fulfillments"]
        sent = sum(parcel["totalQuantity"] for parcel in parcels)
        assert sent <= pieces
        assert not (parcels and order.body["cancelledAt"])
        state = order.body["displayFulfillmentStatus"]
        assert (state == "FULFILLED") == (sent == pieces and not order.body["cancelledAt"])
        for parcel in parcels:
            assert order.created_at < parcel["createdAt"] < "2026-11-01T00:00:00Z"
            assert parcel["createdAt"] < (parcel["deliveredAt"] or "9") and parcel["location"]["id"] in places
            assert max(parcel["createdAt"], parcel["deliveredAt"] or "") <= order.updated_at
            waited = datetime.fromisoformat(parcel["createdAt"]) - datetime.fromisoformat(order.created_at)
            seen["late"] += waited > timedelta(days=4)
            seen["on its way"] += parcel["deliveredAt"] is None
        seen["in two"] += len(parcels) > 1
        seen["not yet"] += state == "UNFULFILLED" and not order.body["cancelledAt"]
    for kind in ("late", "on its way", "in two", "not yet"):
        assert seen[kind] > 0, kind


def test_an_edit_and_what_was_bought_first_are_the_order(either: Any) -> None:
    lines = {line.gid: line.body for line in either.of("LineItem")}
    edited = [order for order in either.of("Order") if order.body["edited"]]
    assert edited
    for order in edited:
        first, edit = order.body["agreements"]
        assert order.created_at == first["happenedAt"] < edit["happenedAt"] <= order.updated_at
        sold = {sale["lineItem"]["id"]: sale["quantity"] for one in (first, edit) for sale in one["sales"]}
        assert sold == {gid: lines[gid]["quantity"] for gid in sold} and len(sold) > 1
        added = sum(amount(sale["totalAmount"]) for sale in edit["sales"])
        assert added == amount(order.body["totalPriceSet"]) - amount(order.body["originalTotalPriceSet"]) > 0


def test_payouts_pass_on_what_was_charged_less_refunds_and_fees(either: Any) -> None:
    payouts = [payout.body for payout in either.of("ShopifyPaymentsPayout")]
    until, moved = max(payout["issuedAt"] for payout in payouts), Counter[str]()
    for payment in either.of("OrderTransaction"):
        if payment.body["gateway"] == "shopify_payments" and payment.body["processedAt"] < until:
            moved[payment.body["kind"]] += amount(payment.body["amountSet"])
    parts = Counter[str]()
    for payout in payouts:
        summary = {name: amount({"shopMoney": money}) for name, money in payout["summary"].items()}
        for name, value in summary.items():
            parts[name] += value
        kept = summary["chargesGross"] + summary["refundsFeeGross"] - summary["chargesFee"]
        assert amount({"shopMoney": payout["net"]}) == kept
        assert payout["issuedAt"] < "2026-11-01T00:00:00Z"
    assert (parts["chargesGross"], -parts["refundsFeeGross"]) == (moved["SALE"], moved["REFUND"])
    assert Counter(payout["status"] for payout in payouts)["SCHEDULED"] == 1


def test_disputes_are_over_what_an_order_was_paid(either: Any) -> None:
    orders = {order.gid: order for order in either.of("Order")}
    disputes = either.of("ShopifyPaymentsDispute")
    assert disputes
    for dispute in disputes:
        order = orders[dispute.body["order"]["id"]]
        assert amount({"shopMoney": dispute.body["amount"]}) == amount(order.body["totalPriceSet"])
        assert order.created_at < dispute.body["initiatedAt"] < "2026-11-01T00:00:00Z"
        assert (dispute.body["finalizedOn"] is None) == (dispute.body["status"] == "UNDER_REVIEW")


def test_gift_cards_pay_no_more_than_was_sold(either: Any) -> None:
    sold = sum(amount(line.body["originalTotalSet"]) for line in either.of("LineItem") if line.body["isGiftCard"])
    paid = [one for one in either.of("OrderTransaction") if one.body["gateway"] == "gift_card"]
    assert 0 < sum(amount(one.body["amountSet"]) for one in paid) <= sold
