"""Run one slice: read a window of a stream and carry it through landing, mapping and the gate to the catalogue.

vendor -> landing -> mapped -> superseded? unchanged? -> judged -> staged rows and quarantine -> catalogue. The warehouse, the hashes
and the watermark come after it, in `varai.river.settle`, once per region and run.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import duckdb
import pyarrow as pa

from varai import landing
from varai.canonical.mapper import map_lines
from varai.canonical.mapping import CHILD, UNMAPPABLE, Mapping
from varai.catalogue import holds
from varai.gate import load_suites
from varai.kernel import BatchRef, Unbalanced, Window
from varai.privacy import Ledger, Vault, protect
from varai.registry import Counts, Pending, SliceReport, SliceState, connections
from varai.registry.slices import Planned
from varai.river.changes import changes_since
from varai.river.classify import Census
from varai.river.context import FeedRun
from varai.river.judged import Judgement, judge_slice
from varai.river.listed import attach, believed, due
from varai.river.mapped import MappedRows, write_mapped
from varai.river.publish import publish_slice
from varai.river.shop import keep_facts, mapping_facts
from varai.sources.contract import Deletion, Listing, Session, StreamSpec

_SEALED_MEMORY = "2GB"
_MEMORY = "1GB"


def run_slice(
    run: FeedRun,
    spec: StreamSpec,
    window: Window | None = None,
    *,
    waiting: Pending | None = None,
    listing: bool = False,
) -> BatchRef:
    """Carry one stream's next window (or `window`, for a backfill) to staged rows and the catalogue.

    Args:
        waiting: the stream's slice that waits for the warehouse, to be read on; the new one stands in its place.
        listing: list the stream's ids too, where it tells no deletes.

    Raises:
        VaraiError: typed; the watermark has not moved and the window stays planned, so that the next run takes it over.
    """
    state = run.state(spec.name)
    # Before anything is planned: of a feed that is disconnected no window stands open meanwhile.
    session = run.session(state.key)
    planned = state.plan_onward(run.lease.token, waiting) if waiting else _plan(run, state, spec, window)
    run.progress(state.key, "planned", 0)
    ref, deletions, listed = _land(run, session, state, spec, planned, asked=listing)
    listed = believed(state, listed, run.lease.token)
    told = deletions or listed is not None or waiting is not None
    if ref.lines == 0 and not (told or ref.window.whole or state.attempts()):
        return _carry_nothing(run, spec, state, ref)
    return carry(run, spec, state, ref, deletions, listing=listed, waiting=waiting)


def carry(
    run: FeedRun,
    spec: StreamSpec,
    state: SliceState,
    ref: BatchRef,
    deletions: tuple[Deletion, ...],
    *,
    listing: Listing | None = None,
    remap: bool = False,
    waiting: Pending | None = None,
) -> BatchRef:
    """From a landed batch to staged rows and the catalogue. What a `listing` of the stream's ids lacks is gone.

    What the slice it was read on (`waiting`) has staged belongs to it.

    With `remap` the batch was landed in the past: rows that a later batch carried are superseded, and what it lacks is not gone.
    """
    mapping = run.connector.mapping(spec.name, run.feed, mapping_facts(run.scope, run.feed, spec.name))
    suites = load_suites(run.settings.expectations)
    ledger = Ledger(run.scope)
    reading = landing.read(run.scope, ref, ledger, spec)
    mapped = _map(run, spec, ref, mapping, reading)
    con = _connect(run, spec)
    try:
        mapped.attach(con, (*spec.entities, UNMAPPABLE))
        census = _census(run, spec, con, ref, deletions, listing, remap=remap)
        judgement = judge_slice(run, spec, state, con, ref, mapping, suites, census, remap=remap)
        report = _report(ref, spec, state, judgement, unmappable=_unmappable(con), erased=reading.erased)
        if remap:
            # What the vendor counted was compared when it landed; since then an erasure may have withheld records.
            report = report.model_copy(update={"vendor_count": None})
        else:
            since = state.watermark()
            told = changes_since(con, spec.primary, since - timedelta(seconds=run.feed.overlap_s)) if since else None
            report = report.model_copy(update={"changes": told})
        state.write_report(report)
        run.progress(state.key, "judged", report.landed)
        if not report.balanced:
            raise Unbalanced(f"{state.key.tenant}/{state.key.feed}/{spec.name}: {'; '.join(report.differences)}.")
        if spec.name == "shop":
            _keep_shop(run, con, ref)
        staged, hashes = publish_slice(run, spec, state, con, ref, mapping, suites, judgement)
    finally:
        con.close()
        mapped.drop()
    state.pend(
        Pending(
            token=run.lease.token,
            holder=run.lease.holder,
            batch=ref,
            report=report,
            staged=(*(waiting.staged if waiting else ()), *staged),
            hashes=hashes,
            listed_at=ref.ingested_at if listing is not None else waiting.listed_at if waiting else None,
        )
    )
    return ref


def _carry_nothing(run: FeedRun, spec: StreamSpec, state: SliceState, ref: BatchRef) -> BatchRef:
    """The end of a slice that brought nothing, and by which nothing can be gone: there is no row to judge, and the hashes in force stay.

    Most slices of a quiet shop are such.
    """
    report = _report(ref, spec, state, Judgement({name: Counts() for name in spec.entities}), unmappable=0, erased=0)
    state.write_report(report)
    for step in ("judged", "staged", "catalogue"):
        run.progress(state.key, step, 0)
    hashes = state.next_hashes(run.lease.token)  # never written: those in force stay so
    state.pend(
        Pending(token=run.lease.token, holder=run.lease.holder, batch=ref, report=report, staged=(), hashes=hashes)
    )
    return ref


def _plan(run: FeedRun, state: SliceState, spec: StreamSpec, window: Window | None) -> Planned:
    if window is not None:
        return state.plan_exactly(run.lease.token, window)
    overlap = timedelta(seconds=run.feed.overlap_s)
    return state.plan(run.lease.token, overlap, incremental=spec.incremental)


def _land(
    run: FeedRun, session: Session, state: SliceState, spec: StreamSpec, planned: Planned, *, asked: bool
) -> tuple[BatchRef, tuple[Deletion, ...], Listing | None]:
    """Read the vendor and land what it gives; with it what was deleted, and the stream's ids where they were listed.

    The extraction itself, which remembers every record it met, ends here.

    Raises Unbalanced when counts differ and no operator has accepted just that.
    """
    connected = connections.connection(run.scope, run.feed.key).connected_at
    listing = due(state, spec, planned, asked=asked, since=connected)
    extraction = run.connector.extract(session, spec.name, planned.window, listing=listing)
    landed = landing.land(
        run.scope,
        run.feed.key,
        spec.name,
        planned.window,
        iter(extraction),
        sealed=spec.sealed,
        ingested_at=planned.ingested_at,
        connector_version=run.connector.version,
        token=run.lease.token,
    )
    ref = landing.commit(run.scope, landed, vendor_count=extraction.vendor_count, query_hash=extraction.query_hash)
    run.progress(state.key, "landed", ref.records)
    report = _landed_only(ref)
    if report.miscount and not state.accepted(report.miscount):
        state.write_report(report)
        state.doubt(report.miscount, run.lease.token)
        raise Unbalanced(f"{'/'.join(state.key)}: {report.miscount}.")
    return ref, tuple(extraction.deletions), extraction.listing


def _landed_only(ref: BatchRef) -> SliceReport:
    """The report of a slice that got no further than landing."""
    return SliceReport(
        token=ref.token,
        tenant=ref.tenant,
        feed=ref.feed,
        stream=ref.stream,
        batch_id=ref.batch_id,
        window=ref.window,
        ingested_at=ref.ingested_at,
        vendor_count=ref.vendor_count,
        landed=ref.records,
    )


def _census(
    run: FeedRun,
    spec: StreamSpec,
    con: duckdb.DuckDBPyConnection,
    ref: BatchRef,
    deletions: tuple[Deletion, ...],
    listing: Listing | None,
    *,
    remap: bool,
) -> Census:
    """How deletes of this slice can be seen; what a listing says is put on the connection."""
    if listing is not None:
        attach(run, spec, con, listing)
    return Census(
        spec.primary,
        [one.source_id for one in deletions],
        # Only what is on sale is compared with the whole: an order or a payout that a scope no longer shows has not ceased to exist. And
        # only what the vendor says now: of rows with dates of their own a listing alone says which there are.
        whole=ref.window.whole and holds(spec.primary) and not spec.dated and not remap,
        listed=listing is not None,
        horizon=listing.horizon if listing is not None else None,
    )


def _map(run: FeedRun, spec: StreamSpec, ref: BatchRef, mapping: Mapping, chunks: Iterator[bytes]) -> MappedRows:
    """Map and protect: after this, no field that identifies a person is left outside the vault."""
    vault = Vault(run.scope) if spec.sealed else None

    def protected() -> Iterator[tuple[str, pa.RecordBatch]]:
        for name, batch in map_lines(chunks, mapping):
            yield name, batch if name == UNMAPPABLE else protect(run.scope, run.feed, name, batch, vault)

    return write_mapped(run.scope, f"mapped/{ref.tenant}/{ref.batch_id}/", protected(), sealed=spec.sealed)


def _connect(run: FeedRun, spec: StreamSpec) -> duckdb.DuckDBPyConnection:
    """A connection of this slice's own; that of a sealed stream never spills to a disk."""
    spill = "" if spec.sealed else str(run.settings.home.resolve() / "tmp")
    memory = _SEALED_MEMORY if spec.sealed else _MEMORY
    con = duckdb.connect(
        config={"memory_limit": memory, "threads": "2", "temp_directory": spill, "preserve_insertion_order": "false"}
    )
    con.execute("SET TimeZone = 'UTC'")
    return con


