"""Remap: carry what is already landed through mapping and gate again, without asking the vendor."""

from __future__ import annotations

from collections.abc import Sequence

from varai import landing, sources
from varai.kernel import BatchRef, FeedKey
from varai.registry import acquire, feed, release, renewing_held
from varai.river.context import FeedRun, Progress, lease_name, silent
from varai.river.judged import batches_in_force
from varai.river.settle import load, settle
from varai.river.slice import carry
from varai.settings import Settings


def remap_feed(
    settings: Settings,
    region: str,
    key: FeedKey,
    *,
    holder: str,
    streams: Sequence[str] | None = None,
    progress: Progress = silent,
) -> list[BatchRef]:
    """Map and judge every landed batch that still holds a current row, oldest first; each is loaded and settled before the next.

    A row is taken only from the batch that last carried it, so an older batch never overwrites a newer one. A stream with an
    unfinished slice is left alone: running the feed carries it with the newest mapping anyway.

    Raises:
        LeaseHeld: another run works on the feed or has the warehouse.
    """
    scope = settings.scope(region, key.tenant)
    lease = acquire(scope, lease_name(key), holder)
    run = FeedRun.of(settings, region, key, lease, progress)
    done = []
    try:
        with renewing_held(scope, holder):
            for spec in run.connector.streams:
                state = run.state(spec.name)
                if (
                    (streams is not None and spec.name not in streams)
                    or state.unfinished
                    or state.pending() is not None
                ):
                    continue
                current = batches_in_force(state)
                for batch in (one for one in landing.batches(scope, key, spec.name) if one.batch_id in current):
                    ref = batch.model_copy(update={"token": lease.token})
                    done.append(carry(run, spec, state, ref, (), remap=True))
                    load(settings, region, holder=holder)
                    settle(settings, region, progress)
    finally:
        release(scope, lease)
    return done


def planned(settings: Settings, region: str, key: FeedKey, *, streams: Sequence[str] | None = None) -> list[str]:
    """What `remap_feed` would map again, a line per batch."""
    scope = settings.scope(region, key.tenant)
    return [
        f"{key}/{spec.name}: batch {ref.batch_id}, {ref.records} records"
        for spec in sources.connector(feed(scope, key).connector).streams
        if streams is None or spec.name in streams
        for ref in landing.batches(scope, key, spec.name)
    ]
