"""One cell of the matrix: a day's business at the vendor, a run under a fault, at most one more without, and what is held then.

A cell is green when the feed holds what a fresh feed reads of the same shop without any fault, row by row; or, where the fault's run
stopped, when it stopped with typed errors, with what it holds and its watermarks as they were. Whatever a stream that did not stop says
it has read must be there after that very run: the next one may not make good for it.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sandbox.prove.business import Day
from sandbox.prove.columns import Column
from sandbox.prove.heard import Heard
from sandbox.prove.holdings import Rows, differences
from sandbox.prove.killed import run_killed_at
from sandbox.prove.marks import CONVERGED, CRASHED, IDLE, LOST, SENSELESS, STOPPED, STUCK, Result
from sandbox.prove.region import NAME
from sandbox.prove.rows import STRUCK
from sandbox.prove.stage import STEADY, Stage
from sandbox.prove.trial import A_MOMENT, Failed, Trial, demand, now, those
from sandbox.prove.truth import NotRead, NotTheShop
from varai.kernel import FeedKey
from varai.registry import StreamKey
from varai.river.context import Progress, silent

_OVERLAP = timedelta(minutes=5)
"""A feed's, unless it says otherwise; the matrix gives feeds but a second, where clocks agree."""
_OF_PRODUCTS = ("variant", "image")


def play(stage: Stage, name: str, column: Column) -> Result:
    """Play one cell."""
    began = time.monotonic()
    reason = stage.row.senseless.get(name)
    if reason is not None:
        return Result(stage.vendor, name, SENSELESS, [reason])
    try:
        found = Heard(stage, column).play(column.comes) if column.comes else _Cell(stage, column).play()
    except Failed as failed:
        found = failed.mark, failed.why
    except NotRead as error:
        found = LOST if isinstance(error, NotTheShop) else STUCK, error.why
    except Exception as error:  # noqa: BLE001 - whatever the river raises is what a cell is to find
        found = CRASHED, [f"{type(error).__name__}: {error}"]
    return Result(stage.vendor, name, *found, round(time.monotonic() - began, 1))


