"""Run records: runs/{run_id}.json in the region's bucket, one per run of a graph or command."""

from __future__ import annotations

from datetime import datetime
from itertools import islice

from pydantic import Field

from varai.kernel import Scope, Word
from varai.stores import objects


class RunRecord(Word):
    """What a run did, feed by feed."""

    run_id: str
    started_at: datetime
    ended_at: datetime
    batches: tuple[str, ...] = ()
    failures: dict[str, str] = Field(default_factory=dict, description="feed -> sentence")
    merged: dict[str, int] = Field(default_factory=dict, description="entity -> rows merged into the warehouse")
    settled: tuple[str, ...] = Field(default=(), description="streams whose watermark moved")


def record_run(scope: Scope, record: RunRecord) -> None:
    """Write the record of a run."""
    objects(scope).write(f"runs/{record.run_id}.json", record.model_dump_json(indent=1).encode())


def last_runs(scope: Scope, limit: int = 20) -> list[RunRecord]:
    """The most recent runs, newest first (run ids begin with their time)."""
    store = objects(scope)
    keys = sorted(store.list("runs/"), reverse=True)
    return [RunRecord.model_validate_json(store.read(key)) for key in islice(keys, limit)]
