"""What a retailer writes is what is read, in every format: each text as it was, each row once, none besides."""

from __future__ import annotations

import csv
import string
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.sources.files.conftest import Desk, variants
from tests.unit.sources.files.writers import FORMATS, columnar, delimited, workbook

_PLAIN = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\0\ufffd", exclude_categories=("Cc", "Cs", "Co", "Cn")),
    max_size=20,
)
TEXT = st.one_of(
    _PLAIN,
    st.sampled_from(["0012345", "a\nb", 'say "so"', "a,b", "a;b\tc", "", " x ", "=1+1", "NULL", "1e5", "\u2028"]),
)
KEY = st.text(string.ascii_letters + string.digits, min_size=1, max_size=8)
ROWS = st.lists(st.fixed_dictionaries({"id": KEY, "title": TEXT, "price": TEXT}), min_size=1, max_size=12)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=ROWS)
def test_every_format_gives_back_what_was_written(name: str, rows: list[dict[str, str]]) -> None:
    desk = variants()
    desk.drop.lay(name, FORMATS[name](rows))
    read = desk.read()
    assert read.cells == rows
    assert read.refused == []
    assert [one["key"] for one in read.lines] == [row["id"] for row in rows]


@pytest.mark.parametrize("name", FORMATS)
def test_leading_zeros_of_codes_stay(name: str) -> None:
    desk = variants()
    desk.drop.lay(name, FORMATS[name]([{"id": "0012", "title": "x", "price": "1"}]))
    [row], lost = desk.mapped()
    assert (row["source_id"], row["sku"], lost) == ("0012", "0012", [])


@settings(max_examples=30, deadline=None)
@given(rows=ROWS, delimiter=st.sampled_from(";|\t,"), quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
def test_a_delimiter_is_what_is_declared(rows: list[dict[str, str]], delimiter: str, quoting: int) -> None:
    desk = variants(delimiter=delimiter)
    desk.drop.lay("rows.csv", delimited(rows, delimiter=delimiter, quoting=quoting))
    assert desk.read().cells == rows


def test_typed_cells_become_the_texts_that_say_the_same() -> None:
    """A double is its shortest text, a decimal keeps its digits, a whole number has no fraction, a date is ISO 8601."""
    typed = {
        "id": 17,
        "title": 0.1,
        "price": Decimal("12.30"),
        "when": datetime(2026, 1, 2, 3, 4, 5),  # noqa: DTZ001 - as a sheet has it, without a zone
        "day": date(2026, 1, 2),
        "yes": True,
        "nothing": None,
        "inner": {"a": 1, "b": [1, 2]},
        "whole": 3.0,
    }
    desk = variants()
    desk.drop.lay("rows.parquet", columnar([typed]))
    [cells] = desk.read().cells
    assert cells == {
        "id": "17",
        "title": "0.1",
        "price": "12.30",
        "when": "2026-01-02T03:04:05",
        "day": "2026-01-02",
        "yes": "true",
        "inner.a": "1",
        "inner.b": '["1","2"]',
        "whole": "3",
    }
    desk = variants()
    desk.drop.lay("rows.xlsx", workbook([typed | {"inner": "", "price": 12.3}]))  # type: ignore[list-item]  # a sheet has types
    [cells] = desk.read().cells
    assert (cells["id"], cells["title"], cells["price"], cells["when"]) == ("17", "0.1", "12.3", "2026-01-02T03:04:05")
    assert (cells["yes"], cells["whole"], cells["nothing"]) == ("true", "3", "")


def test_numbers_of_json_keep_every_digit() -> None:
    desk = variants()
    desk.drop.lay(
        "rows.ndjson",
        '{"id": 12345678901234567890, "title": null, "price": 0.10000000000000000001, "x": {"y": 1.50}}\n',
    )
    assert desk.read().cells == [{"id": "12345678901234567890", "price": "0.10000000000000000001", "x.y": "1.50"}]


def test_items_of_a_list_are_rows_with_what_stands_beside_it() -> None:
    fields = {"order_id": "no", "sku": "lines.sku", "quantity": "lines.qty", "unit_price": "lines.price"}
    desk = Desk(
        "order-lines", {"files": "*", "kind": "delta", "each": "lines", "id": ["no", "lines.at"], "fields": fields}
    )
    lines = '[{"at": 1, "sku": "A", "qty": 2, "price": 1.25}, {"at": 2, "sku": "B", "qty": 1, "price": 10}]'
    desk.drop.lay("o.ndjson", f'{{"no": 7, "lines": {lines}}}\n{{"no": 8, "lines": []}}\n{{"no": 9}}\n')
    rows, lost = desk.mapped()
    assert [(row["source_id"], row["order_id"], row["sku"], row["gross_minor"]) for row in rows] == [
        ("7|1", "7", "A", 250),
        ("7|2", "7", "B", 1000),
    ]
    assert [one["reason"] for one in lost] == ["no_list:lines:o.ndjson:3"]


def test_files_without_a_header_have_the_one_declared() -> None:
    desk = variants(header=["id", "title", "price"])
    desk.drop.lay("rows.csv", "1,a,2\n2,b,3\n")
    assert [cells["id"] for cells in desk.read().cells] == ["1", "2"]
