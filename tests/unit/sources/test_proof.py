"""A list read by pages is proven whole, or is not taken for whole: whatever moves, repeats or is passed over meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from varai.kernel import Unbalanced
from varai.sources.proof import Listed, Part, Proof, Record, number_of


@dataclass
class Shelf:
    """A vendor's list by numbered pages, to which something happens before every page."""

    rows: dict[int, int]
    changes: list[tuple[str, int]]
    size: int
    gone: set[int] = field(default_factory=set)

    def page(self, number: int) -> Listed:
        if self.changes:
            kind, key = self.changes.pop()
            if kind == "leave":
                if self.rows.pop(key, None) is not None:
                    self.gone.add(key)
            elif kind == "change" and key in self.rows:
                self.rows[key] += 1
        start = (number - 1) * self.size
        shown = sorted(self.rows)[start : start + self.size]
        return Listed([Record(key, str(self.rows[key]), msgspec.Raw(b"{}")) for key in shown], len(self.rows))

    def still_listed(self, ids: list[int]) -> set[int]:
        return set(ids) & self.rows.keys()


@given(
    rows=st.integers(0, 40),
    size=st.integers(1, 9),
    changes=st.lists(st.tuples(st.sampled_from(["leave", "change"]), st.integers(1, 40)), max_size=12),
)
def test_what_stays_listed_is_met_and_all_that_came_is_counted(
    rows: int, size: int, changes: list[tuple[str, int]]
) -> None:
    shelf = Shelf(dict.fromkeys(range(1, rows + 1), 0), list(changes), size)
    proof, came = Proof(shelf), list[tuple[int, str]]()
    try:
        for records in proof.pages():
            came += [(record.id, record.version) for record in records]
    except Unbalanced:
        assert len(changes) > len(shelf.changes)  # never where nothing happened
        return
    assert shelf.rows.keys() <= {key for key, _ in came} <= shelf.rows.keys() | shelf.gone
    assert len(came) == len(set(came)) == proof.vendor_count


class Lying(Shelf):
    """A vendor that counts one more than it has."""

    def page(self, number: int) -> Listed:
        listed = super().page(number)
        return Listed(listed.records, listed.total + 1)


class Skipping(Shelf):
    """A vendor that always leaves one row out."""

    def page(self, number: int) -> Listed:
        listed = super().page(number)
        return Listed([record for record in listed.records if record.id != 2], listed.total)


class Short(Shelf):
    """A vendor that counts some fewer than it has: the count ends with a full page."""

    def page(self, number: int) -> Listed:
        listed = super().page(number)
        return Listed(listed.records, listed.total // self.size * self.size)


@pytest.mark.parametrize("kind", [Lying, Skipping, Short])
def test_a_list_that_is_not_what_it_counts_is_never_whole(kind: type[Shelf]) -> None:
    with pytest.raises(Unbalanced):
        list(Proof(kind(dict.fromkeys(range(1, 8), 0), [], 3)).pages())


@dataclass
class Walk:
    """A vendor's list that is read on from the last id, counted or not, to which something happens before every part."""

    rows: dict[int, int]
    changes: list[tuple[str, int]]
    size: int
    counted: bool = True
    hidden: frozenset[int] = frozenset()

    def walk(self) -> Iterator[Part]:
        total, last = self._count(), 0
        while shown := [key for key in sorted(self.rows) if key > last and key not in self.hidden][: self.size]:
            yield Part([Record(key, str(self.rows[key]), msgspec.Raw(b"{}")) for key in shown], total)
            last = shown[-1]
            if self.changes:
                kind, key = self.changes.pop()
                if kind == "leave":
                    self.rows.pop(key, None)
                elif key in self.rows:
                    self.rows[key] += 1
        yield Part([], self._count())

    def _count(self) -> int | None:
        return len(self.rows) if self.counted else None

    def still_listed(self, ids: list[int]) -> set[int]:
        return set(ids) & self.rows.keys()


@pytest.mark.parametrize("counted", [True, False])
@given(
    rows=st.integers(0, 40),
    size=st.integers(1, 9),
    changes=st.lists(st.tuples(st.sampled_from(["leave", "change"]), st.integers(1, 40)), max_size=12),
)
def test_a_walk_is_proven_as_pages_are(counted: bool, rows: int, size: int, changes: list[tuple[str, int]]) -> None:
    given = Walk(dict.fromkeys(range(1, rows + 1), 0), list(changes), size, counted)
    proof, came = Proof(given), list[tuple[int, str]]()
    try:
        for records in proof.pages():
            came += [(record.id, record.version) for record in records]
    except Unbalanced:
        assert len(changes) > len(given.changes)  # never where nothing happened
        return
    assert given.rows.keys() <= {key for key, _ in came}
    assert len(came) == len(set(came)) == proof.vendor_count


def test_a_walk_that_hides_a_record_is_never_whole_where_it_is_counted() -> None:
    with pytest.raises(Unbalanced, match="it said 7, and 6 came"):
        list(Proof(Walk(dict.fromkeys(range(1, 8), 0), [], 3, hidden=frozenset({4}))).pages())


def test_without_a_count_every_reading_that_proves_is_the_second_of_its_kind() -> None:
    quiet = Walk(dict.fromkeys(range(1, 8), 0), [], 3, counted=False)
    proof = Proof(quiet)
    assert sum(len(records) for records in proof.pages()) == proof.vendor_count == 7
    going = Walk(dict.fromkeys(range(1, 8), 0), [("leave", number) for number in range(7, 0, -1)], 9, counted=False)
    with pytest.raises(Unbalanced, match="other ids each time"):
        list(Proof(going).pages())


def test_what_has_no_number_is_told_by_all_its_texts() -> None:
    texts = [("a", "b"), ("ab", ""), ("", "ab"), ("b", "a"), ("a",)]
    numbers = {number_of(*each) for each in texts}
    assert len(numbers) == len(texts)
    assert all(0 <= number < 2**63 for number in numbers)


class Repeating(Shelf):
    """A vendor that gives its last page again for every page beyond the end."""

    def page(self, number: int) -> Listed:
        return super().page(min(number, -(-len(self.rows) // self.size)))


class Forgetful(Shelf):
    """A vendor that counts nothing on a page beyond the end."""

    def page(self, number: int) -> Listed:
        listed = super().page(number)
        return listed if listed.records else Listed([], 0)


@pytest.mark.parametrize("kind", [Shelf, Repeating, Forgetful])
@pytest.mark.parametrize("rows", [3, 6, 7])
def test_what_is_beyond_the_end_counts_nothing(kind: type[Shelf], rows: int) -> None:
    proof = Proof(kind(dict.fromkeys(range(1, rows + 1), 0), [], 3))
    assert [record.id for records in proof.pages() for record in records] == list(range(1, rows + 1))
    assert proof.vendor_count == rows
