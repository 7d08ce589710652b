"""Laws of payouts and disputes: their parts are exact, and what the vendor does not say stays unsaid."""

from __future__ import annotations

from datetime import date
from typing import Any

from tests.unit.sources.shopify.records import gid, rows_of


def gbp(amount: str) -> dict[str, str]:
    return {"amount": amount, "currencyCode": "GBP"}


SUMMARY = {
    "chargesGross": gbp("100.00"),
    "chargesFee": gbp("2.905"),
    "refundsFeeGross": gbp("-10.00"),
    "refundsFee": gbp("0.30"),
    "adjustmentsGross": gbp("-5.00"),
    "adjustmentsFee": gbp("15.00"),
    "reservedFundsGross": gbp("-1.00"),
    "reservedFundsFee": gbp("0.00"),
    "retriedPayoutsGross": gbp("3.00"),
    "retriedPayoutsFee": gbp("0.00"),
    "advanceGross": gbp("0.50"),
    "advanceFees": gbp("0.00"),
}
PAYOUT: dict[str, Any] = {
    "id": gid("ShopifyPaymentsPayout", 7),
    "issuedAt": "2026-06-30T23:30:00Z",
    "status": "IN_TRANSIT",
    "transactionType": "DEPOSIT",
    "net": gbp("69.30"),
    "summary": SUMMARY,
}


def test_a_payout_tells_its_parts() -> None:
    (row,) = rows_of("payouts", PAYOUT)["payout"]
    assert (row["source_id"], row["status"], row["kind"], row["currency"]) == ("7", "scheduled", "deposit", "GBP")
    assert (row["net_minor"], row["charges_minor"], row["refunds_minor"]) == (6930, 10000, -1000)
    assert (row["adjustments_minor"], row["other_minor"]) == (-500, 250)
    assert row["fees_minor"] == 290 + 30 + 1500  # 2.905 goes to even
    assert (row["issued_on"], row["source_updated_at"], row["faults"]) == (date(2026, 7, 1), None, [])


def test_a_part_that_cannot_be_read_is_told() -> None:
    (row,) = rows_of("payouts", {**PAYOUT, "summary": {**SUMMARY, "refundsFee": gbp("much")}})["payout"]
    assert row["faults"] == ["malformed_number:fees_minor"]


def test_a_dispute_names_its_order_and_its_dates() -> None:
    dispute = {
        "id": gid("ShopifyPaymentsDispute", 9),
        "initiatedAt": "2026-07-01T00:00:00Z",
        "evidenceDueBy": "2026-07-10T00:00:00Z",
        "evidenceSentOn": None,
        "finalizedOn": None,
        "status": "NEEDS_RESPONSE",
        "type": "CHARGEBACK",
        "order": {"id": gid("Order", 2)},
        "amount": gbp("34.00"),
        "reasonDetails": {"reason": "FRAUDULENT"},
    }
    (row,) = rows_of("disputes", dispute)["dispute"]
    assert (row["order_id"], row["kind"], row["status"], row["reason"]) == (
        "2", "chargeback", "needs_response", "fraudulent",
    )  # fmt: skip
    assert (row["amount_minor"], row["currency"], row["finalized_at"]) == (3400, "GBP", None)
    assert row["initiated_at"] < row["evidence_due_at"]
    (nameless,) = rows_of("disputes", {**dispute, "order": None})["dispute"]
    assert nameless["order_id"] is None
