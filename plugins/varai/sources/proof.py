"""Proof that a list read by pages is whole: the vendor's count beside every page, and each id met once.

Pages drift while rows change: a row that leaves moves those after it one place forward, and the next page passes one over. A reading is
whole when the count stood still and as many ids came. Otherwise it is done again; a record met before in the same version is left out.
Where the vendor has no count of what it lists, two readings in sequence must give the same ids.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from itertools import chain
from typing import Any, Final, NamedTuple, Protocol, runtime_checkable

import msgspec

from varai.kernel import Unbalanced
from varai.sources.seen import Seen

ROUNDS: Final = 3


class Record(NamedTuple):
    """A record as the vendor wrote it, beside what tells it and its version, and what else was read of it on the way (`head`)."""

    id: int
    version: str
    node: msgspec.Raw
    head: Any = None


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


class Part(NamedTuple):
    """Some records of a list in sequence, and how many the whole list has; None where the vendor does not count it."""

    records: list[Record]
    total: int | None


@runtime_checkable
class Walked(Protocol):
    """A list that a vendor gives in another way than by page numbers: by cursors, or by what is beyond an id."""

    def walk(self) -> Iterator[Part]:
        """All of it once, from the first record to the last. A count that stands beside several parts should be taken anew at the end."""
        ...

    def still_listed(self, ids: list[int]) -> set[int]:
        """Those of these ids that the list has now."""
        ...


class Proof:
    """Reads a list until it is proven whole; then `vendor_count` and `seen` are final."""

    def __init__(self, listed: Numbered | Walked) -> None:
        self._list = listed
        self.seen = Seen()
        self.vendor_count: int | None = None
        self._again = 0
        self._ahead: Iterator[Part] | None = None

    def begin(self) -> int | None:
        """How many records the list has, as is told beside its first page, which `pages` then gives without asking again."""
        parts = self._parts()
        first = next(parts)
        self._ahead = chain([first], parts)
        return first.total

    def pages(self) -> Iterator[list[Record]]:
        """The records, page by page, each version of each once. Raises Unbalanced when no round proves the list whole."""
        before: Seen | None = None
        for nth in range(ROUNDS):
            # The first round's ids are all that were seen: they are noted once.
            ids, totals = self.seen if nth == 0 else Seen(), set[int | None]()
            yield from self._round(ids, totals)
            if _whole(ids, totals, before) and self._explained(ids):
                return
            before = ids.copy() if ids is self.seen else ids
        told = max((total for total in totals if total is not None), default=None)
        raise Unbalanced(
            f"The vendor's list does not stand still, and its pages hold other ids each time: {len(ids)} came last."
            if told is None
            else f"The vendor's count does not stand still or is not what its pages hold: it said {told}, and {len(ids)} came.",
            "Run the feed again; if it stays so, the vendor's list leaves out records.",
        )

    def _round(self, ids: Seen, totals: set[int | None]) -> Iterator[list[Record]]:
        parts, self._ahead = self._ahead or self._parts(), None
        for part in parts:
            totals.add(part.total)
            numbers = [record.id for record in part.records]
            if ids is not self.seen:
                ids.meet_each(numbers)
            meetings = self.seen.meet_each(numbers, [record.version for record in part.records])
            self._again += meetings.count("again")
            fresh = [record for record, met in zip(part.records, meetings, strict=True) if met != "same"]
            if fresh:
                yield fresh

    def _parts(self) -> Iterator[Part]:
        return self._list.walk() if isinstance(self._list, Walked) else _numbered(self._list)

    def _explained(self, ids: Seen) -> bool:
        """Whether what came and is not in the last round has left the list, by a change after the window or by being deleted."""
        gone = [key for key in self.seen if key not in ids]
        if gone and self._list.still_listed(gone):
            return False
        self.vendor_count = len(ids) + len(gone) + self._again
        return True


def _numbered(listed: Numbered) -> Iterator[Part]:
    """The pages to the end that the count tells: a vendor may give the last page again and again, or an empty one that is no end.

    A last page that is full is not taken at the count's word: where the next one brings other records, the count is too low.
    """
    number, last, met = 1, False, set[int]()
    while True:
        page = listed.page(number)
        ids = {record.id for record in page.records}
        if last and ids <= met:
            return  # what is said to be beyond the end counts nothing
        yield Part(*page)
        last, met = number * listed.size >= page.total, ids
        if last and len(page.records) < listed.size:
            return
        number += 1


def _whole(ids: Seen, totals: set[int | None], before: Seen | None) -> bool:
    """Whether a round is whole: by its count or, where there is none, by being what the round before was."""
    if totals == {None}:
        return before is not None and len(before) == len(ids) and all(key in ids for key in before)
    return totals == {len(ids)}


def number_of(*texts: str) -> int:
    """A number for what has none: 63 bits of a hash of its texts. Two that fall together are fewer than counted, so they are noticed."""
    digest = blake2b("\0".join(texts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
