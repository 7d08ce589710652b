"""Mend a feed that a proof found wrong, by the verbs that move data anyway: read, carry, load, settle, publish. Then prove it again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Final

import pyarrow.parquet as pq

from varai import catalogue, landing
from varai.kernel import FeedKey, Window, Word, utc_now
from varai.privacy import audit
from varai.registry import SliceState, acquire, check, release, renewing_held, snapshots
from varai.registry.comparisons import SNAPSHOT
from varai.river.context import FeedRun, lease_name
from varai.river.proof.plan import Step, steps
from varai.river.proof.prove import prove_feed
from varai.river.proof.words import FeedProof
from varai.river.settle import held_warehouse, load, settle
from varai.river.slice import carry, run_slice
from varai.river.transform import build_and_publish
from varai.settings import Settings
from varai.sources.contract import StreamSpec, stream_spec
from varai.stores import objects
from varai.warehouse.duck import connect_duckdb

_ROUNDS: Final = 3
"""A stream that is read again may show what hid behind what was missing."""


class Mended(Word):
    """What a repair did.

    Attributes:
        before: the proof it set out from.
        done: a sentence per step, with the row's key.
        after: the proof that ended it.
    """

    before: FeedProof
    done: tuple[str, ...]
    after: FeedProof


def mend_feed(
    settings: Settings, region: str, key: FeedKey, *, reason: str, actor: str, holder: str, patience_s: float = 0.0
) -> Mended:
    """Mend what differs, under the feed's lease, and prove it again; in the audit before and after.

    Raises:
        LeaseHeld: a run works on the feed, or somebody has the warehouse. Malformed: without a reason. Unbalanced: the vendor's own
            counts do not hold, or would have most of what is known gone: an operator accepts that first.
    """
    scope = settings.scope(region, key.tenant)
    lease = acquire(scope, lease_name(key), holder)
    try:
        with renewing_held(scope, holder):
            run = FeedRun.of(settings, region, key, lease)
            proof = before = prove_feed(settings, region, key, holder=holder, patience_s=patience_s)
            done: list[str] = []
            with audit.act(scope, "repair", str(key), f"{reason} ({before.count} rows differ)", actor=actor):
                for _ in range(_ROUNDS):
                    planned = steps(proof)
                    if not planned:
                        break
                    _mend(run, planned, holder, patience_s)
                    done += [step.sentence for step in planned]
                    proof = prove_feed(settings, region, key, holder=holder, patience_s=patience_s)
    finally:
        release(scope, lease)
    return Mended(before=before, done=tuple(done), after=proof)


def _mend(run: FeedRun, planned: list[Step], holder: str, patience_s: float) -> None:
    region = run.scope.region
    _make_way(run, planned, holder, patience_s)
    for name in _ordered(run, {step.stream for step in planned if step.verb == "read"}):
        window = Window(start=None, end=utc_now().replace(microsecond=0))
        run_slice(run, stream_spec(run.connector, name), window, listing=True)
        load(run.settings, region, holder=holder, patience_s=patience_s)
        settle(run.settings, region)
    carried: dict[str, list[Step]] = defaultdict(list)
    for step in planned:
        if step.verb == "carry":
            carried[step.stream].append(step)
    for name in _ordered(run, carried):
        _carry(run, stream_spec(run.connector, name), carried[name], holder, patience_s)
    if run.feed.tenant in snapshots(run.scope) and any(step.place != "catalogue" for step in planned):
        anew = {run.feed.tenant} if any(step.verb == "publish" for step in planned) else set[str]()
        with held_warehouse(run.settings, region, holder, patience_s=patience_s) as (held, _):
            build_and_publish(run.settings, held, anew=anew)


def _carry(run: FeedRun, spec: StreamSpec, wanted: Iterable[Step], holder: str, patience_s: float) -> None:
    """Map and judge the batches that carry these rows now, oldest first; each is settled before the next."""
    state = run.state(spec.name)
    now = _batches_of(state, {(one.difference.entity, one.difference.source_id) for one in wanted})
    named = {now.get((one.difference.entity, one.difference.source_id)) or one.difference.batch_id for one in wanted}
    for batch in landing.batches(run.scope, run.feed.key, spec.name):
        if batch.batch_id in named:
            carry(run, spec, state, batch.model_copy(update={"token": run.lease.token}), (), remap=True)
            load(run.settings, run.scope.region, holder=holder, patience_s=patience_s)
            settle(run.settings, run.scope.region)


def _batches_of(state: SliceState, rows: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """(entity, source_id) -> the batch that a row is known by; rows that are not known are left out."""
    store, found = objects(state.scope), dict[tuple[str, str], str]()
    if not store.exists(state.hashes):
        return found
    with store.open(state.hashes) as file:
        for part in pq.ParquetFile(file).iter_batches(50_000, columns=["entity", "source_id", "batch_id"]):
            for entity, source_id, batch in zip(*(column.to_pylist() for column in part.columns), strict=True):
                if (entity, source_id) in rows:
                    found[entity, source_id] = batch
    return found


def _make_way(run: FeedRun, planned: Iterable[Step], holder: str, patience_s: float) -> None:
    """Take out what is too much, and let what is damaged be overwritten, in catalogue and warehouse."""
    of_store = [
        step for step in planned if step.place in ("catalogue", "warehouse") and step.verb in ("carry", "take out")
    ]
    by_place: dict[tuple[str, str, str], dict[str, str]] = defaultdict(dict)
    for step in of_store:
        found = step.difference
        word = "extra" if step.verb == "take out" else "twice" if found.wrong[step.place] == "twice" else "damaged"
        by_place[step.place, found.entity, word][found.source_id] = found.root_id or found.source_id
    for (place, entity, word), owners in by_place.items():
        if place == "catalogue":
            act = catalogue.bury if word == "extra" else catalogue.give_way
            act(run.scope, run.feed, entity, owners)
    if not any(place == "warehouse" for place, _, _ in by_place):
        return
    with (
        held_warehouse(run.settings, run.scope.region, holder, patience_s=patience_s) as (held, lease),
        connect_duckdb(held) as opened,
    ):
        opened.connection.execute("BEGIN TRANSACTION")
        for (place, entity, word), owners in by_place.items():
            if place == "warehouse":
                given = {"tenant": run.feed.tenant, "feed": run.feed.name, "ids": list(owners)}
                opened.connection.execute(_WAREHOUSE[word].format(opened.table(entity)), given)
        check(held, lease.name, lease.token)
        opened.connection.execute("COMMIT")


_THOSE: Final = "WHERE tenant = $tenant AND feed = $feed AND source_id IN (SELECT unnest($ids))"
_WAREHOUSE: Final = {
    "extra": f"UPDATE {{}} SET deleted = true, tombstone_at = NULL, tombstone_ingested_at = now() {_THOSE}",
    "twice": f"DELETE FROM {{}} {_THOSE}",
    # The version that is carried again is newer than this one, and no tombstone outlives it.
    "damaged": "UPDATE {} SET content_hash = '', source_updated_at = NULL, ingested_at = TIMESTAMPTZ '1970-01-01 00:00:00+00',"
    f" deleted = false, tombstone_at = NULL, tombstone_ingested_at = NULL {_THOSE}",
}


def _ordered(run: FeedRun, names: Collection[str]) -> list[str]:
    """Streams in the order in which the connector reads them."""
    return [spec.name for spec in run.connector.streams if spec.name in names and spec.name != SNAPSHOT]