def _report(
    ref: BatchRef, spec: StreamSpec, state: SliceState, judgement: Judgement, *, unmappable: int, erased: int
) -> SliceReport:
    primary = judgement.counts[spec.primary]
    report = SliceReport(
        token=ref.token,
        tenant=ref.tenant,
        feed=ref.feed,
        stream=ref.stream,
        batch_id=ref.batch_id,
        window=ref.window,
        ingested_at=ref.ingested_at,
        vendor_count=ref.vendor_count,
        landed=ref.records,
        published=primary.published,
        quarantined=primary.quarantined,
        unchanged=primary.unchanged,
        superseded=primary.superseded,
        unmappable=unmappable,
        erased=erased,
        tombstoned=primary.tombstoned,
        entities=judgement.counts,
    )
    return report.model_copy(update={"accepted": state.accepted(report.miscount)})


def _unmappable(con: duckdb.DuckDBPyConnection) -> int:
    """Vendor records that gave no row; lines that are only children of a record are no records."""
    row = con.execute(
        "SELECT count(*) FROM rows_unmappable WHERE NOT starts_with(reason, $child)", {"child": CHILD}
    ).fetchone()
    return int(row[0]) if row else 0


def _keep_shop(run: FeedRun, con: duckdb.DuckDBPyConnection, ref: BatchRef) -> None:
    row = con.execute(
        "SELECT currency, timezone, effective_at FROM rows_shop WHERE currency IS NOT NULL AND timezone IS NOT NULL"
    ).fetchone()
    if row is not None:
        currency, timezone, effective_at = row
        since = effective_at or ref.ingested_at
        keep_facts(
            run.scope, run.feed, {"currency": currency, "timezone": timezone}, since=since, token=run.lease.token
        )
