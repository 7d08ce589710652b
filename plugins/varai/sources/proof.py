"""Proof that a list read by numbered pages is whole: the vendor's count beside every page, and each id met once.

Pages drift while rows change: a row that leaves moves those after it one place forward, and the next page passes one over. A reading is
whole when the count stood still and as many ids came. Otherwise it is done again; a record met before in the same version is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol

import msgspec

from varai.kernel import Unbalanced
from varai.sources.seen import Seen

ROUNDS: Final = 3


class Record(NamedTuple):
    """A record that nobody looked into, beside what tells it and its version."""

    id: int
    version: str
    node: msgspec.Raw


class Listed(NamedTuple):
    """One page: its records, and how many the whole list has, as the vendor counts them."""

    records: list[Record]
    total: int


class Numbered(Protocol):
    """A list that a vendor gives by page numbers, sorted by id."""

    @property
    def size(self) -> int:
        """Records on a full page."""
        ...

    def page(self, number: int) -> Listed:
        """The page of this number, from 1 on."""
        ...

    def still_listed(self, ids: list[int]) -> set[int]:
        """Those of these ids that the list has now."""
        ...


class Proof:
    """Reads a list until it is proven whole; then `vendor_count` and `seen` are final."""

    def __init__(self, listed: Numbered) -> None:
        self._list = listed
        self.seen = Seen()
        self.vendor_count: int | None = None
        self._again = 0

    def pages(self) -> Iterator[list[Record]]:
        """The records, page by page, each version of each once. Raises Unbalanced when no round proves the list whole."""
        for _ in range(ROUNDS):
            ids, totals = Seen(), set[int]()
            yield from self._round(ids, totals)
            if totals == {len(ids)} and self._explained(ids):
                return
        raise Unbalanced(
            f"The vendor's count does not stand still or is not what its pages hold: it said {sorted(totals)[-1]}, and {len(ids)} came.",
            "Run the feed again; if it stays so, the vendor's list leaves out records.",
        )

    def _round(self, ids: Seen, totals: set[int]) -> Iterator[list[Record]]:
        number = 1
        while True:
            listed = self._list.page(number)
            totals.add(listed.total)
            fresh = []
            for record in listed.records:
                ids.meet(record.id)
                met = self.seen.meet(record.id, record.version)
                self._again += met == "again"
                if met != "same":
                    fresh.append(record)
            if fresh:
                yield fresh
            # By the count: a vendor may give the last page again and again, or an empty one that is no end.
            if number * self._list.size >= listed.total:
                return
            number += 1

    def _explained(self, ids: Seen) -> bool:
        """Whether what came and is not in the last round has left the list, by a change after the window or by being deleted."""
        gone = [key for key in self.seen if key not in ids]
        if gone and self._list.still_listed(gone):
            return False
        self.vendor_count = len(ids) + len(gone) + self._again
        return True
