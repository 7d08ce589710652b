"""What comes back: cancellations at once, whole and partial refunds days later, wide misfits more often; and how refunds are adjusted.

In: sales. Out: at most one `Return` per sale, in cents that never exceed what was paid for the pieces.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from sandbox.world.baskets import HUNDRED, Line, Sale
from sandbox.world.taste import misfit
from sandbox.world.wire import portion

GOODWILL = 500
"""Cents that the shop adds to a refund now and then."""


@dataclass(slots=True)
class ReturnLine:
    """Pieces of one line that came back; `subtotal` after discounts, with the tax where prices include it."""

    id: int
    line: Line
    quantity: int
    subtotal: int
    tax: int


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Money beyond what a refund comes to, before `tax`; both are negative where they are kept back, as a fee is."""

    reason: str
    amount: int
    tax: int


@dataclass(slots=True)
class Return:
    """One refund; `shipping` and its tax are given back when the order was cancelled, and now and then with all that was bought."""

    id: int
    when: datetime
    note: str
    restock: str
    lines: list[ReturnLine]
    shipping: int
    shipping_tax: int
    taxes_included: bool
    adjustment: Adjustment | None = None

    @property
    def total(self) -> int:
        """Money given back."""
        given = sum(line.subtotal for line in self.lines) + self.shipping
        given += 0 if self.taxes_included else self.tax
        return given + (self.adjustment.amount + self.adjustment.tax if self.adjustment else 0)

    @property
    def tax(self) -> int:
        """Tax of goods and delivery given back."""
        return sum(line.tax for line in self.lines) + self.shipping_tax


class Counter:
    """Decides what comes back, and cancels some orders.

    Args:
        rng: draws what comes back.
        settling: draws what is given or kept besides.
    """

    def __init__(self, seed: int, anchor: datetime, rng: Random, settling: Random) -> None:
        self.rng, self.settling, self.anchor = rng, settling, anchor
        self._base = 10_000_000 * (1 + seed % 800) + 800_000_000_000
        self._number = 0

    def take_back(self, sale: Sale) -> Return | None:
        """The refund of a sale, or None. Marks the sale cancelled when that is why."""
        if self.rng.random() < 0.02:
            when = sale.when + timedelta(minutes=self.rng.randrange(20, 300))
            if when < self.anchor:
                sale.cancelled, sale.cancel_reason = when, self.rng.choice(("CUSTOMER", "FRAUD", "INVENTORY"))
                return self._whole(sale, when, "", "CANCEL", with_shipping=True)
        when = sale.when + timedelta(days=self.rng.randrange(4, 35), minutes=self.rng.randrange(1440))
        back = [line for line in sale.lines if not line.gift_card and self.rng.random() < _chance(sale, line)]
        if not back or when >= self.anchor:
            return None
        if self.rng.random() < 0.3:
            generous = self.settling.random() < 0.3
            return self._adjusted(sale, self._whole(sale, when, "Changed my mind", "RETURN", with_shipping=generous))
        note = "Does not fit" if misfit(sale.buyer, back[0].variant) > 8 else "Changed my mind"
        lines = [self._line(line, self.rng.randrange(1, line.quantity + 1)) for line in back]
        return self._adjusted(sale, self._refund(sale, when, note, "RETURN", lines, with_shipping=False))

    def _adjusted(self, sale: Sale, back: Return) -> Return:
        """Keep a fee for restocking, or add goodwill that leaves the refund within what was paid."""
        chance, goods = self.settling.random(), sum(line.subtotal for line in back.lines)
        if chance < 0.15:
            fee = portion(goods, 10, 100)
            tax = portion(fee, sale.tax_rate, HUNDRED + sale.tax_rate)
            back.adjustment = Adjustment("RESTOCK", tax - fee, -tax)
        elif chance < 0.3 and sale.total - back.total >= GOODWILL:
            back.adjustment = Adjustment("CUSTOMER", GOODWILL, 0)
        return back

    def _whole(self, sale: Sale, when: datetime, note: str, restock: str, *, with_shipping: bool) -> Return:
        lines = [self._line(line, line.quantity) for line in sale.lines if with_shipping or not line.gift_card]
        return self._refund(sale, when, note, restock, lines, with_shipping=with_shipping)

    def _refund(
        self, sale: Sale, when: datetime, note: str, restock: str, lines: list[ReturnLine], *, with_shipping: bool
    ) -> Return:
        self._number += 1
        shipping, tax = (sale.shipping, sale.shipping_tax) if with_shipping else (0, 0)
        return Return(self._base + self._number, when, note, restock, lines, shipping, tax, sale.taxes_included)

    def _line(self, line: Line, quantity: int) -> ReturnLine:
        self._number += 1
        share = line.net * quantity // line.quantity
        tax = line.tax * quantity // line.quantity
        return ReturnLine(self._base + self._number, line, quantity, share, tax)


def _chance(sale: Sale, line: Line) -> float:
    return 0.03 + 0.012 * max(0.0, misfit(sale.buyer, line.variant) - 3)
