"""Digests in buckets: no order, no permutation and no number of buckets changes what is found, and no single change escapes."""

from __future__ import annotations

from collections import Counter
from random import Random

import duckdb
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from varai.river.proof.buckets import differing

KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=4)
ROW = st.tuples(KEYS, st.one_of(st.none(), st.text("ab", max_size=3)))
ROWS = st.lists(ROW, max_size=40)
Rows = list[tuple[str, str | None]]


CON = duckdb.connect(config={"threads": 1})
MANY = settings(deadline=None, max_examples=60)


def _differing(one: Rows, other: Rows, buckets: int) -> tuple[set[str], int]:
    for name, rows in (("one", one), ("other", other)):
        columns = [pa.array([row[at] for row in rows], pa.string()) for at in (0, 1)]
        CON.register(name, pa.table(columns, names=["key", "digest"]))
    CON.execute("CREATE OR REPLACE TABLE found (key VARCHAR)")
    opened = differing(CON, "SELECT * FROM one", "SELECT * FROM other", "found", buckets=buckets)
    return {row[0] for row in CON.execute("SELECT key FROM found").fetchall()}, opened


def _plainly(one: Rows, other: Rows) -> set[str]:
    """What a dictionary of all rows would find."""
    counted: tuple[Counter[tuple[str, str | None]], ...] = (Counter(one), Counter(other))
    return {key for key, _ in {*one, *other} if _of(counted[0], key) != _of(counted[1], key)}


def _of(counted: Counter[tuple[str, str | None]], key: str) -> dict[str | None, int]:
    return {digest: n for (name, digest), n in counted.items() if name == key}


@MANY
@given(ROWS, ROWS, st.sampled_from([1, 2, 16, 1024]))
def test_it_finds_what_a_comparison_of_dictionaries_finds(one: Rows, other: Rows, buckets: int) -> None:
    found, opened = _differing(one, other, buckets)
    assert found == _plainly(one, other)
    assert (opened == 0) == (found == set())


@MANY
@given(ROWS, st.randoms(use_true_random=False))
def test_a_permutation_is_the_same(rows: Rows, random: Random) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert _differing(rows, shuffled, 16) == (set(), 0)


@MANY
@given(st.lists(ROW, min_size=1, max_size=40), st.data())
def test_one_change_is_found_and_opens_one_bucket(rows: Rows, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(rows) - 1))
    before, (key, digest), after = rows[:at], rows[at], rows[at + 1 :]
    changes = [[*before, *after], [*rows, rows[at]], [*before, (key, f"{digest}c"), *after]]
    assert _differing(rows, data.draw(st.sampled_from(changes)), 1024) == ({key}, 1)


def test_copies_do_not_cancel_one_another() -> None:
    """What is there twice has no trace in an exclusive or: the sums tell it."""
    assert _differing([("a", "1"), ("a", "1")], [("a", "2"), ("a", "2")], 16) == ({"a"}, 1)
