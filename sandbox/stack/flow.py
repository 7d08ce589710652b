"""One flow of the river: a stack that is up in, its graphs run one after the other under Airflow and watched to their end."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from rich.console import Console
from rich.live import Live

from sandbox.stack import report
from sandbox.stack.airflow import Airflow, Run
from sandbox.stack.layout import Layout

_RUN_S = 1_200.0
_BEGIN_S = 120.0
_ACTIVE = ("queued", "running")
_TRANSFORM, _TRAIN = "transform__{region}", "train__{region}__recommender"


def flow(layout: Layout, console: Console) -> bool:
    """Trigger ingestion of every region, wait for it, for the marts and for the models that follow, showing where each stream is.

    Returns whether all graphs ended well.
    """
    airflow = Airflow(layout)
    began = datetime.now(UTC)
    fresh = all(one["landed"] is None for one in report.slices(layout))
    told = {_line(one) for one in _ingestions(airflow, layout) if one.state not in _ACTIVE}  # of earlier runs
    if not console.is_terminal:
        console.print("every region: ingest, then transform and train; a graph runs again where more came meanwhile")
    with Live(report.progress(layout, []), console=console, refresh_per_second=4, transient=True) as live:

        def look() -> None:
            now = _ingestions(airflow, layout)
            for family in (_TRANSFORM, _TRAIN):
                now += _begun(airflow, layout, family, began)
            live.update(report.progress(layout, now))
            if not console.is_terminal:
                _tell(console, told, now)

        begun = {(region, one): _ingestion(airflow, one, look, fresh=fresh) for region, one in _ingests(layout)}
        ended = airflow.wait(list(begun.values()), _RUN_S, look)
        well = _ended_well(console, ended)
        causes = {
            region: [run for (of, _), run in zip(begun, ended, strict=True) if of == region]
            for region in layout.regions
        }
        for family in (_TRANSFORM, _TRAIN):
            given = {region: max(moments) for region, runs in causes.items() if (moments := _told_by(airflow, runs))}
            for region in causes.keys() - given.keys():  # a graph failed before it told
                console.print(f"[red]nothing starts {family.format(region=region)}[/]", highlight=False)
                well = False
            ended = airflow.wait(_await(airflow, family, given, look), _RUN_S, look)
            causes = {region: [run] for region, run in zip(given, ended, strict=True)}
            well &= _ended_well(console, ended)
    return well


def _tell(console: Console, told: set[tuple[str, str, str]], runs: list[Run]) -> None:
    """Where no live table can be drawn: a line for each graph that moved on."""
    for one in runs:
        if _line(one) not in told:
            told.add(_line(one))
            console.print(f"[dim]{datetime.now(UTC):%H:%M:%S}[/] {one.dag_id} {one.state}", highlight=False)


def _line(run: Run) -> tuple[str, str, str]:
    """What tells a run's state from all others that were said."""
    return run.run_id, run.dag_id, run.state


def _ingestions(airflow: Airflow, layout: Layout) -> list[Run]:
    """The newest run of each ingest graph that has feeds."""
    return [one for _, dag_id in _ingests(layout) for one in airflow.runs(dag_id, limit=1)]


def _ingests(layout: Layout) -> list[tuple[str, str]]:
    """Region and ingest graph of every vendor that feeds read."""
    return [(region, f"ingest__{region}__{vendor}") for vendor, region in layout.vendors]


def _ingestion(airflow: Airflow, dag_id: str, look: Callable[[], None], *, fresh: bool) -> Run:
    """The run to watch: one that the schedule has just begun where nothing was ever read, else one of our own."""
    active = [one for one in airflow.runs(dag_id) if one.state in _ACTIVE]
    if active and fresh:
        return active[-1]
    airflow.wait(active, _RUN_S, look)
    return airflow.trigger(dag_id)


def _told_by(airflow: Airflow, runs: list[Run]) -> list[datetime]:
    """When runs last told that their data are there; of those that did."""
    return [moment for run in runs if (moment := airflow.told(run))]


def _await(airflow: Airflow, family: str, given: dict[str, datetime], look: Callable[[], None]) -> list[Run]:
    """Of a family of graphs the runs that have taken in all that those before them gave: one for each region, in their order.

    Args:
        given: region -> when all was there.

    Raises:
        TimeoutError: none began within two minutes; where an earlier run is still at work, none did within two minutes of its end.
    """
    last = time.monotonic() + _RUN_S
    ends = time.monotonic() + _BEGIN_S
    while time.monotonic() < min(ends, last):
        known = {region: airflow.runs(family.format(region=region)) for region in given}
        found = [_since(known[region], moment) for region, moment in given.items()]
        if all(found):
            return [one for one in found if one]
        if any(one.state in _ACTIVE for runs in known.values() for one in runs):
            ends = time.monotonic() + _BEGIN_S
        look()
        time.sleep(1)
    raise TimeoutError(f"The graphs {family.format(region='*')} did not start; look at Airflow's assets.")


def _since(runs: list[Run], moment: datetime) -> Run | None:
    """The newest of these runs, newest first, that began when all was there. Which events Airflow says began it does not tell: one that
    comes while another waits for the graph is merged with it and then named nowhere.
    """
    return next((one for one in runs if one.started and one.started >= moment), None)


def _begun(airflow: Airflow, layout: Layout, family: str, after: datetime) -> list[Run]:
    """The newest run of each region's graph of a family, where it began after an instant."""
    newest = [one for region in layout.regions for one in airflow.runs(family.format(region=region), limit=1)]
    return [one for one in newest if one.started and one.started >= after]


def _ended_well(console: Console, runs: list[Run]) -> bool:
    """Whether all of these runs did; those that did not are named."""
    unhappy = [one for one in runs if one.state != "success"]
    for one in unhappy:
        console.print(
            f"[red]{one.dag_id} ended as {one.state}[/]: open the run in Airflow, or `make status`.", highlight=False
        )
    return not unhappy
