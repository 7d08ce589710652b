"""What CSV is in the wild: each bad row is kept back with its file, its line and why, and costs no other row."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.sources.files.conftest import variants
from varai.kernel import Malformed
from varai.sources.files.rows import LONGEST

GOOD = "1,a,2\n"
TRAPS = {
    "too few cells": ("2,b\n", "ragged_row"),
    "too many cells": ("2,b,3,4\n", "ragged_row"),
    "an open quote": ('2,"b,3\n', "open_quote"),
    "a quote within quotes": ('2,"b" c,3\n', "stray_quote"),
    "a NUL byte": ("2,b\0,3\n", "nul_byte"),
    "a NUL byte in quotes": ('2,"b\0\nb",3\n', "nul_byte"),
    "bytes that are no UTF-8": ("2,b\udcff,3\n", "wrong_encoding"),
    "no id": (",b,3\n", "missing_id"),
    "blanks for an id": ("  ,b,3\n", "missing_id"),
    "a huge field": (f"2,{'b' * (LONGEST + 1)},3\n", "huge_row"),
    "a carriage return": ("2,b\rc,3\n", "stray_return"),
}


@pytest.mark.parametrize("name", TRAPS)
@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_a_bad_row_is_kept_back_alone(name: str, place: str) -> None:
    bad, reason = TRAPS[name]
    rows = {"first": [bad, GOOD, GOOD], "middle": [GOOD, bad, GOOD], "last": [GOOD, GOOD, bad]}[place]
    line = 2 + rows.index(bad)
    desk = variants()
    desk.drop.lay("rows.csv", ("id,title,price\n" + "".join(rows)).encode("utf-8", "surrogateescape"))
    read = desk.read()
    assert [cells["id"] for cells in read.cells] == ["1", "1"]
    assert read.refused == [f"{reason}:rows.csv:{line}"]
    mapped, lost = desk.mapped(read.data)
    assert (len(mapped), [one["reason"] for one in lost]) == (2, read.refused)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(st.just(GOOD), st.sampled_from([bad for bad, _ in TRAPS.values() if len(bad) < 99])),
        min_size=1,
        max_size=12,
    )
)
def test_any_mixture_of_rows_is_counted_whole(rows: list[str]) -> None:
    """Two stray quotes may make one text of the lines between them, as CSV says; no line is lost, and nothing raises."""
    desk = variants()
    desk.drop.lay("rows.csv", ("id,title,price\n" + "".join(rows)).encode("utf-8", "surrogateescape"))
    read = desk.read()  # landed is what was counted apart
    within = [text for line in read.lines for text in (*line.get("cells", {}).values(), line.get("raw", ""))]
    found = [cells["id"] for cells in read.cells].count("1") + sum(text.count(GOOD.strip()) for text in within)
    assert found == rows.count(GOOD)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_at_all_are_rows_or_a_sentence(data: bytes) -> None:
    desk = variants()
    desk.drop.lay("rows.csv", b"id,title,price\n" + data)
    try:
        read = desk.read()
    except Malformed:
        return
    desk.mapped(read.data)


@pytest.mark.parametrize(("text", "told"), [
    ("", "not even a header"),
    ("\n\n", "not even a header"),
    (",,\n1,2,3\n", "names no column"),
    ("id,price\n1,2\n", "lacks the columns title"),
    ("id,title,price,price\n1,a,2,3\n", "has the columns price twice"),
    ('id,title,"price\n1,a,2\n', "open_quote"),
])  # fmt: skip
def test_a_header_that_cannot_be_used_refuses_the_file(text: str, told: str) -> None:
    desk = variants()
    desk.drop.lay("rows.csv", text)
    with pytest.raises(Malformed, match=told):
        desk.read()


def test_columns_that_no_field_uses_may_be_nameless_or_double() -> None:
    desk = variants()
    desk.drop.lay("rows.csv", "id,,x,title,x,price\n1,2,3,a,5,6\n")
    assert desk.read().cells == [
        {"id": "1", "column 2": "2", "column 3": "3", "title": "a", "column 5": "5", "price": "6"}
    ]


def test_blank_lines_and_empty_rows_are_no_rows() -> None:
    desk = variants()
    desk.drop.lay("rows.csv", "\r\nid,title,price\r\n\r\n1,a,2\r\n,,\r\n  \r\n2,b,3")
    assert [cells["id"] for cells in desk.read().cells] == ["1", "2"]


def test_a_quote_is_nothing_special_where_none_is_declared() -> None:
    desk = variants(quote="", files="*.tsv")
    desk.drop.lay("rows.tsv", 'id\ttitle\tprice\n1\t15" screen\t2\n2\t"x\t3\n')
    assert [cells["title"] for cells in desk.read().cells] == ['15" screen', '"x']


@pytest.mark.parametrize(
    "line", ['{"id": 1,', "[1]", "7", "null", '{"id": NaN}x', "\udcff", '{"id": "\0"}', "[" * 3000]
)
def test_a_bad_line_of_json_is_kept_back_alone(line: str) -> None:
    desk = variants()
    text = f'{{"id": 1, "title": "a", "price": 1}}\n{line}\n\n{{"id": 3, "title": "c", "price": 3}}\n'
    desk.drop.lay("rows.ndjson", text.encode("utf-8", "surrogateescape"))
    read = desk.read()
    assert [cells["id"] for cells in read.cells] == ["1", "3"]
    assert len(read.refused) == 1 and read.refused[0].endswith(":rows.ndjson:2")


@pytest.mark.parametrize("row", ['3,"c",4\n', '3,"c, or\nd",4\n', '"3",c,"4"\n', '3,"say ""so""",4\n', '3,"c","4"\n'])
@pytest.mark.parametrize("stray", ['2,"b,3\n', '"2,b,3\n', '2,b,"3\n'])
def test_a_stray_quote_makes_no_row_of_two(stray: str, row: str) -> None:
    """It would be closed by the first quote of the next row; what comes of that is no row, so the lines are read apart."""
    desk = variants()
    desk.drop.lay("rows.csv", f"id,title,price\n1,a,2\n{stray}{row}4,d,5\n")
    read = desk.read()
    assert [cells["id"] for cells in read.cells] == ["1", "3", "4"]
    assert read.refused == ["open_quote:rows.csv:3"]


def test_lines_that_a_stray_quote_joins_to_no_row_are_read_apart() -> None:
    desk = variants()
    desk.drop.lay("rows.csv", 'id,title,price\n2,"b,3\n3,c",4,5\n4,d,5\n')
    read = desk.read()
    assert [cells["id"] for cells in read.cells] == ["4"]
    assert read.refused == ["open_quote:rows.csv:2", "ragged_row:rows.csv:3"]
