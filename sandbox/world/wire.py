"""How a Shopify shop writes things on the wire: gids, money as decimal text, instants as ISO 8601 UTC.

In: integers of cents, Decimals, aware datetimes. Out: the text and small dicts that go into node bodies.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

Body = dict[str, Any]
PENNY = Decimal("0.01")


def gid(kind: str, number: int) -> str:
    """`gid://shopify/Product/12`."""
    return f"gid://shopify/{kind}/{number}"


def level_gid(number: int, item: int) -> str:
    """An inventory level's gid: the vendor appends the item, so its last digits alone do not identify it."""
    return f"gid://shopify/InventoryLevel/{number}?inventory_item_id={item}"


def instant(when: datetime) -> str:
    """`2026-11-01T10:00:00Z`; raises ValueError for a naive time."""
    if when.tzinfo is None:
        raise ValueError(f"{when} has no zone; attach one before it goes on the wire.")
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def cents(amount: int) -> str:
    """Cents as decimal text: 12900 -> `129.00`, -5 -> `-0.05`."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100}.{abs(amount) % 100:02d}"


def to_pennies(amount: Decimal) -> Decimal:
    """Round half-even to two places."""
    return amount.quantize(PENNY, rounding=ROUND_HALF_EVEN)


def money(amount: str, currency: str) -> Body:
    """A MoneyV2."""
    return {"amount": amount, "currencyCode": currency}


def bag(amount: str, currency: str) -> Body:
    """A MoneyBag whose shopper paid in the shop's own currency."""
    both = money(amount, currency)
    return {"shopMoney": both, "presentmentMoney": both}


def portion(amount: int, part: int, whole: int) -> int:
    """Round amount * part / whole half-even to whole cents; all arguments are integers, `whole` is positive."""
    quotient, remainder = divmod(amount * part, whole)
    twice = 2 * remainder
    if twice > whole or (twice == whole and quotient % 2):
        quotient += 1
    return quotient


def spread(amount: int, weights: Sequence[int]) -> list[int]:
    """Split cents over weights so that the parts sum exactly to `amount` (largest remainder, ties to the first).

    Raises ValueError when all weights are zero.
    """
    whole = sum(weights)
    if whole <= 0:
        raise ValueError("Cannot spread an amount over weights that sum to nothing.")
    parts = [amount * weight // whole for weight in weights]
    missing = amount - sum(parts)
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(amount * weights[i] % whole), i))
    for index in by_remainder[:missing]:
        parts[index] += 1
    return parts
