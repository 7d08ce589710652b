"""CSV and TSV: lines in, rows out. Quoted line feeds join lines; a quote that is never closed costs its own line and no other.

Read by Python's `csv`, which takes lines from us one by one, so that we know which of them a row is made of.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO, Final

from varai.kernel import Malformed
from varai.sources.files.declared import Declared
from varai.sources.files.header import named
from varai.sources.files.rows import LONGEST, Row, refused, vouched
from varai.sources.files.text import Line, Lines

_MOST_LINES: Final = 10_000
"""Lines of one row; more are those of a quote that is never closed."""


class _Taken(Iterator[str]):
    """Gives lines to `csv` and keeps those that it took for the row it is at."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines, self._again = lines, deque[Line]()
        self.row: list[Line] = []
        self.cut = False
        """Whether `csv` wanted more lines for its row than there are, or than a row may have."""
        self._size = 0

    def __next__(self) -> str:
        if self._size > LONGEST or len(self.row) > _MOST_LINES:
            self.cut = True
            raise StopIteration
        line = self._again.popleft() if self._again else next(self._lines, None)
        if line is None:
            self.cut = bool(self.row)
            raise StopIteration
        self.row.append(line)
        self._size += len(line)
        return line + "\n"

    def begin(self) -> None:
        """A new row."""
        self.row, self._size, self.cut = [], 0, False

    def give_back(self) -> Line:
        """All lines of the row but its first, which is returned."""
        first, *rest = self.row
        self._again.extendleft(reversed(rest))
        return first


def _fault(error: csv.Error, *, lines: int) -> str:
    """What `csv` complains of, in a word: it tells a carriage return within a row, and a quote where none may stand."""
    if "new-line" in str(error):
        return "stray_return"
    return "open_quote" if lines > 1 or "end of data" in str(error) else "stray_quote"


class Delimited:
    """See `varai.sources.files.rows.Reader`."""

    def __init__(self, file: BinaryIO, name: str, declared: Declared) -> None:
        self._name, self._declared = name, declared
        self._lines = Lines(file, name, declared.encoding)
        self._taken = _Taken(self._lines)
        self._beside = 0
        self.columns: tuple[str, ...] | None = declared.header or None

    @property
    def counted(self) -> int:
        """Line feeds of the text, less those that end no row: of the header, of blank lines, and within quotes."""
        return self._lines.ends + self._lines.unended - self._beside

    def __iter__(self) -> Iterator[Row]:
        return vouched(self._name, self._read()) if self._declared.header else self._read()

    def _read(self) -> Iterator[Row]:
        number = 1
        for cells, lines, fault in self._records():
            at, number = number, number + len(lines)
            if self.columns is None:
                self._beside += len(lines)
                if cells or fault:
                    self.columns = self._header(cells, lines[0], fault)
                continue
            self._beside += len(lines) - 1
            row = self._row(at, cells, lines, fault)
            if row is None:
                self._beside += 1
            else:
                yield row
        if self.columns is None:
            raise Malformed(f"{self._name} is empty: it has not even a header.", "Deliver it again, whole.")

    def _records(self) -> Iterator[tuple[list[str], list[Line], str]]:
        """Cells, the lines they came from, and why they are none, if so."""
        csv.field_size_limit(max(csv.field_size_limit(), 2 * LONGEST))
        reader = self._csv()
        while True:
            self._taken.begin()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield [], [self._taken.give_back()], _fault(error, lines=len(self._taken.row))
            else:
                if not self._taken.cut and self._fits(cells):
                    yield cells, self._taken.row, ""
                    continue
                yield [], [self._taken.give_back()], "open_quote"
            reader = self._csv()

    def _fits(self, cells: list[str]) -> bool:
        """Whether the lines of a row belong together: a stray quote joins lines until the next one, and makes no row of them."""
        return len(self._taken.row) == 1 or self.columns is None or len(cells) == len(self.columns)

    def _csv(self) -> Iterator[list[str]]:
        quote = self._declared.quote
        return csv.reader(
            self._taken,
            delimiter=self._declared.delimiter or ("\t" if self._declared.format == "tsv" else ","),
            quotechar=quote or None,
            quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
            strict=True,  # else a quote that is never closed and the next one would make one row of two
        )

    def _header(self, cells: list[str], line: Line, fault: str) -> tuple[str, ...]:
        if fault := line.broken or fault:
            raise Malformed(
                f"The header of {self._name} cannot be read as {self._declared.encoding}: {fault}.",
                "Correct `encoding` in the feed's settings, or have the file written as declared.",
            )
        return named([name.strip() for name in cells], self._name, self._declared)

    def _row(self, number: int, cells: list[str], lines: list[Line], fault: str) -> Row | None:
        """The row; None for one in which nothing is written."""
        columns = self.columns or ()
        fault = next((line.broken for line in lines if line.broken), fault)
        if not fault and not any(map(str.strip, cells)):
            return None
        if not fault and len(cells) == len(columns):
            return Row(number, dict(zip(columns, cells, strict=True)))
        if lines[-1].open and len(cells) < len(columns):
            raise Malformed(f"{self._name} ends in the middle of a row, in line {number}.", "Deliver it again, whole.")
        return refused(number, fault or "ragged_row", "\n".join(lines))
