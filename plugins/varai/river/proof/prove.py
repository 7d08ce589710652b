"""Prove a feed: every row of every stream compared at the vendor, in landing, hashes, catalogue, warehouse and the snapshot."""

from __future__ import annotations

from datetime import datetime

from varai import sources
from varai.canonical import ENTITIES
from varai.kernel import Feed, FeedKey, Scope, utc_now
from varai.privacy import Ledger
from varai.registry import SliceState, StreamKey
from varai.registry import feed as registered
from varai.river.proof.asked import Asked, ask
from varai.river.proof.compare import compare
from varai.river.proof.explain import Terms
from varai.river.proof.held import take_catalogue, take_known, take_landing, take_warehouse
from varai.river.proof.newest import mapping_of
from varai.river.proof.prints import prints
from varai.river.proof.published import prove_published
from varai.river.proof.words import FeedProof, StreamProof
from varai.river.settle import held_warehouse
from varai.settings import Settings
from varai.sources.contract import StreamSpec
from varai.warehouse.duck import connect_duckdb

_UNFINISHED = "a slice of it is unfinished; run the feed, then compare again"
_MOVED = "it was read meanwhile; compare again"
_Stamp = tuple[bool, datetime | None, str]


def prove_feed(settings: Settings, region: str, key: FeedKey, *, holder: str, patience_s: float = 0.0) -> FeedProof:
    """Compare a feed's rows place by place; nothing is written but passing objects. A stream that is being read is named, not compared.

    Args:
        patience_s: how long to wait for the warehouse while somebody else has it.

    Raises:
        LeaseHeld: somebody else has it still. Misconfigured: there is no such feed or connector, or the warehouse is no file.
        Gone, Malformed: a landed batch or hashes are not what they were.
    """
    scope = settings.scope(region, key.tenant)
    feed = registered(scope, key)
    streams = sources.connector(feed.connector).streams
    stamps = {spec.name: _stamp(_state(scope, key, spec)) for spec in streams}
    with prints(settings.home) as con:
        # The vendor is asked before the warehouse is held: it may be slow.
        asked = {spec.name: ask(con, settings, scope, feed, spec) for spec in streams if stamps[spec.name][0]}
        with (
            held_warehouse(settings, region, holder, patience_s=patience_s) as (held, _),
            connect_duckdb(held) as opened,
        ):
            opened.evolve(tuple(ENTITIES.values()))  # before its first load a region has no tables to look into
            loaded = {batch.batch_id for batch in opened.loads(key.tenant)}
            take_warehouse(con, opened, key, [name for spec in streams for name in spec.entities])
            published = prove_published(con, scope, opened, key)
        for spec in streams:
            if spec.name in asked and _read(_state(scope, key, spec)):
                take_known(con, _state(scope, key, spec))
                take_landing(con, scope, feed, spec, loaded)
                take_catalogue(con, scope, key, spec)
        found = []
        for spec in streams:
            if spec.name not in asked:
                found.append(StreamProof(stream=spec.name, asked=False, failure=_UNFINISHED))
            elif _stamp(_state(scope, key, spec)) != stamps[spec.name]:
                found.append(StreamProof(stream=spec.name, asked=False, failure=_MOVED))
            elif _read(_state(scope, key, spec)):
                found.append(
                    _proven(compare(con, key, spec, _terms(scope, feed, spec, asked[spec.name])), asked[spec.name])
                )
    return FeedProof(
        tenant=key.tenant, feed=key.feed, at=utc_now(), streams=(*found, *([published] if published else []))
    )


def _terms(scope: Scope, feed: Feed, spec: StreamSpec, asked: Asked) -> Terms:
    forgotten = Ledger(scope).subjects if spec.sealed else frozenset()
    return Terms(asked.as_of, asked.horizon, mapping_of(scope, feed, spec).version, forgotten)


def _proven(proof: StreamProof, asked: Asked) -> StreamProof:
    return proof.model_copy(update={"failure": asked.failure})


def _state(scope: Scope, key: FeedKey, spec: StreamSpec) -> SliceState:
    return SliceState(scope, StreamKey(key.tenant, key.feed, spec.name))


def _read(state: SliceState) -> bool:
    """Whether any slice of the stream has ever settled: before that there is nothing to compare."""
    return state.watermark() is not None


def _stamp(state: SliceState) -> _Stamp:
    """What moves when a run works on the stream."""
    report = state.report()
    return state.at_rest, state.watermark(), report.batch_id if report else ""
