"""Lines of a stream, from the vendor or from landing, as prints of the rows that they make, each in its newest version."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from varai import sources
from varai.canonical import entity as canonical_entity
from varai.canonical.mapper import map_lines
from varai.canonical.mapping import UNMAPPABLE, Mapping
from varai.kernel import Feed, Scope
from varai.privacy import protect
from varai.river.proof.prints import GIVEN, print_of
from varai.river.shop import mapping_facts
from varai.sources.contract import StreamSpec


def mapping_of(scope: Scope, feed: Feed, spec: StreamSpec) -> Mapping:
    """How the stream is mapped today. Raises Misconfigured."""
    return sources.connector(feed.connector).mapping(spec.name, feed, mapping_facts(scope, feed, spec.name))


Lines = TypeVar("Lines", bound=Iterator[bytes])


def arrivals(
    con: duckdb.DuckDBPyConnection, scope: Scope, feed: Feed, spec: StreamSpec, readings: Iterable[Lines]
) -> Iterator[Lines]:
    """Map one reading after another, and give each back when `arrived` (entity, who, content_hash, print, nobody) holds its rows.

    They are as the river would put them out: what it calls superseded is left out, all but the newest version of a row, and
    children of older versions. `nobody` says that a record names no person.
    """
    columns = "root_id VARCHAR, source_updated_at TIMESTAMPTZ, content_hash VARCHAR, print VARCHAR, position BIGINT, nobody BOOLEAN"
    con.execute(f"CREATE OR REPLACE TEMP TABLE met (entity VARCHAR, source_id VARCHAR, {columns})")
    mapping = mapping_of(scope, feed, spec)
    for reading in readings:
        for name, batch in map_lines(reading, mapping):
            if name != UNMAPPABLE:
                _take(con, name, protect(scope, feed, name, batch, None))
        _keep_newest(con, spec)
        yield reading


def _keep_newest(con: duckdb.DuckDBPyConnection, spec: StreamSpec) -> None:
    """Create `arrived` of what was met, and begin anew."""
    newest = "ORDER BY source_updated_at DESC NULLS LAST, position DESC"
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE arrived AS
        WITH aged AS (
            SELECT position, row_number() OVER (PARTITION BY source_id {newest}) AS age FROM met WHERE entity = '{spec.primary}'
        ),
        versions AS (
            SELECT *, row_number() OVER (PARTITION BY entity, source_id {newest}) AS age FROM met
            WHERE entity = '{spec.primary}' OR position NOT IN (SELECT position FROM aged WHERE age > 1)
        )
        SELECT entity, {GIVEN}, print, nobody FROM versions WHERE age = 1
        """
    )
    con.execute("DELETE FROM met")


def mark_erased(con: duckdb.DuckDBPyConnection, spec: StreamSpec, records: Iterable[str], *, rewritten: bool) -> None:
    """Create `of_erased` (source_id): records that are told without the person they are about, since that person asked for it."""
    con.register("marked", pa.table({"source_id": pa.array(sorted(records), pa.string())}))
    emptied = f"SELECT source_id FROM arrived WHERE entity = '{spec.primary}' AND nobody AND {'true' if rewritten else 'false'}"
    con.execute(f"CREATE OR REPLACE TEMP TABLE of_erased AS SELECT source_id FROM marked UNION {emptied}")
    con.unregister("marked")


def _take(con: duckdb.DuckDBPyConnection, name: str, batch: pa.RecordBatch) -> None:
    kind = canonical_entity(name)
    about = [field.name for field in kind.fields if field.subject and field.name in batch.schema.names]
    nobody = pc.is_null(batch[about[0]]) if about else pa.array([False] * batch.num_rows)
    con.register("mapped", batch.append_column("nobody", nobody))
    con.execute(
        f"INSERT INTO met BY NAME SELECT '{name}' AS entity, {GIVEN}, {print_of(kind)} AS print, position, nobody FROM mapped"
    )
    con.unregister("mapped")
