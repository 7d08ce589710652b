"""Publish a judged slice: staged rows and quarantine in the bucket, then the catalogue; and the hashes that will follow the warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as Dict
from contextlib import ExitStack

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from varai import catalogue
from varai.canonical import Entity, duckdb_type
from varai.canonical import entity as canonical_entity
from varai.canonical.mapping import UNMAPPABLE, Mapping
from varai.gate import Suite, evidence, quarantine
from varai.kernel import BatchRef
from varai.privacy import Vault, create_object, open_object
from varai.registry import SliceState
from varai.registry.leases import check
from varai.river.classify import HASH_COLUMNS, SET_KEYS
from varai.river.context import FeedRun, lease_name
from varai.river.judged import NO_SUITE, Judgement
from varai.sources.contract import StreamSpec
from varai.warehouse.staged import staged_key

_ROWS = 50_000
_VALUES = {
    "order": "total_minor",
    "order_line": "gross_minor - coalesce(discount_minor, 0)",
    "refund": "total_minor",
    "refund_line": "subtotal_minor",
}
"""What a row is worth, in minor units, so that the value withheld can be told."""


def publish_slice(
    run: FeedRun,
    spec: StreamSpec,
    state: SliceState,
    con: duckdb.DuckDBPyConnection,
    ref: BatchRef,
    mapping: Mapping,
    suites: Dict[str, Suite],
    judgement: Judgement,
) -> tuple[tuple[str, ...], str]:
    """Write what the gate decided; returns the keys of staged objects and that of the next hashes.

    Raises:
        Conflict: when the feed's lease was lost to another run; nothing is written then.
    """
    check(run.scope, lease_name(run.feed.key), run.lease.token)
    # Written before anything is staged: a run that takes over from a dead one learns from it what may be out already.
    hashes = _next_hashes(spec, state, con, ref, mapping, suites)
    staged = {name: key for name in spec.entities if (key := _stage(run, con, ref, name))}
    _forget(run, spec, con)
    for name in (*spec.entities, UNMAPPABLE):
        _quarantine(run, con, ref, name, sealed=spec.sealed)
    for name in spec.entities:
        if name in suites:
            keep_evidence(run, con, ref, suites[name], sealed=spec.sealed)
    run.progress(state.key, "staged", sum(counts.published for counts in judgement.counts.values()))
    _catalogue(run, spec, con, ref, staged)
    run.progress(state.key, "catalogue", judgement.counts[spec.primary].published)
    return tuple(staged.values()), hashes


def _stage(run: FeedRun, con: duckdb.DuckDBPyConnection, ref: BatchRef, name: str) -> str | None:
    """Stage passing rows and tombstones under the token of this run's lease; None when there are none."""
    kind = canonical_entity(name)
    count = con.execute(
        f"SELECT (SELECT count(*) FROM judged_{name} WHERE len(reasons) = 0) + (SELECT count(*) FROM gone_{name})"
    ).fetchone()
    if count is None or count[0] == 0:
        return None
    key = staged_key(ref.tenant, kind, ref.batch_id, run.lease.token)
    own = [field for field in kind.stored if field.name not in _GIVEN]
    live = ", ".join(f"CAST({field.name} AS {duckdb_type(field)}) AS {field.name}" for field in own)
    dead = ", ".join(_dead(field.name, duckdb_type(field)) for field in own)
    given = {
        "tenant": ref.tenant,
        "feed": ref.feed,
        "source": run.feed.connector,
        "batch": ref.batch_id,
        "at": ref.ingested_at,
    }
    constants = (
        "$tenant AS tenant, $feed AS feed, $source AS source, $batch AS batch_id, $at::TIMESTAMPTZ AS ingested_at"
    )
    relation = con.execute(
        f"""
        SELECT {", ".join(field.name for field in kind.stored)} FROM (
            SELECT {constants}, false AS deleted, {live} FROM judged_{name} WHERE len(reasons) = 0
            UNION ALL BY NAME
            SELECT {constants}, true AS deleted, {dead}
            FROM gone_{name} g JOIN prev p ON p.entity = '{name}' AND p.source_id = g.source_id
        ) ORDER BY source_id
        """,
        given,
    )
    _write(run, key, kind, relation.to_arrow_reader(_ROWS))
    return key


