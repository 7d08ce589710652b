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

_RUN_S = 1_200.0
_BEGIN_S = 120.0
_ACTIVE = ("queued", "running")
_TRANSFORM, _TRAIN = "transform__{region}", "train__{region}__recommender"


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
    _show(layout, console)
    return 0 if all(one["balanced"] and one["state"] == "ok" for one in report.slices(layout)) else 1


def _console() -> Console:
    """As wide as the terminal, and wide enough for the tables where the output goes to a file."""
    console = Console()
    return console if console.is_terminal else Console(width=132)


def flow(layout: Layout, console: Console) -> None:
    """Trigger ingestion of every region, wait for it, for the marts and for the models that follow, showing where each stream is."""
    airflow = Airflow(layout)
    began = datetime.now(UTC)
    fresh = all(one["landed"] is None for one in report.slices(layout))
    told: set[str] = set()
    with Live(report.progress(layout, []), console=console, refresh_per_second=4, transient=True) as live:

        def look() -> None:
            now = _ingestions(airflow, layout)
            for family in (_TRANSFORM, _TRAIN):
                now += _begun(airflow, layout, family, began)
            live.update(report.progress(layout, now))
            if not console.is_terminal:
                _tell(console, told, now)

        runs = [_ingestion(airflow, region, look, fresh=fresh) for region in layout.regions]
        ended = airflow.wait(runs, _RUN_S, look)
        _complain(console, ended)
        for family in (_TRANSFORM, _TRAIN):
            ended = airflow.wait(_await(airflow, layout, family, ended, look), _RUN_S, look)
            _complain(console, ended)


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
    active = [one for one in airflow.runs(dag_id) if one.state in _ACTIVE]
    if active and fresh:
        return active[-1]
    airflow.wait(active, _RUN_S, look)
    return airflow.trigger(dag_id)


def _await(airflow: Airflow, layout: Layout, family: str, before: list[Run], look: Callable[[], None]) -> list[Run]:
    """The runs of a family of graphs that began after those before it: each region's is started by what they gave.

    Raises:
        TimeoutError: none began within two minutes; where an earlier run is still at work, none did within two minutes of its end.
    """
    after = min(one.started for one in before if one.started)
    last = time.monotonic() + _RUN_S
    ends = time.monotonic() + _BEGIN_S
    while time.monotonic() < min(ends, last):
        newest = _newest(airflow, layout, family)
        found = _since(newest, after)
        if len(found) == len(layout.regions):
            return found
        if any(one.state in _ACTIVE for one in newest):
            ends = time.monotonic() + _BEGIN_S
        look()
        time.sleep(1)
    raise TimeoutError(f"The graphs {family.format(region='*')} did not start; look at Airflow's assets.")


def _begun(airflow: Airflow, layout: Layout, family: str, after: datetime) -> list[Run]:
    """The newest run of each region's graph of a family, where it began after an instant."""
    return _since(_newest(airflow, layout, family), after)


def _since(runs: list[Run], after: datetime) -> list[Run]:
    return [one for one in runs if one.started and one.started >= after]


def _newest(airflow: Airflow, layout: Layout, family: str) -> list[Run]:
    return [one for region in layout.regions for one in airflow.runs(family.format(region=region), limit=1)]


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
    console.print(report.models_table(layout))
    console.print(report.quarantine_table(layout))
    console.print(report.addresses_table(layout))


def status_of(layout: Layout) -> dict[str, object]:
    """What `varai status --json` says."""
    found: dict[str, object] = json.loads(command(layout, "varai", "status", "--json"))
    return found
