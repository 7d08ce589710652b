"""What every cell needs, whatever goes wrong in it: runs, what the feeds hold then, and how that is judged."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta

from sandbox.prove.columns import Column
from sandbox.prove.holdings import Rows, holdings
from sandbox.prove.marks import CRASHED, LOST
from sandbox.prove.stage import STEADY, Stage
from varai.kernel import FeedKey, Unexpected
from varai.registry import RunRecord
from varai.river.context import Progress, silent

A_MOMENT = timedelta(seconds=2)


class Failed(Exception):
    """The cell's mark is known, and it is not green."""

    def __init__(self, mark: str, why: list[str]) -> None:
        super().__init__(mark)
        self.mark, self.why = mark, why


class Trial:
    """One cell being played."""

    def __init__(self, stage: Stage, column: Column) -> None:
        self.stage, self.column = stage, column
        self.key = stage.feed.key

    def steady_changes(self) -> str:
        """A product of the other tenant's shop changes; returns its id."""
        other = self.stage.clerk(STEADY)
        first = other.ids("products")[0]
        other.touch("products", first, "Changed too", now() - A_MOMENT)
        return first

    def run(self, *, alone: bool = False, progress: Progress = silent) -> Mapping[str, str]:
        """One run of both feeds, or of the one under test alone; its failures by stream."""
        record: RunRecord = self.stage.region.run([self.key] if alone else [], progress)
        own = {
            name.removeprefix(f"{self.key}/"): said
            for name, said in record.failures.items()
            if name.startswith(str(self.key))
        }
        others = {name: said for name, said in record.failures.items() if not name.startswith(str(self.key))}
        if others:
            raise Failed(CRASHED, [f"another feed failed with it: {name}: {said}" for name, said in others.items()])
        if untyped := [said for said in own.values() if Unexpected.default_cure in said]:
            raise Failed(CRASHED, untyped)
        return own

    def held(self) -> dict[FeedKey, Rows]:
        """What each feed holds."""
        return {feed.key: holdings(self.stage.region, feed.key) for feed in self.stage.region.feeds}

    def entities(self, streams: Collection[str]) -> set[str]:
        """Entities of some streams."""
        return {name for spec in self.stage.specs if spec.name in streams for name in spec.entities}


def demand(found: list[str], when: str) -> None:
    """Raises Failed where there is a difference."""
    if found:
        raise Failed(LOST, [f"{one}, {when}" for one in found])


def those(rows: Rows, names: Collection[str]) -> Rows:
    """Some of the tables and collections."""
    return {name: found for name, found in rows.items() if name in names}


def now() -> datetime:
    """The present instant."""
    return datetime.now(UTC)