def keep_evidence(run: FeedRun, con: duckdb.DuckDBPyConnection, ref: BatchRef, suite: Suite, *, sealed: bool) -> None:
    """Keep what Great Expectations needs to judge the batch again."""
    name = suite.entity
    holders = f"holders_{name}" if suite.set_keys else None
    evidence.keep(
        run.scope, con, suite, ref, rows=f"new_{name}", holders=holders, failing=f"failing_{name}", sealed=sealed
    )


def _forget(run: FeedRun, spec: StreamSpec, con: duckdb.DuckDBPyConnection) -> None:
    """Take people whom the vendor has deleted out of the vault, those too whom a remap of older batches has put back there.

    The warehouse keeps a tombstone under the pseudonym, and orders keep pointing to it. It is no erasure: the ledger is
    not told, for the vendor may bring the person back, and landing keeps the sealed lines to the end of their life.
    """
    for name in spec.entities:
        if canonical_entity(name).vaulted:
            rows = con.execute(
                f"""
                SELECT source_id FROM gone_{name} UNION
                SELECT p.source_id FROM prev p WHERE p.entity = '{name}' AND p.deleted
                  AND p.source_id IN (SELECT source_id FROM rank_{name})
                  AND p.source_id NOT IN (SELECT source_id FROM rank_{name} WHERE NOT superseded)
                """
            ).fetchall()
            if rows:
                Vault(run.scope).forget(subject for (subject,) in rows)


_GIVEN = ("tenant", "feed", "source", "batch_id", "ingested_at", "deleted")


def _dead(name: str, kind: str) -> str:
    """What a tombstone has of a column: who it is, and when that was known."""
    if name in ("source_id", "root_id", "content_hash"):
        return f"p.{name} AS {name}"
    if name == "source_updated_at":
        return "NULL::TIMESTAMPTZ AS source_updated_at"
    return f"NULL::{kind} AS {name}"


def _write(run: FeedRun, key: str, kind: Entity, reader: pa.RecordBatchReader) -> None:
    schema = kind.schema()
    with ExitStack() as stack:
        file = stack.enter_context(create_object(run.scope, key))
        writer = stack.enter_context(pq.ParquetWriter(file, schema, compression="zstd", compression_level=1))
        for batch in reader:
            writer.write_batch(batch.cast(schema))


def _quarantine(run: FeedRun, con: duckdb.DuckDBPyConnection, ref: BatchRef, name: str, *, sealed: bool) -> None:
    """Keep what cannot be trusted, with its reasons; unmappable lines too."""
    if name == UNMAPPABLE:
        # Nothing of a line that could not be mapped was protected, so its place names it, and no id it may have.
        named = f"concat('{ref.batch_id}/', position)"
        source = f"SELECT * EXCLUDE (row_key) REPLACE ({named} AS source_id), [reason] AS reasons FROM rows_unmappable"
    else:
        source = f"SELECT * EXCLUDE (row_key, replayed) FROM judged_{name} WHERE len(reasons) > 0"
        source += _held_before(run, con, ref, name, sealed=sealed)
    reader = con.execute(f"{source} ORDER BY source_id").to_arrow_reader(_ROWS)
    quarantine.write(run.scope, name, ref, reader, sealed=sealed)


def _held_before(run: FeedRun, con: duckdb.DuckDBPyConnection, ref: BatchRef, name: str, *, sealed: bool) -> str:
    """SQL that adds what an earlier attempt at this batch quarantined and nobody judged again.

    A run that was killed between hashes and watermark leaves rows that are unchanged to the next one and lie in this object only.
    """
    before = quarantine.written(run.scope, name, ref, sealed=sealed)
    if before is None:
        return ""
    con.register(f"before_{name}", before)
    return f"""
        UNION ALL BY NAME SELECT * FROM before_{name}
        WHERE source_id NOT IN (SELECT source_id FROM judged_{name}) AND source_id NOT IN (SELECT source_id FROM gone_{name})
          AND source_id IN (SELECT source_id FROM prev WHERE entity = '{name}' AND verdict = 'quarantined' AND NOT deleted)
    """


def _catalogue(
    run: FeedRun, spec: StreamSpec, con: duckdb.DuckDBPyConnection, ref: BatchRef, staged: Dict[str, str]
) -> None:
    if not catalogue.holds(spec.primary):
        return
    tables = dict(_tables(run, staged))
    if tables:
        catalogue.publish(run.scope, run.feed, tables, run_id=ref.batch_id)
    for name in spec.entities:
        stale = con.execute(
            f"""
            SELECT j.source_id, j.reasons FROM judged_{name} j
            JOIN prev p ON p.entity = '{name}' AND p.source_id = j.source_id AND p.verdict = 'published' AND NOT p.deleted
            WHERE len(j.reasons) > 0 ORDER BY j.source_id
            """
        ).fetchall()
        if stale:
            catalogue.mark_stale(run.scope, run.feed, name, dict(stale))


