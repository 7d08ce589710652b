"""Orders that were edited: now and then a last line was added within two hours of the sale.

In: sales as they are in the end. Out: what an order says of it; lines and totals stay what they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

from sandbox.world.baskets import Line, Sale
from sandbox.world.wire import Body, bag, cents, gid, instant

_SHARE = 0.06
"""of orders of several lines"""


def edited_at(sale: Sale, anchor: datetime, rng: Random) -> datetime | None:
    """When the last line of the sale was added; None where it was there from the start."""
    when = sale.when + timedelta(minutes=rng.randrange(10, 110))
    chosen = rng.random() < _SHARE
    return when if chosen and len(sale.lines) > 1 and not sale.cancelled and when < anchor else None


def edited_body(sale: Sale, when: datetime, currency: str) -> Body:
    """The agreements of an order that was edited: what was bought first, and what was added."""
    first, added = sale.lines[:-1], sale.lines[-1]
    return {
        "edited": True,
        "originalTotalPriceSet": bag(cents(sale.total - _total(sale, added)), currency),
        "agreements": [
            _agreement(sale, 0, "OrderAgreement", "ORDER", sale.when, first, currency),
            _agreement(sale, 1, "OrderEditAgreement", "ORDER_EDIT", when, [added], currency),
        ],
    }


def _agreement(
    sale: Sale, number: int, kind: str, reason: str, when: datetime, lines: Sequence[Line], currency: str
) -> Body:
    return {
        "__typename": kind,
        "id": gid("SalesAgreement", sale.id * 10 + number),
        "happenedAt": instant(when),
        "reason": reason,
        "sales": [_sale(sale, line, currency) for line in lines],
    }


def _sale(sale: Sale, line: Line, currency: str) -> Body:
    return {
        "__typename": "GiftCardSale" if line.gift_card else "ProductSale",
        "id": gid("Sale", line.id),
        "actionType": "ORDER",
        "lineType": "GIFT_CARD" if line.gift_card else "PRODUCT",
        "quantity": line.quantity,
        "lineItem": {"id": gid("LineItem", line.id)},
        "totalAmount": bag(cents(_total(sale, line)), currency),
        "totalTaxAmount": bag(cents(line.tax), currency),
        "totalDiscountAmountBeforeTaxes": bag(cents(line.discount), currency),
        "totalDiscountAmountAfterTaxes": bag(cents(line.discount), currency),
    }


def _total(sale: Sale, line: Line) -> int:
    """What the line comes to, after discounts and taxes."""
    return line.net + (0 if sale.taxes_included else line.tax)
