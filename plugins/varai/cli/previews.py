"""A stream's first rows as a table: a line per field, a column per row, and below it what would be kept back."""

from __future__ import annotations

from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from varai.river.preview import PreviewedRow, StreamPreview

_SHOWN: Final = 40
"""Characters of a text that are shown; what a retailer wrote is shown as data, never as markup."""


def preview_table(one: StreamPreview) -> RenderableType:
    """The table of one stream."""
    if one.problem:
        return Text(f"{one.stream}: {one.problem}\n", style="red")
    if one.of is None:
        return Text(f"{one.stream}: no file is ready; `varai feeds check` says what is looked for.\n")
    title = f"{one.stream}, from {escape(one.of)}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("field", no_wrap=True)
    table.add_column("from")
    for row in one.rows:
        table.add_column(escape(row.place))
    for field, columns in one.origins.items():
        table.add_row(field, escape(", ".join(columns)) or "-", *(_cell(row, field) for row in one.rows))
    return Group(table, *(Text(_fate(row)) for row in one.rows if row.reasons or row.flags))


def _cell(row: PreviewedRow, field: str) -> str:
    text, value = row.fields.get(field, ("", None))
    shown = "-" if value is None else _plain(value)
    return escape(shown if text in ("", shown) else f"{_cut(text)} -> {shown}")


def _plain(value: Any) -> str:
    return _cut(", ".join(map(str, value)) if isinstance(value, list) else str(value))


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}..."


def _fate(row: PreviewedRow) -> str:
    kept = f"would be quarantined: {', '.join(row.reasons)}" if row.reasons else "would pass"
    flagged = f"; flagged: {', '.join(row.flags)}" if row.flags else ""
    return f"  {row.place} {kept}{flagged}"
