"""What readers of files give: rows of texts, rows that cannot be trusted with the reason, and a count taken apart from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, Protocol

from varai.kernel import Malformed

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


def vouched(name: str, rows: Iterable[Row]) -> Iterator[Row]:
    """The rows of a file of which nothing but its rows says what it is.

    Raises Malformed, at its end, where not one of them can be trusted: it is another thing by that name, an error page say.
    """
    last, trusted = None, False
    for last in rows:
        trusted = trusted or not last.reason
        yield last
    if last is not None and not trusted:
        raise Malformed(
            f"Not one row of {name} can be read as what the feed declares; {last.reason} is what is wrong in line {last.number}.",
            "Deliver it again, or correct the feed's settings.",
        )


def refused(number: int, reason: str, raw: str) -> Row:
    """A row that cannot be trusted."""
    return Row(number, {}, reason, raw[:SHOWN])
