"""The ledger of a load from files: what was taken, what was refused and why, to the penny.

In: lines as they are sorted. Out: a table for the terminal, totals and refused lines kept beside the shop.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from rich.table import Table

from sandbox.stores.invoice_lines import InvoiceLine


@dataclass(slots=True)
class Tally:
    """Lines and their exact value."""

    lines: int = 0
    value: Decimal = Decimal(0)

    def add(self, value: Decimal) -> None:
        """Count one more line."""
        self.lines += 1
        self.value += value


@dataclass(slots=True)
class UciLedger:
    """Totals of the load. `accepted` values are rounded per line; refused and credit values are exact."""

    orders: int = 0
    accepted: Tally = field(default_factory=Tally)
    other_codes: Tally = field(default_factory=Tally)
    """accepted lines whose code does not start with five digits"""
    kinds: dict[str, Tally] = field(default_factory=dict)
    refused: dict[str, Tally] = field(default_factory=dict)
    credits: Tally = field(default_factory=Tally)
    matched_lines: int = 0
    """credit lines met at least in part"""
    matched: Tally = field(default_factory=Tally)
    """one per sold line given back; a credit line may need several"""
    refunds: int = 0
    unmatched: dict[str, Tally] = field(default_factory=dict)
    refused_lines: list[tuple[str, InvoiceLine, int]] = field(default_factory=list, repr=False)

    def refuse(self, reason: str, line: InvoiceLine) -> None:
        """A line that is no sale."""
        self.refused.setdefault(reason, Tally()).add(line.amount)
        self.refused_lines.append((reason, line, line.quantity))

    def leave(self, reason: str, line: InvoiceLine, pieces: int) -> None:
        """Pieces of a credit line that no sale answers for."""
        self.unmatched.setdefault(reason, Tally()).add(line.price * pieces)
        self.refused_lines.append((f"credit note: {reason}", line, -pieces))

    def rows(self) -> list[tuple[str, int, Decimal]]:
        """(what, lines, GBP) in the order they are printed."""
        found = [
            ("accepted", self.accepted.lines, self.accepted.value),
            ("of these, codes not starting with five digits", self.other_codes.lines, self.other_codes.value),
        ]
        found += [(f"kind: {kind}", tally.lines, tally.value) for kind, tally in sorted(self.kinds.items())]
        found += [(f"refused: {reason}", tally.lines, tally.value) for reason, tally in sorted(self.refused.items())]
        found += [
            ("credit notes", self.credits.lines, self.credits.value),
            ("credit notes matched to a sale", self.matched_lines, self.matched.value),
        ]
        found += [
            (f"credit notes left: {why}", tally.lines, tally.value) for why, tally in sorted(self.unmatched.items())
        ]
        return found

    def table(self) -> Table:
        """The ledger as a table for a terminal."""
        table = Table(title=f"UCI Online Retail: {self.orders:,} orders, {self.refunds:,} refunds")
        table.add_column("what")
        table.add_column("lines", justify="right")
        table.add_column("GBP", justify="right")
        for what, lines, value in self.rows():
            table.add_row(what, f"{lines:,}", f"{value:,.2f}")
        return table

    def save(self, shop_path: Path) -> tuple[Path, Path]:
        """Write `<shop>.ledger.json` (totals) and `<shop>.ledger.csv` (each refused line); returns both paths."""
        totals, lines = shop_path.with_suffix(".ledger.json"), shop_path.with_suffix(".ledger.csv")
        rows = [{"what": what, "lines": count, "gbp": str(value)} for what, count, value in self.rows()]
        totals.write_text(json.dumps({"orders": self.orders, "refunds": self.refunds, "rows": rows}, indent=1) + "\n")
        with lines.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("reason", "invoice", "stock_code", "pieces", "unit_price", "at", "line"))
            writer.writerows(_refused_rows(self.refused_lines))
        return totals, lines


def _refused_rows(lines: Iterable[tuple[str, InvoiceLine, int]]) -> Iterable[tuple[object, ...]]:
    for reason, line, pieces in lines:
        yield reason, line.invoice, line.code, pieces, line.price_text, line.when.isoformat(), line.place