def _tables(run: FeedRun, staged: Dict[str, str]) -> Iterator[tuple[str, pa.Table]]:
    for name, key in staged.items():
        with open_object(run.scope, key) as file:
            yield name, pq.read_table(pa.py_buffer(file.read()))


def _next_hashes(
    spec: StreamSpec,
    state: SliceState,
    con: duckdb.DuckDBPyConnection,
    ref: BatchRef,
    mapping: Mapping,
    suites: Dict[str, Suite],
) -> str:
    """Write the hashes as they will be when the warehouse has the rows; returns the key."""
    parts = [
        f"SELECT {', '.join(HASH_COLUMNS)} FROM prev WHERE entity NOT IN ({', '.join(repr(name) for name in spec.entities)})"
    ]
    for name in spec.entities:
        suite = suites.get(name)
        parts += _hash_parts(name, mapping.version, suite.version if suite else NO_SUITE)
    reader = con.execute(
        " UNION ALL BY NAME ".join(parts) + " ORDER BY entity, source_id", {"batch": ref.batch_id}
    ).to_arrow_reader(_ROWS)
    key = state.next_hashes(ref.token)
    with ExitStack() as stack:
        file = stack.enter_context(create_object(state.scope, key))
        writer = stack.enter_context(pq.ParquetWriter(file, reader.schema, compression="zstd", compression_level=1))
        for batch in reader:
            writer.write_batch(batch)
    return key


def _hash_parts(name: str, mapping_version: str, suite_version: str) -> list[str]:
    """Hashes of one entity: rows not in the slice, unchanged rows, judged rows and tombstones."""
    value = _VALUES.get(name)
    amount = f"{value or 'NULL::BIGINT'} AS amount_minor, {'currency' if value else 'NULL::VARCHAR AS currency'}"
    keys = ", ".join(f"o.{key}" for key in SET_KEYS)
    changed = [column for column in HASH_COLUMNS if column not in ("deleted", "batch_id")]
    # What a dead run put out and this slice does not hold is judged whenever it comes again, as if nothing were known of it.
    again = "CASE WHEN tried THEN NULL ELSE mapping_version END AS mapping_version"
    kept = ", ".join(again if column == "mapping_version" else column for column in HASH_COLUMNS)
    return [
        f"""
        SELECT {kept} FROM prev p WHERE p.entity = '{name}'
          AND p.source_id NOT IN (SELECT source_id FROM own_{name})
          AND p.source_id NOT IN (SELECT source_id FROM gone_{name})
          AND p.source_id NOT IN (SELECT source_id FROM judged_{name})
        """,
        f"""
        SELECT p.{", p.".join(changed)}, p.deleted, $batch AS batch_id
        FROM (
            SELECT p.* REPLACE (greatest(p.source_updated_at, r.source_updated_at) AS source_updated_at)
            FROM prev p JOIN same_{name} s ON s.source_id = p.source_id JOIN rows_{name} r ON r.row_key = s.row_key
            WHERE p.entity = '{name}'
        ) p
        """,
        f"""
        SELECT '{name}' AS entity, j.source_id, j.root_id, j.source_updated_at, j.content_hash,
               '{mapping_version}' AS mapping_version, '{suite_version}' AS suite_version, {keys}, nullif(o.holders, '') AS holders,
               CASE WHEN len(j.reasons) > 0 THEN 'quarantined' ELSE 'published' END AS verdict, false AS deleted, o.batch_id,
               {amount}
        FROM judged_{name} j
        JOIN (
            SELECT source_id, sku, gtin, holders, $batch AS batch_id FROM own_{name}
            UNION ALL SELECT source_id, sku, gtin, holders, batch_id FROM others_{name}
        ) o ON o.source_id = j.source_id
        """,
        f"""
        SELECT p.* EXCLUDE (tried) REPLACE (NULL AS mapping_version, true AS deleted, $batch AS batch_id)
        FROM prev p WHERE p.entity = '{name}' AND p.source_id IN (SELECT source_id FROM gone_{name})
        """,
    ]
