"""Lines of the UCI Online Retail files. In: `orders_uci/by-day.tar.gz`. Out: typed lines in file order.

Times in the files are the wall clock of London without a zone; they leave here as UTC instants. Prices stay exact.
"""

from __future__ import annotations

import csv
import io
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sandbox.world.wire import to_pennies

LONDON = ZoneInfo("Europe/London")
COLUMNS = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]


class InvoiceLine(NamedTuple):
    """One line as written; `place` is its number in the files, from 0."""

    place: int
    invoice: str
    code: str
    description: str
    quantity: int
    when: datetime
    price: Decimal
    price_text: str
    customer: int | None
    country: str

    @property
    def amount(self) -> Decimal:
        """Quantity times price, exact."""
        return self.price * self.quantity

    @property
    def pennies(self) -> Decimal:
        """The amount rounded half-even to pounds and pence, once per line."""
        return _pennies(self.price, self.quantity)


@cache
def _pennies(price: Decimal, quantity: int) -> Decimal:
    return to_pennies(price * quantity)


def archive_in(data: Path) -> Path:
    """Where the archive of days is in DATA."""
    return data / "orders_uci" / "by-day.tar.gz"


def read_lines(data: Path) -> Iterator[InvoiceLine]:
    """All lines, days in order, lines as they stand in each day's file.

    Raises FileNotFoundError when the archive is missing and ValueError when a file has other columns.
    """
    archive = archive_in(data)
    if not archive.exists():
        raise FileNotFoundError(f"{archive} does not exist; give the folder that holds orders_uci/ as DATA.")
    with tarfile.open(archive) as tar:
        days = {member.name: _text(tar, member) for member in tar if member.isfile() and member.name.endswith(".csv")}
    place = 0
    for name in sorted(days):
        rows = csv.reader(io.StringIO(days[name], newline=""))
        if next(rows) != COLUMNS:
            known = ", ".join(COLUMNS)
            raise ValueError(f"{name} of {archive} has other columns than {known}; fetch the archive again.")
        for invoice, code, description, quantity, when, price, customer, country in rows:
            yield InvoiceLine(
                place,
                invoice,
                code,
                description,
                int(quantity),
                _instant(when),
                _decimal(price),
                price,
                _customer(customer),
                country,
            )
            place += 1


def _text(tar: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    stream = tar.extractfile(member)
    return stream.read().decode("utf-8-sig") if stream else ""


@cache
def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=LONDON).astimezone(UTC)


@cache
def _decimal(text: str) -> Decimal:
    return Decimal(text)


@cache
def _customer(text: str) -> int | None:
    """`17850.0` -> 17850; empty -> None."""
    return int(text.removesuffix(".0")) if text else None
