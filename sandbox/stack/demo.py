"""The demo: bring the stack up, run the river of every region under Airflow, and show what a merchant gets."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.live import Live

from sandbox.stack import report
from sandbox.stack.airflow import Airflow, Run
from sandbox.stack.layout import Layout
from sandbox.stack.shops import Told, make_world
from sandbox.stack.up import command, layout_of, up
from varai.cli.tables import wide_console

_RUN_S = 1_200.0


def demo(data: Path | None) -> int:
    """Run the demo; returns the exit code. Safe to repeat: what is there already is read again, and nothing is published twice."""
    console = _console()
    layout = layout_of(data)
    told: Told = lambda text: console.print(f"[dim]{datetime.now(UTC):%H:%M:%S}[/] {text}", highlight=False)  # noqa: E731  # a sentence printer
    if data is None:
        layout = up(layout, make_world, told)
        flow(layout, console)
    else:
        from sandbox.stack import real

        layout = real.demo(layout, data, console, told)
    _show(layout, wide_console())
    return 0 if all(one["balanced"] and one["state"] == "ok" for one in report.slices(layout)) else 1


def _console() -> Console:
    """As wide as the terminal, and wide enough for the tables where the output goes to a file."""
    console = Console()
    return console if console.is_terminal else Console(width=132)


def flow(layout: Layout, console: Console) -> None:
    """Trigger ingestion of every region, wait for it and for the marts that follow, showing where each stream is."""
    airflow = Airflow(layout)
    began = datetime.now(UTC)
    fresh = all(one["landed"] is None for one in report.slices(layout))
    told: set[str] = set()
    with Live(report.progress(layout, []), console=console, refresh_per_second=4, transient=True) as live:

        def look() -> None:
            now = [*_ingestions(airflow, layout), *_transforms(airflow, layout, began)]
            live.update(report.progress(layout, now))
            if not console.is_terminal:
                _tell(console, told, now)

        runs = [_ingestion(airflow, region, look, fresh=fresh) for region in layout.regions]
        ended = airflow.wait(runs, _RUN_S, look)
        _complain(console, ended)
        transforms = _await_transforms(airflow, layout, ended, look)
        _complain(console, airflow.wait(transforms, _RUN_S, look))


def _tell(console: Console, told: set[str], runs: list[Run]) -> None:
    """Where no live table can be drawn: a line for each graph that moved on."""
    for one in runs:
        line = f"{one.dag_id} {one.state}"
        if f"{one.run_id} {line}" not in told:
            told.add(f"{one.run_id} {line}")
            console.print(f"[dim]{datetime.now(UTC):%H:%M:%S}[/] {line}", highlight=False)


def _ingestions(airflow: Airflow, layout: Layout) -> list[Run]:
    """The newest run of each region's ingest graph."""
    return [one for region in layout.regions for one in airflow.runs(_ingest(region), limit=1)]


def _ingest(region: str) -> str:
    return f"ingest__{region}__shopify"


def _ingestion(airflow: Airflow, region: str, look: Callable[[], None], *, fresh: bool) -> Run:
    """The run to watch: one that the schedule has just begun where nothing was ever read, else one of our own."""
    dag_id = _ingest(region)
    active = [one for one in airflow.runs(dag_id) if one.state in ("queued", "running")]
    if active and fresh:
        return active[-1]
    airflow.wait(active, _RUN_S, look)
    return airflow.trigger(dag_id)


def _await_transforms(airflow: Airflow, layout: Layout, ended: list[Run], look: Callable[[], None]) -> list[Run]:
    """The runs of the transform graphs that began after the warehouses were loaded."""
    after = min(one.started for one in ended if one.started)
    ends = time.monotonic() + 120
    while time.monotonic() < ends:
        found = _transforms(airflow, layout, after)
        if len({one.dag_id for one in found}) == len(layout.regions):
            return found
        look()
        time.sleep(1)
    raise TimeoutError("The transform graphs did not start; look at Airflow's assets.")


def _transforms(airflow: Airflow, layout: Layout, after: datetime) -> list[Run]:
    """The newest run of each region's transform graph, where it began after an instant."""
    found = []
    for region in layout.regions:
        newest = airflow.runs(f"transform__{region}", limit=1)
        found += [one for one in newest if one.started and one.started >= after]
    return found


def _complain(console: Console, runs: list[Run]) -> None:
    for one in runs:
        if one.state != "success":
            console.print(
                f"[red]{one.dag_id} ended as {one.state}[/]: open the run in Airflow, or `make status`.",
                highlight=False,
            )


def _show(layout: Layout, console: Console) -> None:
    for region in layout.regions:
        console.print(report.slices_table(layout, region))
    for region in layout.regions:
        console.print(report.sales_table(layout, region))
    console.print(report.quarantine_table(layout))
    console.print(report.addresses_table(layout))
    report.tell_next(layout, console)


def status_of(layout: Layout) -> dict[str, object]:
    """What `varai status --json` says."""
    found: dict[str, object] = json.loads(command(layout, "varai", "status", "--json"))
    return found
