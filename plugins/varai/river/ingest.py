"""Work on feeds: which are due, and one feed's streams side by side under its lease. A stream that fails stops nobody else."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import structlog

from varai import sources
from varai.kernel import BatchRef, FeedKey, Scope, Unexpected, VaraiError, Window, utc_now
from varai.registry import (
    FeedState,
    Pending,
    SliceState,
    acquire_patiently,
    feed,
    feeds,
    release_held,
    renewing,
    set_state,
    slice_keys,
)
from varai.river.context import FeedRun, Progress, lease_name, silent
from varai.river.first_read import FirstRead
from varai.river.slice import run_slice
from varai.settings import Settings
from varai.sources.contract import StreamSpec, chosen_streams

log = structlog.get_logger(__name__)

MOST_BATCHES = 64
"""A run maps at most this many tasks; feeds are spread over them."""


@dataclass(frozen=True, slots=True)
class How:
    """How streams are read: in this window or the next one, on what waits for the warehouse, and with a listing of which ids."""

    window: Window | None = None
    onward: bool = False
    listing: frozenset[str] = frozenset()


@dataclass
class FeedOutcome:
    """What one feed gave: batches that are staged, and sentences for the streams that failed."""

    feed: str
    token: int
    batches: list[BatchRef] = field(default_factory=list)
    failures: dict[str, VaraiError] = field(default_factory=dict)


def due_feeds(settings: Settings, region: str, connector: str, *, force: bool = False) -> list[list[FeedKey]]:
    """Feeds whose time has come, in at most MOST_BATCHES batches. `force` takes every feed that is not paused."""
    scope = settings.scope(region)
    due = [
        one.key
        for one in feeds(scope, connector)
        if not one.paused and (force or _due(scope, one.key, one.every_minutes))
    ]
    width = max(1, -(-len(due) // MOST_BATCHES))
    return [due[start : start + width] for start in range(0, len(due), width)]


def _due(scope: Scope, key: FeedKey, every_minutes: int) -> bool:
    """True when a stream has never been read, was left unfinished, or has not moved for the feed's interval."""
    streams, since = list(slice_keys(scope, key)), utc_now() - timedelta(minutes=every_minutes)
    # Read one by one: of a feed that is due, mostly the first says so.
    marks = (SliceState(scope, stream).watermark() for stream in streams)
    return not streams or any(mark is None or mark <= since for mark in marks)


def ingest_feed(
    settings: Settings,
    region: str,
    key: FeedKey,
    *,
    holder: str,
    streams: Sequence[str] | None = None,
    window: Window | None = None,
    onward: Collection[str] | None = None,
    progress: Progress = silent,
    patience_s: float = 0.0,
) -> FeedOutcome:
    """Bring one feed up to date as far as the catalogue; its lease stays with `holder` until the run's last task releases it.

    Args:
        streams: only these; None for all.
        window: this window instead of the next one (a backfill).
        onward: read on slices that wait for the warehouse, and list the ids of these streams; None leaves such slices as they are.
        patience_s: how long to wait while another run works on the feed.

    Raises:
        LeaseHeld: another run works on the feed. Misconfigured: no such feed, or no stream of such a name. Failures of streams do
            not raise: they are in the outcome.
    """
    scope = settings.scope(region, key.tenant)
    found = feed(scope, key)
    specs = chosen_streams(sources.connector(found.connector), found, streams)
    lease = acquire_patiently(scope, lease_name(key), holder, patience_s)
    run = FeedRun.of(settings, region, key, lease, progress)
    outcome = FeedOutcome(str(key), lease.token)
    with renewing(scope, lease):
        if onward is not None:
            _keep_staged(run, [spec for spec in run.connector.streams if spec not in specs])
        first, rest = _in_order(specs)
        how = How(window, onward is not None, frozenset(onward or ()))
        attempt = _attempting(run, first + rest, how, outcome)
        for spec in first:
            attempt(spec)
        if not outcome.failures:
            with ThreadPoolExecutor(max_workers=settings.workers) as pool:
                list(pool.map(attempt, rest))
    failures = [outcome.failures[spec.name] for spec in specs if spec.name in outcome.failures]
    if failures:  # that all is well can be said when it has settled
        set_state(scope, key, FeedState.worst(failures))
    return outcome


