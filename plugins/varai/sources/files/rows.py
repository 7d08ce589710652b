"""What readers of files give: rows of texts, rows that cannot be trusted with the reason, and a count taken apart from them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol

LONGEST: Final = 4 * 2**20
"""Characters of the longest row that is read; of a longer one only its place is kept."""
SHOWN: Final = 2_000
"""Characters of a row that cannot be trusted that are landed, so that it can be looked at."""


class Row(NamedTuple):
    """One row.

    Attributes:
        number: as an editor or a spreadsheet counts, from 1, the header included.
        cells: column -> text; empty where the row cannot be trusted.
        reason: why it cannot be, a word; empty: it can.
        raw: of such a row, its beginning.
    """

    number: int
    cells: dict[str, str]
    reason: str = ""
    raw: str = ""


class Reader(Protocol):
    """A file that is being read. Iterate it once; `counted` is final then."""

    columns: tuple[str, ...] | None
    """Names of its columns, once they are known; None where rows may each have others."""

    @property
    def counted(self) -> int:
        """Rows of the file, counted by another way than by the rows that were given."""
        ...

    def __iter__(self) -> Iterator[Row]:
        """Its rows, in order, in memory that does not grow with them. Raises Malformed."""
        ...


def refused(number: int, reason: str, raw: str) -> Row:
    """A row that cannot be trusted."""
    return Row(number, {}, reason, raw[:SHOWN])
