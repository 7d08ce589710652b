"""What Shopify Payments passes on to the shop: a payout each Monday, and the few payments that a bank calls into question.

In: movements of money through the vendor's own gateway, in cents. Out: payouts whose parts add up to their net, and node bodies.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from sandbox.world.baskets import Sale
from sandbox.world.wire import Body, cents, gid, instant, money, portion

GATEWAY = "shopify_payments"
_FEE = 29
"""per mille of a charge"""
_DISPUTED = 0.006
_REASONS = ("FRAUDULENT", "PRODUCT_NOT_RECEIVED", "PRODUCT_UNACCEPTABLE", "UNRECOGNIZED")


@dataclass(slots=True)
class Payout:
    """What moved in the week before `issued`; `refunds` is negative."""

    issued: datetime
    charges: int = 0
    refunds: int = 0
    fees: int = 0

    @property
    def net(self) -> int:
        """What reaches the shop; negative: what is taken from it."""
        return self.charges + self.refunds - self.fees


@dataclass
class Account:
    """The shop's account with Shopify Payments."""

    anchor: datetime
    weeks: dict[datetime, Payout] = field(default_factory=dict)

    def move(self, amount: int, when: datetime) -> None:
        """A charge, or a refund where it is negative; what the last Monday before the anchor does not pay out waits."""
        issued = _monday_after(when)
        if issued >= self.anchor:
            return
        week = self.weeks.setdefault(issued, Payout(issued))
        if amount > 0:
            week.charges += amount
            week.fees += portion(amount, _FEE, 1000)
        else:
            week.refunds += amount

    def payouts(self) -> Iterable[Payout]:
        """Oldest first."""
        return (self.weeks[issued] for issued in sorted(self.weeks))


def _monday_after(when: datetime) -> datetime:
    midnight = when.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=7 - when.weekday())


def payout_body(payout: Payout, number: int, currency: str, *, last: bool) -> Body:
    """A payout; the last one is not yet at the bank."""
    parts = {"chargesGross": payout.charges, "chargesFee": payout.fees, "refundsFeeGross": payout.refunds}
    return {
        "id": gid("ShopifyPaymentsPayout", number),
        "legacyResourceId": str(number),
        "issuedAt": instant(payout.issued),
        "status": "SCHEDULED" if last else "PAID",
        "transactionType": "DEPOSIT" if payout.net >= 0 else "WITHDRAWAL",
        "net": money(cents(payout.net), currency),
        "summary": {name: money(cents(amount), currency) for name, amount in parts.items()},
    }


def disputed(sale: Sale, anchor: datetime, rng: Random) -> datetime | None:
    """When the sale's payment was disputed, if it was."""
    when = sale.when + timedelta(days=rng.randrange(9, 60))
    return when if rng.random() < _DISPUTED and not (sale.test or sale.cancelled) and when < anchor else None


def dispute_body(sale: Sale, when: datetime, anchor: datetime, currency: str) -> Body:
    """A dispute over all that was paid; decided after three weeks."""
    decided = when + timedelta(days=21)
    status = ("WON", "LOST")[sale.number % 2] if decided < anchor else "UNDER_REVIEW"
    return {
        "id": gid("ShopifyPaymentsDispute", sale.id),
        "legacyResourceId": str(sale.id),
        "type": "CHARGEBACK",
        "status": status,
        "amount": money(cents(sale.total), currency),
        "initiatedAt": instant(when),
        "evidenceDueBy": instant(when + timedelta(days=10)),
        "evidenceSentOn": instant(when + timedelta(days=5)) if when + timedelta(days=5) < anchor else None,
        "finalizedOn": instant(decided) if decided < anchor else None,
        "order": {"id": gid("Order", sale.id)},
        "reasonDetails": {"reason": _REASONS[sale.number % len(_REASONS)], "networkReasonCode": None},
    }
