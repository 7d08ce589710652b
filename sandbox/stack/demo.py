"""The demo: bring the stack up, run river and training of every region under Airflow, and show what a merchant gets."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from sandbox.stack import real, report
from sandbox.stack.flow import flow
from sandbox.stack.layout import Layout
from sandbox.stack.merchant import recommendations, sales_table, tell_next
from sandbox.stack.shops import Told, make_world
from sandbox.stack.up import layout_of, up
from varai.cli import tables


def demo(data: Path | None) -> int:
    """Run the demo; returns the exit code. Safe to repeat: what is there already is read again, and nothing is published twice."""
    console = _console()
    if data is not None and (lacking := _missing(data)):
        console.print(f"DATA={data} does not hold", ", ".join(lacking), style="red", soft_wrap=True, highlight=False)
        return 2
    layout = layout_of(data)
    told: Told = lambda text: console.print(f"[dim]{datetime.now(UTC):%H:%M:%S}[/] {text}", highlight=False)  # noqa: E731  # a sentence printer
    if data is None:
        layout = up(layout, make_world, told)
        well = flow(layout, console)
    else:
        layout, well = real.demo(layout, data, console, told)
    _show(layout, tables.wide_console())
    return 0 if well and all(one["balanced"] and one["state"] == "ok" for one in report.slices(layout)) else 1


def _missing(data: Path) -> list[str]:
    """Files of the demo on real files that `data` does not hold, named from there."""
    return [str(path.relative_to(data)) for path in real.missing(data)]


def _console() -> Console:
    """As wide as the terminal, and wide enough for the tables where the output goes to a file."""
    console = Console()
    return console if console.is_terminal else Console(width=140)


def _show(layout: Layout, console: Console) -> None:
    for region in layout.regions:
        console.print(report.slices_table(layout, region))
    served = report.champions(layout)
    merchants = [report.merchant(layout, region, served) for region in layout.regions]
    for one in merchants:
        console.print(sales_table(one))
    console.print(tables.models(served))
    for one in merchants:
        table, answer_id = recommendations(one)
        console.print(table)
        if answer_id:
            console.print(f".venv/bin/varai models replay {answer_id}", soft_wrap=True, highlight=False)  # to be copied
    console.print(report.quarantine_table(layout))
    console.print(report.addresses_table(layout))
    tell_next(merchants[-1], console)