def release_feeds(settings: Settings, region: str, keys: Sequence[FeedKey], *, holder: str) -> None:
    """Give the leases of feeds back, those that `holder` has."""
    release_held(settings.scope(region), [lease_name(key) for key in keys], holder)


def _in_order(specs: Sequence[StreamSpec]) -> tuple[list[StreamSpec], list[StreamSpec]]:
    """The shop comes first, since the others are mapped with its currency and zone."""
    return [one for one in specs if one.name == "shop"], [one for one in specs if one.name != "shop"]


def _attempting(run: FeedRun, specs: list[StreamSpec], how: How, outcome: FeedOutcome) -> Callable[[StreamSpec], None]:
    """How a stream is attempted; while one of them is read for the first time, the feed's state says how far that is.

    What a stream that is not among them failed of stays told instead.
    """
    new = [spec for spec in specs if run.state(spec.name).watermark() is None]
    others = [spec for spec in run.connector.streams if spec not in specs]
    if not new or not all(run.state(spec.name).at_rest for spec in others):
        return lambda spec: _attempt(run, spec, how, outcome)
    first_read = FirstRead(run, new)
    watched = replace(run, progress=first_read)

    def attempt(spec: StreamSpec) -> None:
        _attempt(watched, spec, how, outcome)
        first_read.ended(spec.name)

    return attempt


def _attempt(run: FeedRun, spec: StreamSpec, how: How, outcome: FeedOutcome) -> None:
    context = {"region": run.scope.region, "tenant": run.feed.tenant, "feed": run.feed.name, "stream": spec.name}
    context["run"] = run.lease.holder
    try:
        waiting = _staged_earlier(run, spec, how.window)
        if waiting is None or (how.onward and not waiting.batch.window.whole):
            ref = run_slice(run, spec, how.window, waiting=waiting, listing=spec.name in how.listing)
        else:
            ref = waiting.batch
    except VaraiError as error:
        outcome.failures[spec.name] = error
        log.warning("slice.failed", kind=error.kind, what=error.what, cure=error.cure, **context)
        return
    except Exception as error:  # noqa: BLE001  # a mistake of ours in one stream must not stop the others
        # Only the type is told: texts of foreign errors may quote the data they choked on.
        outcome.failures[spec.name] = Unexpected(f"{type(error).__name__} in {_where(error)}.")
        log.error("slice.broke", kind=type(error).__name__, where=_where(error), **context)
        return
    outcome.batches.append(ref)
    log.info("slice.staged", batch=ref.batch_id, landed=ref.records, **context)


def _where(error: BaseException) -> str:
    """File and line where an error arose, the innermost of ours."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "varai" in frame.filename]
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "an unknown place"


def _staged_earlier(run: FeedRun, spec: StreamSpec, window: Window | None) -> Pending | None:
    """The slice that an earlier attempt or a run that died has staged, now under this run's token.

    Its rows are in the catalogue already, so it is settled first; reading the window anew could miss what was deleted since.
    """
    state = run.state(spec.name)
    pending = state.pending()
    if pending is None or (window is not None and pending.batch.window != window):
        return None
    ours = pending.model_copy(update={"token": run.lease.token, "holder": run.lease.holder})
    state.pend(ours)
    return ours


def _keep_staged(run: FeedRun, specs: Sequence[StreamSpec]) -> None:
    """Take what waits for the warehouse of other streams over: who settles it checks the token of the feed's newest lease."""
    for spec in specs:
        _staged_earlier(run, spec, None)
