"""Prove a feed: every row of every stream compared at the vendor, in landing, hashes, catalogue, warehouse and the snapshot."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime

import duckdb

from varai import sources
from varai.canonical import ENTITIES
from varai.kernel import Feed, FeedKey, Scope, utc_now
from varai.privacy import Ledger
from varai.registry import SliceState, StreamKey, held
from varai.registry import feed as registered
from varai.river.context import lease_name
from varai.river.proof.asked import Asked, ask
from varai.river.proof.compare import compare
from varai.river.proof.explain import Terms
from varai.river.proof.held import take_catalogue, take_known, take_landing, take_warehouse
from varai.river.proof.newest import mapping_of
from varai.river.proof.prints import forget_ours, prints
from varai.river.proof.published import prove_published
from varai.river.proof.words import FeedProof, StreamProof
from varai.river.settle import held_warehouse
from varai.settings import Settings
from varai.sources.contract import StreamSpec
from varai.warehouse.duck import connect_duckdb

_UNFINISHED = "a slice of it is unfinished; run the feed, then compare again"
_MOVED = "it was read meanwhile; compare again"
_TRIES = 3
_LOOK_S = 2.0
_Stamp = tuple[bool, datetime | None, str]


def prove_feed(settings: Settings, region: str, key: FeedKey, *, holder: str, patience_s: float = 0.0) -> FeedProof:
    """Compare a feed's rows place by place; nothing is written but passing objects.

    The vendor is asked first, while runs may go on: what they read after that explains itself. Our own places are read when no
    run is at work on the feed, and again when one was: a stream that never rests is named, not compared.

    Args:
        patience_s: how long to wait for a run on the feed to end, and for the warehouse while somebody else has it.

    Raises:
        LeaseHeld: somebody else has it still. Misconfigured: there is no such feed or connector, or the warehouse is no file.
        Gone, Malformed: a landed batch or hashes are not what they were.
    """
    scope = settings.scope(region, key.tenant)
    feed = registered(scope, key)
    streams = sources.streams_of(sources.connector(feed.connector), feed)
    with prints(settings.home) as con:
        asked_at = utc_now()
        asked = {spec.name: ask(con, settings, scope, feed, spec) for spec in streams}
        for _ in range(_TRIES):
            _wait(scope, key, holder, patience_s)
            stamps = {spec.name: _stamp(_state(scope, key, spec)) for spec in streams}
            published = _look(con, settings, scope, feed, streams, holder, patience_s)
            moved = {spec.name for spec in streams if _stamp(_state(scope, key, spec)) != stamps[spec.name]}
            if not moved:
                break
        found = []
        for spec in streams:
            at_rest, mark, _ = stamps[spec.name]
            if not at_rest or spec.name in moved:
                failure = _MOVED if at_rest else _UNFINISHED
                found.append(StreamProof(stream=spec.name, asked=False, failure=failure))
            elif mark is not None:  # before its first slice there is nothing to compare
                proof = compare(con, key, spec, _terms(scope, feed, spec, asked[spec.name], asked_at))
                found.append(proof.model_copy(update={"failure": asked[spec.name].failure}))
    return FeedProof(
        tenant=key.tenant, feed=key.feed, at=utc_now(), streams=(*found, *([published] if published else []))
    )


def _look(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    scope: Scope,
    feed: Feed,
    streams: Sequence[StreamSpec],
    holder: str,
    patience_s: float,
) -> StreamProof | None:
    """Take the prints of all places of ours; what is to be said of the snapshot."""
    forget_ours(con)
    with (
        held_warehouse(settings, scope.region, holder, patience_s=patience_s) as (whole, _),
        connect_duckdb(whole) as opened,
    ):
        opened.evolve(tuple(ENTITIES.values()))  # before its first load a region has no tables to look into
        loaded = {batch.batch_id for batch in opened.loads(feed.tenant)}
        take_warehouse(con, opened, feed.key, [name for spec in streams for name in spec.entities])
        published = prove_published(con, scope, opened, feed.key)
    for spec in streams:
        take_known(con, _state(scope, feed.key, spec))
        take_landing(con, scope, feed, spec, loaded)
        take_catalogue(con, scope, feed.key, spec)
    return published


def _wait(scope: Scope, key: FeedKey, holder: str, patience_s: float) -> None:
    """Wait while somebody else works on the feed. What nobody works on will not come to rest by itself."""
    ends = time.monotonic() + patience_s
    while time.monotonic() < ends:
        if all(one["_id"] != lease_name(key) or one["holder"] == holder for one in held(scope)):
            return
        time.sleep(_LOOK_S)


def _terms(scope: Scope, feed: Feed, spec: StreamSpec, asked: Asked, asked_at: datetime) -> Terms:
    forgotten = Ledger(scope).subjects if spec.sealed else frozenset()
    return Terms(asked_at, asked.as_of, asked.horizon, mapping_of(scope, feed, spec).version, forgotten)


def _state(scope: Scope, key: FeedKey, spec: StreamSpec) -> SliceState:
    return SliceState(scope, StreamKey(key.tenant, key.feed, spec.name))


def _stamp(state: SliceState) -> _Stamp:
    """What moves when a run works on the stream."""
    report = state.report()
    return state.at_rest, state.watermark(), report.batch_id if report else ""
