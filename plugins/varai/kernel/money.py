"""Money: decimals with a currency; amounts are integer minor units, rounded half-even (IEEE 754 `roundTiesToEven`)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

from varai.kernel.errors import Malformed


def minor_units(amount: Decimal, exponent: int) -> int:
    """Round `amount` (major units) to integer minor units of a currency with `exponent` decimals, half-even.

    >>> minor_units(Decimal("0.125"), 2), minor_units(Decimal("0.135"), 2)
    (12, 14)
    """
    return int(amount.scaleb(exponent).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount in major units of an ISO 4217 currency."""

    amount: Decimal
    currency: str

    @classmethod
    def parse(cls, text: str, currency: str) -> Money:
        """Parse decimal text; raises Malformed for anything that is not a finite decimal."""
        try:
            amount = Decimal(text)
        except InvalidOperation as error:
            raise Malformed(f"An amount in {currency} is not a decimal number.") from error
        if not amount.is_finite():
            raise Malformed(f"An amount in {currency} is not finite.")
        return cls(amount, currency)

    def minor(self, exponent: int) -> int:
        """Integer minor units, half-even."""
        return minor_units(self.amount, exponent)
