"""A file is read when it is whole: untouched for a while, or marked as done; and what is cut is refused, not read as if it were whole."""

from __future__ import annotations

import gzip
import io
import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, BinaryIO

import pytest

from tests.unit.sources.files.conftest import NOW, WHOLE, MemoryDrop, csv_of, variants
from tests.unit.sources.files.writers import FORMATS, columnar
from varai.kernel import Malformed, Unavailable, Window

TEXT = csv_of([["id", "title", "price"], ["1", "a", "2"], ["2", "b", "3"]])
ROWS = [{"id": str(at), "title": random.Random(at).randbytes(20).hex(), "price": "1"} for at in range(300)]


def test_a_file_that_is_being_written_waits_and_is_read_by_a_later_window() -> None:
    desk = variants(settle_s=120)
    desk.drop.lay("rows.csv", TEXT[:20], NOW - timedelta(seconds=30))
    assert desk.read().lines == []
    desk.drop.lay("rows.csv", TEXT, NOW + timedelta(seconds=10))
    later = NOW + timedelta(minutes=15)
    assert len(desk.read(Window(start=NOW, end=later), now=later).lines) == 2


def test_with_a_marker_no_file_is_read_without_it_and_any_is_read_with_it() -> None:
    desk = variants("*.csv", done=".done")
    desk.drop.lay("old.csv", TEXT, NOW - timedelta(days=3))
    assert desk.read().lines == []
    desk.drop.lay("old.csv.done", b"", NOW)
    assert len(desk.read().lines) == 2
    assert [one["file"] for one in desk.read().lines] == ["old.csv", "old.csv"]


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_cut_within_a_row_is_refused_in_every_format(name: str) -> None:
    whole = FORMATS[name](ROWS)
    desk = variants()
    middle = whole.index(b"\n", len(whole) // 2) + 3 if name.endswith((".csv", ".tsv", ".ndjson")) else len(whole) // 2
    desk.drop.lay(name, whole[:middle])
    with pytest.raises(Malformed, match=f"{name}|workbook|Parquet"):
        desk.read()


@pytest.mark.parametrize(
    ("name", "given"), [("rows.ndjson", {}), ("rows.csv", {"header": ("id", "title", "price")}), ("rows.csv", {})]
)
def test_another_thing_by_the_name_of_a_file_is_refused_and_no_rows_to_be_kept_back(
    name: str, given: dict[str, Any]
) -> None:
    desk = variants(**given)
    desk.drop.lay(name, "<!DOCTYPE html>\n<html><body>502 Bad Gateway</body></html>\n")
    with pytest.raises(Malformed, match=rf"{name}.*(declares|lacks)"):
        desk.read()


@pytest.mark.parametrize("lost", [1, 5, 12])
def test_the_last_bytes_of_what_is_packed_are_missed(lost: int) -> None:
    for name, whole in (("rows.csv.gz", gzip.compress(TEXT.encode())), ("rows.parquet", columnar(ROWS))):
        desk = variants()
        desk.drop.lay(name, whole[:-lost])
        with pytest.raises(Malformed):
            desk.read()


class Growing(MemoryDrop):
    """Somebody writes on while a file is read."""

    def open(self, name: str) -> BinaryIO:
        data, at = self.held[name]
        self.held[name] = (data + b"3,c,4\n", at + timedelta(seconds=1))
        return io.BytesIO(data)


class Vanishing(MemoryDrop):
    """Somebody takes files away between the list and the reading."""

    def open(self, name: str) -> BinaryIO:
        del self.held[name]
        return super().open(name)


@pytest.mark.parametrize("drop", [Growing(), Vanishing()])
def test_a_file_that_moves_while_it_is_read_fails_the_slice(drop: MemoryDrop) -> None:
    desk = variants()
    desk.drop = drop
    desk.drop.lay("rows.csv", TEXT)
    with pytest.raises(Unavailable, match=r"rows\.csv"):
        desk.read(WHOLE)


def test_reading_stops_early_without_a_trace() -> None:
    closed: list[bool] = []

    class Watched(io.BytesIO):
        def close(self) -> None:
            closed.append(True)
            super().close()

    class Watching(MemoryDrop):
        def open(self, name: str) -> BinaryIO:
            return Watched(self.held[name][0])

    from varai.sources.files.declared import declared
    from varai.sources.files.reading import reading

    desk = variants()
    desk.drop = Watching()
    desk.drop.lay("rows.csv", TEXT)

    def first() -> Iterator[object]:
        with reading(desk.drop, desk.drop.files()[0], declared(desk.feed, "variants")) as reader:
            yield next(iter(reader))

    assert next(first())
    assert closed
