"""The whole river without an orchestrator: what `varai run` and the tests call, in the order the ingest graph has."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import uuid4

from varai.kernel import FeedKey, LeaseHeld, VaraiError, Window, utc_now
from varai.registry import RunRecord, StreamKey, record_run, renewing_held, this_process
from varai.river.context import Progress, silent
from varai.river.ingest import FeedOutcome, ingest_feed, release_feeds
from varai.river.settle import load, settle
from varai.settings import Settings


def new_run_id(now: datetime | None = None) -> str:
    """A run id that sorts by time."""
    return f"{(now or utc_now()).strftime('%Y%m%dT%H%M%S')}-{uuid4().hex[:8]}"


def run_feeds(
    settings: Settings,
    region: str,
    keys: Sequence[FeedKey],
    *,
    run_id: str | None = None,
    streams: Sequence[str] | None = None,
    window: Window | None = None,
    progress: Progress = silent,
) -> RunRecord:
    """Ingest these feeds, load the warehouse, settle, release the leases; returns the record of the run.

    Failures are sentences in the record; feeds that failed stop nobody else.
    """
    run_id = run_id or new_run_id()
    holder = f"{run_id} {this_process()}"
    started = utc_now()
    failures: dict[str, str] = {}
    outcomes: list[FeedOutcome] = []
    merged: dict[str, int] = {}
    settled: list[StreamKey] = []
    try:
        with renewing_held(settings.scope(region), holder):  # those of the first feeds too, until the last has settled
            for key in keys:
                try:
                    outcomes.append(
                        ingest_feed(
                            settings, region, key, holder=holder, streams=streams, window=window, progress=progress
                        )
                    )
                except VaraiError as error:
                    failures[str(key)] = str(error)
            merged = load(settings, region, holder=holder)
            settled = settle(settings, region, progress)
    except LeaseHeld as error:
        failures["warehouse"] = str(error)
    finally:
        release_feeds(settings, region, keys, holder=holder)
    for outcome in outcomes:
        failures |= {f"{outcome.feed}/{stream}": str(error) for stream, error in outcome.failures.items()}
    record = RunRecord(
        run_id=run_id,
        started_at=started,
        ended_at=utc_now(),
        batches=tuple(ref.batch_id for outcome in outcomes for ref in outcome.batches),
        failures=failures,
        merged=merged,
        settled=tuple("/".join(key) for key in settled),
    )
    record_run(settings.scope(region), record)
    return record
