"""Which records a read has met, and in which versions: numbers of ids in, "new", "again" or "same" out, in memory that stays flat."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

_SPREAD: Final = 0x9E3779B97F4A7C15
"""2**64 divided by the golden ratio, odd: multiplied by it, numbers in sequence lie far apart (Knuth, TAOCP 3, 6.4)."""

Meeting = Literal["new", "again", "same"]


class Seen:
    """Which (id, version) a read has met, in 16 bytes a slot: two arrays hashed open, so that memory stays flat.

    Keys are the numbers of ids; versions are kept as 64-bit hashes of their text.
    """

    def __init__(self) -> None:
        self._mask = 1023
        self._keys = array("Q", bytes(8 * (self._mask + 1)))
        self._versions = array("Q", bytes(8 * (self._mask + 1)))
        self._used = 0

    def __len__(self) -> int:
        """How many ids."""
        return self._used

    def __contains__(self, number: int) -> bool:
        return self._keys[self._slot(number + 1)] != 0

    def __iter__(self) -> Iterator[int]:
        """The ids' numbers, in no order."""
        return (key - 1 for key in self._keys if key)

    def copy(self) -> Seen:
        """Another that has met the same."""
        other = Seen()
        other._mask, other._used = self._mask, self._used
        other._keys, other._versions = self._keys[:], self._versions[:]
        return other

    def meet(self, number: int, version: str | bytes = "") -> Meeting:
        """Note a record: "new" to us, "again" in another version, or the "same" as before."""
        stamp = hash(version) & 0xFFFFFFFFFFFFFFFF
        at = self._slot(number + 1)
        if self._keys[at]:
            if self._versions[at] == stamp:
                return "same"
            self._versions[at] = stamp
            return "again"
        self._keys[at], self._versions[at] = number + 1, stamp
        self._used += 1
        if self._used * 4 > self._mask * 3:
            self._grow()
        return "new"

    def _slot(self, key: int) -> int:
        at = (key * _SPREAD >> 20) & self._mask
        keys = self._keys
        while keys[at] and keys[at] != key:
            at = (at + 1) & self._mask
        return at

    def meet_each(
        self, numbers: list[int], versions: Sequence[str] | Sequence[bytes] | None = None
    ) -> Sequence[Meeting]:
        """`meet` for many: at once where all are new, as they mostly are."""
        if self.meet_new(numbers, versions):
            return ["new"] * len(numbers)
        if versions is None:
            return list(map(self.meet, numbers))
        return list(map(self.meet, numbers, versions))

    def meet_new(self, numbers: list[int], versions: Sequence[str] | Sequence[bytes] | None = None) -> bool:
        """Note records that are all new; False, and nothing noted, where one of them was met before or comes twice."""
        if len(set(numbers)) < len(numbers):
            return False
        keys = np.array(numbers, np.uint64) + np.uint64(1)
        while (self._used + len(keys)) * 4 > self._mask * 3:
            self._grow()
        found, slots = self._probe(keys)
        if (found == keys).any():
            return False
        stamps = np.fromiter(map(hash, versions or repeat("", len(keys))), np.int64, len(keys))
        self._place(keys, stamps.view(np.uint64), slots)
        self._used += len(keys)
        return True

    def _probe(self, keys: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """What each key's slot holds, itself or nothing, and which slot that is; as `_slot`, for many."""
        held, mask = np.frombuffer(self._keys, np.uint64), np.uint64(self._mask)
        at = (keys * np.uint64(_SPREAD) >> np.uint64(20)) & mask
        while True:
            found = held[at]
            passed = (found != 0) & (found != keys)
            if not passed.any():
                return found, at
            at = np.where(passed, (at + np.uint64(1)) & mask, at)

    def _place(self, keys: NDArray[np.uint64], stamps: NDArray[np.uint64], slots: NDArray[np.uint64]) -> None:
        """Give the free slots that were found for keys to them; where several want the same, one gets it and the others look on."""
        held, versions = np.frombuffer(self._keys, np.uint64), np.frombuffer(self._versions, np.uint64)
        while len(keys):
            taken, first = np.unique(slots, return_index=True)
            held[taken], versions[taken] = keys[first], stamps[first]
            keys, stamps = np.delete(keys, first), np.delete(stamps, first)
            slots = self._probe(keys)[1]

    def _grow(self) -> None:
        keys, versions = np.frombuffer(self._keys, np.uint64), np.frombuffer(self._versions, np.uint64)
        self._mask = self._mask * 2 + 1
        self._keys = array("Q", bytes(8 * (self._mask + 1)))
        self._versions = array("Q", bytes(8 * (self._mask + 1)))
        living = keys != 0
        self._place(keys[living], versions[living], self._probe(keys[living])[1])
