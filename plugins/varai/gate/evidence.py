"""Evidence: what Great Expectations needs to judge again what the compiled pass judged, kept from the slice until it is documented.

Per batch and entity one object, evidence/{tenant}/{entity}/{batch_id}.parquet[.sealed]: every failing row, a seeded sample of
the others, and beside them the other holders of their set keys, so that uniqueness is judged alike. Only the columns that the
rules look at are in it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from varai.gate.compile import derived_sql
from varai.gate.suite import Suite
from varai.kernel import BatchRef, Scope, identifier, literal
from varai.privacy import create_object, move_object, open_object
from varai.stores import objects

SAMPLE = 50_000
_ROOT = "evidence"
_DOUBTED = "doubted"
_ABOUT = b"varai"
_BATCH = 20_000


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence of one batch and entity.

    Attributes:
        rows: `source_id`, the judged columns, `reasons`, `flags` and `held`: true for other holders, which are not judged.
    """

    key: str
    tenant: str
    entity: str
    batch_id: str
    suite_version: str
    rows: pa.Table


def keep(
    scope: Scope,
    con: duckdb.DuckDBPyConnection,
    suite: Suite,
    ref: BatchRef,
    *,
    rows: str,
    holders: str | None,
    failing: str,
    sealed: bool,
    sample: int = SAMPLE,
) -> str | None:
    """Write the evidence of a batch; call it after `judge` with the same tables, `failing` being its `into`.

    Returns the object's key, or None when the batch has no rows. Sampled are at most `sample` rows that fail nothing, drawn
    by a hash that the batch id seeds: the same rows on every rerun.

    Raises:
        DiskFull: nothing half-written was kept.
    """
    counted = con.execute(
        f"SELECT (SELECT count(*) FROM {identifier(rows)}), (SELECT count(*) FROM {identifier(failing)})"
    ).fetchone()
    total, failed = counted if counted else (0, 0)
    if not total:
        return None
    key = f"{_ROOT}/{ref.tenant}/{suite.entity}/{ref.batch_id}.parquet{'.sealed' if sealed else ''}"
    chosen = _chosen_sql(rows, failing, total - failed, sample, ref.batch_id)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE evidence_rows AS "
        f"SELECT r.*, c.reasons, c.flags FROM {identifier(rows)} r JOIN ({chosen}) c USING (source_id)"
    )
    try:
        with _opened(scope, key, suite) as write:
            write(con.execute(_judged_sql(suite)).to_arrow_reader(_BATCH))
            if suite.set_keys:
                write(con.execute(_held_sql(suite, rows, holders)).to_arrow_reader(_BATCH))
    finally:
        con.execute("DROP TABLE evidence_rows")
    return key


def pending(scope: Scope, batches: tuple[BatchRef, ...] | None = None) -> Iterator[Evidence]:
    """Evidence that waits to be documented, of these batches or of the whole region, in key order."""
    wanted = None if batches is None else {(ref.tenant, ref.batch_id) for ref in batches}
    for key in list(objects(scope).list(f"{_ROOT}/")):
        _, tenant, entity, name = key.split("/")
        batch_id = name.partition(".")[0]
        if wanted is not None and (tenant, batch_id) not in wanted:
            continue
        with open_object(scope, key) as file:
            table = pq.read_table(pa.BufferReader(pa.py_buffer(file.read())))
        about = json.loads((table.schema.metadata or {}).get(_ABOUT, b"{}"))
        yield Evidence(key, tenant, entity, batch_id, about.get("suite_version", ""), table)


def settle(scope: Scope, evidence: Evidence, *, agreed: bool) -> None:
    """Remove evidence on which both judges agree; put the rest aside under doubted/, for a person to look at."""
    if agreed:
        objects(scope).delete(evidence.key)
    else:
        move_object(scope, evidence.key, _DOUBTED + evidence.key.removeprefix(_ROOT))


def _chosen_sql(rows: str, failing: str, passing: int, sample: int, seed: str) -> str:
    """Identities of the failing rows and of a sample of the others, drawn by a seeded hash in one pass over the rows."""
    # A little under the share wanted, so that LIMIT seldom cuts; hash() is uniform over 64 bits.
    share = 1.0 if passing <= sample else 0.98 * sample / passing
    drawn = f"hash(source_id, {literal(seed)}) <= {min(2**64 - 1, int(share * 2**64))}::UBIGINT"
    return (
        f"SELECT source_id, reasons, flags FROM {identifier(failing)} UNION ALL "
        f"(SELECT source_id, []::VARCHAR[], []::VARCHAR[] FROM {identifier(rows)} "
        f"WHERE {drawn} AND source_id NOT IN (SELECT source_id FROM {identifier(failing)}) LIMIT {sample})"
    )


def _judged_sql(suite: Suite) -> str:
    names = tuple(dict.fromkeys(("source_id", *suite.judged, "reasons", "flags")))
    return f"SELECT *, false AS held FROM ({derived_sql(suite, 'evidence_rows', names)})"


def _held_sql(suite: Suite, rows: str, holders: str | None) -> str:
    """Rows that share a set key with one of the evidence, in the slice or not: found by a join, not by what `judge` found."""
    keys = ", ".join(identifier(name) for name in suite.set_keys)
    tables = [rows, *([holders] if holders else [])]
    every = " UNION ALL ".join(f"SELECT source_id, {keys} FROM {identifier(table)}" for table in tables)
    others = f"SELECT * FROM ({every}) ANTI JOIN evidence_rows USING (source_id)"
    shares = " UNION ".join(
        f"SELECT o.* FROM ({others}) o SEMI JOIN evidence_rows e ON o.{identifier(key)} = e.{identifier(key)}"
        for key in suite.set_keys
    )
    return f"SELECT *, true AS held FROM ({shares})"


@contextmanager
def _opened(scope: Scope, key: str, suite: Suite) -> Iterator[Callable[[pa.RecordBatchReader], None]]:
    """Something that writes readers into the object; columns that a later reader lacks are null."""
    about = json.dumps({"suite_version": suite.version})
    with ExitStack() as stack:
        file = stack.enter_context(create_object(scope, key))
        writer: pq.ParquetWriter | None = None

        def write(reader: pa.RecordBatchReader) -> None:
            nonlocal writer
            if writer is None:
                schema = reader.schema.with_metadata({_ABOUT: about.encode()})
                writer = stack.enter_context(pq.ParquetWriter(file, schema, compression="zstd", compression_level=1))
            for batch in reader:
                writer.write_batch(_shaped(batch, writer.schema))

        yield write


def _shaped(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    held = set(batch.schema.names)
    columns = [
        batch[name] if name in held else pa.nulls(batch.num_rows, schema.field(name).type) for name in schema.names
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)
