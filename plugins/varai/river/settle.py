"""After the catalogue: merge what is staged into the warehouse, then move hashes and watermarks. Commit order of the river."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from varai import sources, warehouse
from varai.kernel import Conflict, FeedKey, Misconfigured, Scope, utc_now
from varai.registry import (
    FeedState,
    Lag,
    Lease,
    SliceState,
    StreamKey,
    check,
    feed,
    holding,
    keep_lag,
    set_state,
    waiting_keys,
)
from varai.river.context import Progress, lease_name, silent, warehouse_lease
from varai.settings import Settings
from varai.stores import objects

log = structlog.get_logger(__name__)


@contextmanager
def held_warehouse(
    settings: Settings, region: str, holder: str, *, patience_s: float = 0.0
) -> Iterator[tuple[Scope, Lease]]:
    """Hold the region's warehouse lease; whoever opens the live file does it in here.

    Args:
        patience_s: how long to wait while somebody else has it.

    Raises:
        LeaseHeld: somebody else has it still.
    """
    scope = settings.scope(region)
    with holding(scope, warehouse_lease(region), holder, patience_s) as lease:
        yield scope, lease


def load(settings: Settings, region: str, *, holder: str, patience_s: float = 0.0) -> dict[str, int]:
    """Merge every staged object of the region, whoever staged it; returns rows merged per entity.

    Args:
        patience_s: how long to wait while somebody else has the warehouse.

    Raises:
        LeaseHeld: another process has the warehouse.
        Conflict: the lease was lost while loading; nothing was committed.
    """
    with (
        held_warehouse(settings, region, holder, patience_s=patience_s) as (scope, lease),
        warehouse.connect(scope) as opened,
    ):
        report = warehouse.load(scope, opened, lambda: check(scope, lease.name, lease.token))
    for key, sentence in report.failed.items():
        log.error("staged.unreadable", region=region, key=key, what=sentence)
    merged: dict[str, int] = {}
    for batch in report.batches:
        merged[batch.entity] = merged.get(batch.entity, 0) + batch.rows
    return merged


def settle(settings: Settings, region: str, progress: Progress = silent) -> list[StreamKey]:
    """Move hashes and watermark of every slice whose staged rows the warehouse has; returns the streams that moved.

    A slice whose lease another run has taken over is left to that run. A feed is `ok` from the moment at which whatever was begun
    of its streams, in this run or not, has settled: none was left unfinished by a failure.
    """
    keys = list(waiting_keys(settings.scope(region)))
    moved = [key for key in keys if _settle_one(settings.scope(region, key.tenant), key, progress)]
    for key in sorted({FeedKey(one.tenant, one.feed) for one in moved}):
        if _at_rest(settings.scope(region, key.tenant), key):
            set_state(settings.scope(region, key.tenant), key, FeedState(kind="ok", since=utc_now()))
    return moved


def _at_rest(scope: Scope, key: FeedKey) -> bool:
    try:
        streams = sources.connector(feed(scope, key).connector).streams
    except Misconfigured:  # what it left behind settles, though the feed is no longer configured
        return False
    return all(SliceState(scope, StreamKey(key.tenant, key.feed, spec.name)).at_rest for spec in streams)


def _settle_one(scope: Scope, key: StreamKey, progress: Progress) -> bool:
    state = SliceState(scope, key)
    pending = state.pending()
    if pending is None:
        return False
    store = objects(scope)
    if any(store.exists(staged) for staged in pending.staged):
        return False
    try:
        check(scope, lease_name(FeedKey(key.tenant, key.feed)), pending.token)
    except Conflict as error:
        log.warning("slice.left", tenant=key.tenant, feed=key.feed, stream=key.stream, what=error.what)
        return False
    progress(key, "loaded", pending.report.landed)
    state.keep_hashes(pending)
    progress(key, "hashes", pending.report.landed)
    state.settle(pending)
    if pending.report.changes is not None:
        keep_lag(scope, key, Lag.of(pending.report.changes, utc_now()))
    progress(key, "watermark", pending.report.landed)
    return True
