"""Each file is read once, in the window in which it was first met, whatever its date says; and again where that window is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.sources.files.conftest import NOW, Desk, MemoryNotes, csv_of, variants
from varai.kernel import Conflict, Gone, Malformed, Window

STEP = timedelta(minutes=15)


def text(*ids: str, price: str = "1") -> str:
    return csv_of([["id", "title", "price"], *([one, "t", price] for one in ids)])


def window(step: int) -> Window:
    """The first reaches back to the beginning; each begins where the one before ends."""
    return Window(start=None if step == 0 else NOW + (step - 1) * STEP, end=NOW + step * STEP)


def read(desk: Desk, step: int) -> list[str]:
    """Files and ids that a window gives."""
    return [f"{one['file']}:{one['key']}" for one in desk.read(window(step), now=NOW + step * STEP).lines]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(-900, 0)), max_size=3), min_size=1, max_size=5),
    st.booleans(),
)
def test_every_version_of_a_file_is_read_in_just_one_window(laid: list[list[tuple[str, int]]], twice: bool) -> None:
    """Files arrive with dates long past, as by `cp -p` or SFTP; a run that died reads its window again."""
    desk = variants("*.csv")
    seen: list[str] = []
    for step, files in enumerate(laid):
        arrived = {}
        for name, days in files:
            at = NOW + timedelta(days=days - 1, seconds=step)
            desk.drop.lay(f"{name}.csv", text(f"{name}{step}"), at)
            arrived[name] = f"{name}.csv:{name}{step}"
        found = read(desk, step)
        assert sorted(found) == sorted(arrived.values())
        if twice:
            assert read(desk, step) == found
        seen += found
    assert len(seen) == len(set(seen))


def test_a_file_delivered_again_is_read_again_and_says_the_same() -> None:
    desk = variants("*.csv")
    desk.drop.lay("a.csv", text("1"))
    first = desk.mapped()[0]
    assert read(desk, 1) == []
    desk.drop.lay("a.csv", text("1"), NOW)
    later = Window(start=NOW + STEP, end=NOW + 2 * STEP)
    again, _ = desk.mapped(desk.read(later, now=NOW + 2 * STEP).data)
    assert [row["content_hash"] for row in again] == [row["content_hash"] for row in first]


def test_the_oldest_file_comes_first_by_the_date_in_its_name() -> None:
    desk = variants("*.csv", dated="%d%m%y")
    desk.drop.lay("stock-021126.csv", text("1", price="2"), NOW - timedelta(days=9))
    desk.drop.lay("stock-311026.csv", text("1", price="1"), NOW - timedelta(days=1))
    lines = desk.read().lines
    assert [one["file"] for one in lines] == ["stock-311026.csv", "stock-021126.csv"]
    assert [one["dated"][:10] for one in lines] == ["2026-10-31", "2026-11-02"]


def test_a_name_without_the_date_declared_is_told() -> None:
    for name in ("stock.csv", "stock-999999.csv"):
        desk = variants("*.csv", dated="stock-%d%m%y.csv")
        desk.drop.lay(name, text("1"))
        with pytest.raises(Malformed, match=name):
            desk.read()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(1, 28), max_size=3, unique=True), min_size=1, max_size=5))
def test_of_whole_states_only_the_newest_is_read_and_never_an_older_one_after_it(days: list[list[int]]) -> None:
    desk = variants("*.csv", kind="full", dated="s-%Y%m%d")
    newest = 0
    for step, some in enumerate(days):
        for day in some:
            desk.drop.lay(
                f"s-202610{day:02}.csv", text(f"{day}-{step}"), NOW + timedelta(seconds=step) - timedelta(days=1)
            )
        found = read(desk, step)
        last = max(some, default=0)
        assert found == ([f"s-202610{last:02}.csv:{last}-{step}"] if last >= newest and last else [])
        newest = max(newest, last)


def test_a_whole_state_lists_its_ids_and_a_delta_lists_none() -> None:
    for kind, listed in (("full", ["1", "2"]), ("delta", None)):
        desk = variants(kind=kind)
        desk.drop.lay("a.csv", text("1", "2"))
        listing = desk.read().extraction.listing
        assert (None if listing is None else listing.ids.to_pylist()) == listed


def test_a_row_that_cannot_be_read_may_be_any_so_nothing_is_listed() -> None:
    desk = variants(kind="full")
    desk.drop.lay("a.csv", text("1", "2") + "cut\n")
    assert desk.read().extraction.listing is None


def test_a_read_of_everything_refuses_to_forget_what_was_taken_away() -> None:
    for kind in ("full", "delta"):
        desk = variants("*.csv", kind=kind)
        desk.drop.lay("a.csv", text("1"))
        read(desk, 0)
        del desk.drop.held["a.csv"]
        assert read(desk, 1) == []
        with pytest.raises(Gone, match=r"a\.csv"):
            desk.read(Window(start=None, end=NOW + 2 * STEP), now=NOW + 2 * STEP)


def test_what_is_taken_away_before_its_window_settled_is_no_loss() -> None:
    """A file that could not be read stops its window; without it, the window is read again."""
    for kind in ("full", "delta"):
        desk = variants("*.csv", kind=kind)
        desk.drop.lay("a.csv", text("1"))
        desk.drop.lay("b.csv", "no,such,columns\n1,2,3\n", NOW - timedelta(minutes=30))
        with pytest.raises(Malformed):
            read(desk, 0)
        del desk.drop.held["b.csv"]
        assert read(desk, 0) == ["a.csv:1"]
        assert read(desk, 1) == []


def test_only_files_of_the_declared_name_are_taken() -> None:
    desk = variants("in/p?.csv")
    for name in ("in/p1.csv", "in/p12.csv", "p1.csv", "in/P1.csv", "in/p1.csv.tmp"):
        desk.drop.lay(name, text("1"))
    assert {one["file"] for one in desk.read().lines} == {"in/p1.csv"}


def test_notes_that_moved_meanwhile_stop_the_read() -> None:
    class Stale(MemoryNotes):
        def get(self) -> tuple[None, int]:
            return None, self.version - 1

    desk = variants()
    desk.notes = Stale()
    desk.drop.lay("a.csv", text("1"))
    with pytest.raises(Conflict):
        desk.read()