class _Cell(Trial):
    def __init__(self, stage: Stage, column: Column) -> None:
        super().__init__(stage, column)
        self._day = Day(stage.clerk(), stage.newcomers, stage.spares, stage.kinds)
        self._moved, self._read = set[str](), set[str]()
        self._ahead = column.behind < timedelta()
        self._shaken = [stream for stream in STRUCK if stream in stage.streams]

    def play(self) -> tuple[str, list[str]]:
        """The mark, with what the fault's run said."""
        self._prepare()
        before, marks = self.held()[self.key], self._marks()
        if self.column.killed:
            self._killed()
            failures: Mapping[str, str] = {}
        else:
            failures = self.run(progress=self._watch())
            self._stood_still(failures, before, marks)
            self._struck()
        self.stage.heal()
        truth = self.stage.truth(self.column)
        if not self.column.killed:
            self._whole(truth, failures)
        if not failures and not self._moved and not self.column.killed and not self._ahead:
            return CONVERGED, []
        return self._next(truth, failures)

    def _prepare(self) -> None:
        stage, column = self.stage, self.column
        stage.put_back()
        if column.yesterday is not None:
            column.yesterday(self._day, now() - A_MOMENT)
            stage.site.deliver()
            stage.day_passes(listed=True)
            if failures := self.run(alone=True):
                raise Failed(STUCK, [f"before any fault: {one}" for one in failures.values()])
            stage.day_passes(listed=False)
        at = now() - A_MOMENT
        if self._ahead:
            stage.was_planned(at + column.behind)
        elif column.behind:
            at -= column.behind
            stage.overlap(_OVERLAP)
            stage.was_read(now() - 2 * A_MOMENT)
        self._day.passes(at)
        self.steady_changes()
        if column.today is not None:
            column.today(self._day, at)
        if column.listed:
            stage.day_passes(listed=True)
        stage.site.deliver()
        stage.aim(column.faults)

    def _killed(self) -> None:
        keys = [feed.key for feed in self.stage.region.feeds]
        for stream in self._shaken:
            run_killed_at(self.stage.region.environment, NAME, keys, stream, self.column.killed)

    def _watch(self) -> Progress:
        """What happens at the vendor when a stream's first page has come: at the end of its window, so that the next one has it."""
        meanwhile, waiting = self.column.meanwhile, set(self._shaken)
        if meanwhile is None:
            return silent

        def watch(key: StreamKey, step: str, records: int) -> None:
            if step == "landing" and records and (key.tenant, key.feed) == self.key and key.stream in waiting:
                waiting.remove(key.stream)
                self._moved.add(meanwhile(self._day, key.stream, self.stage.region.window_end(self.key, key.stream)))
                self.stage.site.deliver()

        return watch

    def _struck(self) -> None:
        stage, column = self.stage, self.column
        if column.faults and stage.waiting() == stage.aimed:
            raise Failed(IDLE, ["The fault struck nothing that was asked for."])
        if column.meanwhile and len(self._moved) < len(self._shaken):
            raise Failed(IDLE, ["The streams were not read page by page."])

    def _marks(self) -> dict[str, datetime | None]:
        return self.stage.region.watermarks(self.key, self.stage.streams)

    def _stood_still(self, failures: Mapping[str, str], before: Rows, marks: Mapping[str, datetime | None]) -> None:
        """Find the streams that were read; one that failed, or was not come to, has left its watermark and its rows as they were."""
        after = self._marks()
        self._read = {stream for stream in after if after[stream] != marks[stream]}
        told = [f"the watermark of {stream} moved though it failed" for stream in failures if stream in self._read]
        if not failures:
            told += [f"the watermark of {stream} stayed though nothing failed" for stream in after.keys() - self._read]
        entities = self.entities(after.keys() - self._read)
        changed = differences(those(self.held()[self.key], entities), those(before, entities)) if entities else []
        demand([*told, *changed], "after the fault's run")

    def _whole(self, truth: Mapping[FeedKey, Rows], failures: Collection[str]) -> None:
        """Streams that were read hold the truth, but for records that changed after their window; and so does the other feed."""
        held = self.held()
        mine, wanted = held[self.key], truth[self.key]
        if self._ahead:
            mine = wanted  # what the vendor dates beyond the window comes with the next one
        elif failures or self._moved:
            # Stock is read beside products, before or after one of them goes.
            read = self.entities(self._read) - ({"inventory_level"} if self._moved else set())
            mine, wanted = (_settled(those(rows, read), self._moved) for rows in (mine, wanted))
        demand(differences(mine, wanted), "although the run said that all is well")
        steady = next(key for key in held if key.tenant == STEADY)
        demand(differences(held[steady], truth[steady]), "in the other tenant's feed")

    def _next(self, truth: Mapping[FeedKey, Rows], failures: Mapping[str, str]) -> tuple[str, list[str]]:
        """One more run, without the fault."""
        told = [f"{stream}: {said}" for stream, said in failures.items()]
        if self._moved:
            self.stage.day_passes(listed=True)
        if self.column.behind > _OVERLAP:  # what the error says is to be done
            self.stage.overlap(self.column.behind + _OVERLAP)
        # A run that stopped is taken up with its own window: what happened after its end comes with the one after.
        for _ in range(2 if self._moved and failures else 1):
            if again := self.run(alone=not self.column.killed):
                raise Failed(STUCK, [*told, *(f"and without the fault: {one}" for one in again.values())])
        for key, rows in self.held().items():
            demand(differences(rows, truth[key]), "after a run without the fault")
        return (STOPPED if failures else CONVERGED), told


def _settled(rows: Rows, moved: Collection[str]) -> Rows:
    """Rows of records that did not move."""

    def stays(name: str, row: Any) -> bool:
        owner = row.get("product_id" if name in _OF_PRODUCTS else "order_id")  # of rows that are read by themselves
        return row["root_id"] not in moved and owner not in moved

    return {name: {id: row for id, row in found.items() if stays(name, row)} for name, found in rows.items()}
