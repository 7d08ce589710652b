"""Remap: carry what is already landed through mapping and gate again, without asking the vendor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from varai import landing, sources
from varai.gate import quarantine
from varai.kernel import BatchRef, Feed, FeedKey, Scope
from varai.registry import SliceState, StreamKey, acquire, feed, release, renewing_held
from varai.river.context import FeedRun, Progress, lease_name, silent
from varai.river.judged import batches_in_force
from varai.river.settle import load, settle
from varai.river.slice import carry
from varai.settings import Settings
from varai.sources.contract import Connector, StreamSpec, chosen_streams


def remap_feed(
    settings: Settings,
    region: str,
    key: FeedKey,
    *,
    holder: str,
    streams: Sequence[str] | None = None,
    progress: Progress = silent,
) -> list[BatchRef]:
    """Map and judge every landed batch that still holds a current row or a line that could not be mapped.

    Oldest first; each is loaded and settled before the next. A row that a later batch carried is not taken from an older one, so
    an older batch never overwrites a newer one. A stream with an unfinished slice is left alone: running the feed carries it with
    the newest mapping anyway.

    Raises:
        LeaseHeld: another run works on the feed or has the warehouse. Misconfigured: no stream of such a name.
    """
    scope = settings.scope(region, key.tenant)
    lease = acquire(scope, lease_name(key), holder)
    done = []
    try:
        run = FeedRun.of(settings, region, key, lease, progress)
        with renewing_held(scope, holder):
            for spec, batch in list(_wanted(scope, run.feed, run.connector, streams)):
                ref = batch.model_copy(update={"token": lease.token})
                done.append(carry(run, spec, run.state(spec.name), ref, (), remap=True))
                load(settings, region, holder=holder)
                settle(settings, region, progress)
    finally:
        release(scope, lease)
    return done


def planned(settings: Settings, region: str, key: FeedKey, *, streams: Sequence[str] | None = None) -> list[str]:
    """What `remap_feed` would map again now, a line per batch; raises Misconfigured as it does."""
    scope = settings.scope(region, key.tenant)
    found = feed(scope, key)
    connector = sources.connector(found.connector)
    return [
        f"{key}/{spec.name}: batch {ref.batch_id}, {ref.records} records"
        for spec, ref in _wanted(scope, found, connector, streams)
    ]


def _wanted(
    scope: Scope, found: Feed, connector: Connector, streams: Sequence[str] | None
) -> Iterator[tuple[StreamSpec, BatchRef]]:
    """Batches to map again, stream by stream, oldest first."""
    key = found.key
    lost = quarantine.unmappable_batches(scope, key)
    for spec in chosen_streams(connector, found, streams):
        state = SliceState(scope, StreamKey(key.tenant, key.feed, spec.name))
        if not state.at_rest:
            continue
        wanted = batches_in_force(state) | lost
        yield from ((spec, ref) for ref in landing.batches(scope, key, spec.name) if ref.batch_id in wanted)
