"""The matrix for the eye and for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sandbox.prove.columns import COLUMNS
from sandbox.prove.marks import CONVERGED, CRASHED, GREEN, IDLE, LOST, SENSELESS, STOPPED, STUCK, Result
from sandbox.prove.matrix import Matrix

_MARKS: Mapping[str, tuple[str, str, str]] = {
    CONVERGED: ("=", "green", "converged: row by row what a fresh feed reads of the same shop without a fault"),
    STOPPED: ("s", "cyan", "stopped with a typed error, watermark and rows as they were; the next run converged"),
    SENSELESS: ("-", "dim", "makes no sense for this vendor"),
    LOST: ("L", "bold red", "SILENT LOSS: all was said to be well, and it was not"),
    CRASHED: ("X", "bold red", "CRASH: an error that is not typed, or another feed went down with it"),
    STUCK: ("T", "bold red", "STUCK: the next run, without the fault, stopped too"),
    IDLE: ("0", "bold red", "IDLE: the fault struck nothing, or nothing was told, so the cell proves nothing"),
}


def tell(result: Result) -> None:
    """A line for who waits, with the reason where a cell is red."""
    why = f": {result.why[0]}" if result.mark not in GREEN and result.why else ""
    print(
        f"{result.vendor}, {result.column}: {result.mark} in {result.seconds:.0f} s{why}", file=sys.stderr, flush=True
    )


def show(matrix: Matrix, console: Console) -> None:
    """Print the table, its legend, what is red and why, and the sums."""
    names = [name for name in COLUMNS if any(result.column == name for result in matrix.results)]
    vendors = list(dict.fromkeys(result.vendor for result in matrix.results))
    cells = {(result.vendor, result.column): result for result in matrix.results}
    table = Table(
        "connector",
        *(str(place) for place in range(1, len(names) + 1)),
        "s",
        padding=(0, 1, 0, 0),
        pad_edge=False,
        box=None,
    )
    for vendor in vendors:
        row = [_mark(cells.get((vendor, name))) for name in names]
        table.add_row(
            f"{vendor} ", *row, f"{sum(result.seconds for result in matrix.results if result.vendor == vendor):.0f}"
        )
    console.print(table)
    console.print()
    columns = Table.grid(padding=(0, 3))
    thirds = -(-len(names) // 3)
    numbered = [f"{place:2} {name}" for place, name in enumerate(names, 1)]
    for place in range(thirds):
        columns.add_row(*numbered[place::thirds])
    console.print(columns)
    console.print()
    for sign, style, about in _MARKS.values():
        console.print(f"[{style}]{sign}[/] {about}", highlight=False)
    for result in matrix.red:
        console.print(f"\n[bold red]{result.mark}[/] {result.vendor}, {result.column}", highlight=False)
        for sentence in result.why:
            console.print(f"  {escape(sentence)}", highlight=False)
    skipped = len(matrix.results) - matrix.played
    console.print(
        f"\n{len(matrix.results)} cells, {matrix.played} played and {skipped} without sense, in {matrix.seconds:.0f} s:"
        f" {matrix.lost} silent losses, {len(matrix.red)} red.",
        highlight=False,
    )


def _mark(result: Result | None) -> str:
    if result is None:
        return ""
    sign, style, _ = _MARKS[result.mark]
    return f"[{style}]{sign}[/]"


def as_json(matrix: Matrix) -> str:
    """Every cell with its mark and why, and the sums."""
    cells = [
        {"vendor": one.vendor, "column": one.column, "mark": one.mark, "why": one.why, "seconds": one.seconds}
        for one in matrix.results
    ]
    sums = {"cells": len(cells), "played": matrix.played, "silent_losses": matrix.lost, "red": len(matrix.red)}
    return json.dumps({**sums, "seconds": round(matrix.seconds), "results": cells}, indent=1)
