"""A fleet: many feeds of one region, vendors mixed, some of them broken for good; its rounds are run by the tasks of the ingest graphs.

One small shop per vendor is made and lies before its simulator under many names, so that all feeds of a vendor read the same. Each feed is
of a tenant of its own. What breaks a feed is one of the matrix's columns, made to last: it strikes every list of products and of orders.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from math import gcd
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sandbox import servers
from sandbox.prove.columns import COLUMNS, EVER, Fault
from sandbox.prove.region import NAME, Region
from sandbox.prove.rows import ROWS, STRUCK
from sandbox.prove.site import Simulated
from sandbox.prove.stage import shop_feed
from sandbox.world.spec import DefectRates, WorldSpec
from varai.kernel import FeedKey, Unbalanced, Unexpected
from varai.registry import FeedState, feed_states
from varai.settings import FolderSecrets
from varai.sources import stream_names

_WORLD = WorldSpec(
    *("shop", "shop.example.com", 5, "EUR", "Europe/Berlin", "DE", "app", "app-secret"),
    products=8,
    orders=10,
    customers=6,
    defects=DefectRates.none(),
)
ASKED = tuple(name for name, row in ROWS.items() if row.deliver is None)
"""Vendors that a simulator stands for."""
LASTING = (
    *("429 for an hour", "5xx that stays", "cut body", "truncated JSON"),
    *("wrong content type", "count too high", "revoked token"),
)
"""Columns of the matrix that stop a feed for as long as they last."""
_BROKEN = frozenset({"failing", "throttled", "needs reauthorisation"})


@dataclass(frozen=True)
class Fleet:
    """The region of a fleet, and the feeds whose shops are broken: key -> the column of the matrix."""

    region: Region
    broken: Mapping[FeedKey, str]

    def faults(self) -> list[str]:
        """A sentence for each feed that is not as it must be after a round: settled and `ok`, or broken and where it was."""
        states = feed_states(self.region.scope())
        counts: dict[str, Counter[str]] = {}
        found = []
        for feed in self.region.feeds:
            state = states.get(str(feed.key))
            marks = self.region.watermarks(feed.key, stream_names(feed))
            if feed.key in self.broken:
                found += _standing(f"{feed.key} ({self.broken[feed.key]})", state, marks)
                continue
            found += _settled(str(feed.key), state, marks)
            counts.setdefault(feed.connector, Counter())[self._landed(feed.key, list(marks))] += 1
        return found + [f"{name} was not read alike: {dict(one)}" for name, one in counts.items() if len(one) > 1]

    def _landed(self, key: FeedKey, streams: Sequence[str]) -> str:
        reports = [self.region.state(key, stream).report() for stream in streams]
        return " ".join(str(report and (report.landed, report.balanced, report.settled)) for report in reports)


def _settled(name: str, state: FeedState | None, marks: Mapping[str, datetime | None]) -> list[str]:
    if state is None or state.kind != "ok":
        return [f"{name} is {state.kind if state else 'not known'}, not ok: {state.what if state else ''}"]
    return [f"{name}/{stream} has not settled" for stream, mark in marks.items() if mark is None]


def _standing(name: str, state: FeedState | None, marks: Mapping[str, datetime | None]) -> list[str]:
    if state is None or state.kind not in _BROKEN or state.cure in ("", Unexpected.default_cure):
        return [f"{name} has no typed error: {state}"]
    return (
        [] if any(marks[stream] is None for stream in STRUCK if stream in marks) else [f"{name} moved its watermarks"]
    )


@contextmanager
def fleet(folder: Path, uri: str, database: str, size: int, broken: int) -> Iterator[Fleet]:
    """A region of `size` feeds that were never read, behind one simulator per vendor; so many of them are broken, spread evenly."""
    keys, faults = FolderSecrets(folder / "keys"), {}
    with ExitStack() as stack:
        sites = {name: _simulated(stack, folder, keys, name, size) for name in ASKED}
        names = [(ASKED[number % len(ASKED)], f"shop-{number:05}") for number in range(size)]
        # Not in bulk: lists are struck, also those of a first read.
        feeds = [shop_feed(one, name, sites[one].address(name), one, {"bulk": False}) for one, name in names]
        # A step by which they are of all vendors in turn.
        step = next(one for one in count(size // broken) if gcd(one, len(ASKED)) == 1)
        for number in range(broken):
            feed, column = feeds[number * step % size], LASTING[number % len(LASTING)]
            faults[feed.key] = column
            sites[feed.connector].aim(feed.tenant, map(_lasting, COLUMNS[column].faults))
        region = Region.begin(folder / "region", folder / "keys", uri, database, feeds)
        try:
            yield Fleet(region, faults)
        finally:
            region.end()


def _simulated(stack: ExitStack, folder: Path, keys: FolderSecrets, vendor: str, size: int) -> Simulated:
    row, place = ROWS[vendor], folder / vendor
    (place / "shops").mkdir(parents=True)
    made = place / "made.sqlite"
    row.build(made, _WORLD)
    keys.create(vendor, json.dumps(dict(row.secret(_WORLD))))
    for number in range(ASKED.index(vendor), size, len(ASKED)):
        shutil.copyfile(made, place / "shops" / f"shop-{number:05}.sqlite")
    return Simulated(row, stack.enter_context(servers.simulated(vendor, place, place / "shops")))


def _lasting(fault: Fault) -> Fault:
    return replace(fault, times=EVER, later=False)


@dataclass
class Round:
    """What a run of each ingest graph did: tasks mapped and feeds taken, by connector, and failures as the tasks told them."""

    mapped: dict[str, int] = field(default_factory=dict)
    feeds: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    settled: int = 0


def plan(*, everyone: bool) -> dict[str, list[list[list[str]]]]:
    """The batches of each connector of the region that the process's environment tells: of all feeds, or of those that are due."""
    from varai.orchestration import steps  # imports Airflow, which looks for its home

    return {name: steps.due_feeds(NAME, name, _context("", everyone=everyone)) for name in ASKED}


def play_round(run_id: str, *, everyone: bool) -> Round:
    """One run of the ingest graph of each connector, task after task, as `dags/ingest.py` orders them; all but the Data Docs."""
    from varai.orchestration import steps

    done, context = Round(), _context(run_id, everyone=everyone)
    for name in ASKED:
        batches = steps.due_feeds(NAME, name, context)
        done.mapped[name], done.feeds[name] = len(batches), sum(map(len, batches))
        for batch in batches:
            try:
                steps.ingest(NAME, batch, run_id)
            except Unbalanced as error:
                done.failures.append(str(error))
        steps.load(NAME, run_id)
        done.settled += len(steps.settle(NAME, run_id))
        steps.conclude(NAME, name, context)
    return done


def _context(run_id: str, *, everyone: bool) -> dict[str, Any]:
    """What Airflow tells a task of its run. No task of it failed: what they raised is in the round."""
    from varai.kernel import utc_now

    run = SimpleNamespace(run_type="manual" if everyone else "scheduled", start_date=utc_now())
    task = SimpleNamespace(
        dag_id="ingest",
        run_id=run_id,
        xcom_pull=lambda task_ids: [] if isinstance(task_ids, list) else None,
        get_task_states=lambda **_: {},
    )
    return {"run_id": run_id, "dag_run": run, "task_instance": task}
