"""Rows as files of each format: written by libraries that know nothing of how they are read."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

Rows = Sequence[Mapping[str, str]]


def delimited(rows: Rows, *, delimiter: str = ",", encoding: str = "utf-8", quoting: int = csv.QUOTE_MINIMAL) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter, quoting=quoting)  # type: ignore[arg-type]  # csv's own numbers
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode(encoding)


def documents(rows: Rows) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def columnar(rows: Sequence[Mapping[str, Any]], **more: Any) -> bytes:
    held = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows]), held, **more)
    return held.getvalue()


def workbook(rows: Rows) -> bytes:
    book, held = Workbook(write_only=True), io.BytesIO()
    sheet = book.create_sheet("rows")
    sheet.append(list(rows[0]))
    for row in rows:
        cells = [WriteOnlyCell(sheet, row[name]) for name in rows[0]]
        for cell in cells:
            if cell.data_type == "f":  # a text that begins like a formula, as a spreadsheet keeps it: quoted
                cell.data_type = "s"
        sheet.append(cells)
    book.save(held)
    return held.getvalue()


FORMATS: dict[str, Callable[[Rows], bytes]] = {
    "rows.csv": delimited,
    "all.csv": lambda rows: delimited(rows, quoting=csv.QUOTE_ALL),
    "rows.tsv": lambda rows: delimited(rows, delimiter="\t"),
    "rows.ndjson": documents,
    "rows.parquet": columnar,
    "rows.xlsx": workbook,
    "rows.csv.gz": lambda rows: gzip.compress(delimited(rows)),
    "rows.ndjson.gz": lambda rows: gzip.compress(documents(rows)),
}
"""Name of a file -> how rows are written into it."""
