"""A fleet of small shops in one region: what a feed costs when it is first read and when nothing changed, while one in a hundred is broken.

One process plays the tasks of the ingest graphs, run after run, over simulated vendors (mixed) and a document server (see
`sandbox/prove/fleet.py`): a first read of all feeds, a run that lists all ids for the first time, and a run of feeds at rest. Calls that
fail are made again as often as ever, without the waits between. CPU is that of the process, the vendors' and the documents' own apart.

The promise: every feed that is not broken settles in every run; a broken one stands with a typed error, its watermarks unmoved; no graph
maps more than 64 tasks. Ends with 1 where it fails.

Run: python -m bench.fleet [--feeds N] [--broken N]
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from bench.measure import Case, Measured, compare, cpu_seconds
from sandbox import servers
from sandbox.prove.fleet import Fleet, fleet, plan, play_round

REPOSITORY: Final = Path(__file__).resolve().parents[1]
MOST_TASKS: Final = 64
FEEDS: Final = 260
"""Of each of four vendors one more than a graph maps tasks: feeds share them."""
ROUNDS: Final = ("first read", "ids are listed", "nothing changed")


def open_process(environment: Mapping[str, str]) -> Any:
    """Settings of the region in the environment, and the imports of a task."""
    os.environ.update(environment)
    import stamina
    import structlog

    from varai.orchestration import steps  # noqa: F401 - imported off the clock

    # Airflow sets logging up when it is imported; a fleet's lines would bury the table.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    return stamina


def run_rounds(stamina: Any, environment: Mapping[str, str]) -> list[dict[str, Any]]:
    """All rounds and then a plan of what is due: CPU and wall seconds, tasks and feeds by connector, streams settled, feeds that failed."""
    del environment
    found = []
    with stamina.set_testing(True, attempts=6, cap=True):
        for number, name in enumerate(ROUNDS):
            cpu, wall = cpu_seconds(), time.perf_counter()
            done = play_round(f"bench-{number}", everyone=True)
            spent = {"cpu_s": cpu_seconds() - cpu, "wall_s": time.perf_counter() - wall}
            tasks = {"mapped": done.mapped, "feeds": done.feeds, "failed": len(done.failures), "settled": done.settled}
            found.append({"name": name, **spent, **tasks})
    cpu, wall = cpu_seconds(), time.perf_counter()
    due = plan(everyone=False)
    spent = {"cpu_s": cpu_seconds() - cpu, "wall_s": time.perf_counter() - wall}
    taken = {name: sum(map(len, batches)) for name, batches in due.items()}
    return [
        *found,
        {"name": "planned alone", **spent, "mapped": {name: len(one) for name, one in due.items()}, "feeds": taken},
    ]


def measure(feeds: int, broken: int) -> tuple[Measured, list[str]]:
    """What the rounds cost, and a sentence for everything by which the promise fails."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "documents").mkdir()
        with (
            servers.documents(folder / "documents") as uri,
            fleet(folder / "fleet", uri, "fleet", feeds, broken) as made,
        ):
            environment = {**made.region.environment, "AIRFLOW_HOME": str(folder / "airflow")}
            [found] = compare([Case("fleet", run_rounds, (environment,), open_process)], 1).values()
            return found, [*made.faults(), *_unlike(made, found.result)]


def _unlike(made: Fleet, rounds: list[dict[str, Any]]) -> list[str]:
    """What the rounds themselves say against the promise."""
    wrong = []
    for one in rounds:
        wrong += [
            f"{one['name']}: {name} maps {many} tasks" for name, many in one["mapped"].items() if many > MOST_TASKS
        ]
        if one["name"] in ROUNDS and sum(one["feeds"].values()) != len(made.region.feeds):
            wrong.append(f"{one['name']}: {sum(one['feeds'].values())} feeds were taken")
    settled = {one["settled"] for one in rounds if one["name"] in ROUNDS}
    return wrong + ([f"Not as many streams settled in each round: {settled}"] if len(settled) > 1 else [])


def table(rounds: list[dict[str, Any]], feeds: int) -> str:
    """The rounds, readable."""
    lines = [f"{'round':<18}{'CPU ms/feed':>13}{'wall s':>9}{'tasks':>7}{'feeds':>8}{'streams settled':>17}"]
    for one in rounds:
        told = f"{one['cpu_s'] / feeds * 1000:>13.1f}{one['wall_s']:>9.1f}{sum(one['mapped'].values()):>7}"
        lines.append(f"{one['name']:<18}{told}{sum(one['feeds'].values()):>8}{one.get('settled', ''):>17}")
    return "\n".join(lines)


def main() -> int:
    """Print what feeds cost; 1 where the promise fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feeds", type=int, default=FEEDS, help="1000 take about an hour")
    parser.add_argument("--broken", type=int, help="one in a hundred when left out")
    given = parser.parse_args()
    broken = max(1, given.feeds // 100) if given.broken is None else given.broken
    load = os.getloadavg()[0]
    found, wrong = measure(given.feeds, broken)
    print(f"{given.feeds:,} feeds, {broken} of them broken (load before: {load:.1f})\n")
    print(table(found.result, given.feeds))
    most = max(many for one in found.result for many in one["mapped"].values())
    print(f"\npeak {found.peak:.0f} MB; {most} mapped tasks at most in a graph (goal: at most {MOST_TASKS})")
    print(f"{len(wrong)} feeds or rounds are not as promised (goal: none)")
    print("\n".join(f"- {one}" for one in wrong[:20]))
    folder = REPOSITORY / ".cache" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    figures = {"feeds": given.feeds, "broken": broken, "peak_mb": found.peak, "rounds": found.result, "wrong": wrong}
    (folder / "fleet.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
