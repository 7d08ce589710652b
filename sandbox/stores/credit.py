"""Credit notes become refunds of earlier sales. In: sold lines and credit lines. Out: matches and what is left over.

Rule: a credit line takes back pieces of sold lines of the same customer (never an unknown one), stock code and unit
price whose timestamp is strictly earlier, latest first; pieces are used up, and a credit line may be met in part.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from sandbox.stores.invoice_lines import InvoiceLine

_Key = tuple[int, str, Decimal]


@dataclass(frozen=True, slots=True)
class Match:
    """`quantity` pieces of `sold` given back by `credit`."""

    credit: InvoiceLine
    sold: InvoiceLine
    quantity: int

    @property
    def amount(self) -> Decimal:
        """Pieces times price, exact."""
        return self.sold.price * self.quantity


@dataclass(slots=True)
class Matching:
    """All matches, and per unmatched (or partly matched) credit line the reason and the pieces left."""

    matches: list[Match] = field(default_factory=list)
    left: list[tuple[str, InvoiceLine, int]] = field(default_factory=list)


def match_credits(sold: Iterable[InvoiceLine], notes: Iterable[InvoiceLine]) -> Matching:
    """Match credit lines in order of time, then of the files."""
    open_lines: dict[_Key, list[_Open]] = defaultdict(list)
    for line in sold:
        if line.customer is not None:
            open_lines[line.customer, line.code, line.price].append(_Open(line, line.quantity))
    for lines in open_lines.values():
        lines.sort(key=lambda entry: (entry.line.when, entry.line.place), reverse=True)
    result = Matching()
    for credit in sorted(notes, key=lambda line: (line.when, line.place)):
        _match(credit, open_lines, result)
    return result


@dataclass(slots=True)
class _Open:
    line: InvoiceLine
    quantity: int


def _match(credit: InvoiceLine, open_lines: dict[_Key, list[_Open]], result: Matching) -> None:
    wanted = -credit.quantity
    if credit.customer is None:
        result.left.append(("customer unknown", credit, wanted))
        return
    for entry in open_lines.get((credit.customer, credit.code, credit.price), ()):
        if entry.quantity == 0 or entry.line.when >= credit.when:
            continue
        taken = min(entry.quantity, wanted)
        entry.quantity -= taken
        wanted -= taken
        result.matches.append(Match(credit, entry.line, taken))
        if wanted == 0:
            return
    met = wanted < -credit.quantity
    result.left.append(("more pieces than were sold" if met else "no earlier sale", credit, wanted))
