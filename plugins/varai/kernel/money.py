"""Money: decimals with a currency; amounts are integer minor units, rounded half-even (IEEE 754 `roundTiesToEven`)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_EVEN, Context, Decimal, InvalidOperation

from varai.kernel.errors import Malformed

_LEAST, _MOST = -(2**63), 2**63 - 1
_DIGITS = 19
"""Of the largest amount that columns of minor units hold, a 64-bit integer."""


def minor_units(amount: Decimal, exponent: int) -> int:
    """Round `amount` (major units) to integer minor units of a currency with `exponent` decimals, half-even, once.

    Raises Malformed for what is not finite or does not fit into the 64 bits that minor units have everywhere.

    >>> minor_units(Decimal("0.125"), 2), minor_units(Decimal("0.135"), 2)
    (12, 14)
    """
    if not amount.is_finite():
        raise Malformed("An amount is not finite.")
    if not amount:
        return 0
    if amount.adjusted() + exponent >= _DIGITS:  # before it is written out: an exponent may ask for a billion digits
        raise _too_large(amount)
    # The usual context rounds to 28 digits first, and what was rounded twice is not half-even.
    context = Context(max(len(amount.as_tuple().digits), _DIGITS + 1), ROUND_HALF_EVEN, MIN_EMIN, MAX_EMAX)
    minor = int(amount.scaleb(exponent, context).quantize(Decimal(1), context=context))
    if not _LEAST <= minor <= _MOST:
        raise _too_large(amount)
    return minor


def _too_large(amount: Decimal) -> Malformed:
    return Malformed(f"An amount of {amount:.3E} is larger than any this platform can count.")


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
        """Integer minor units, half-even; raises Malformed as `minor_units` does."""
        return minor_units(self.amount, exponent)
