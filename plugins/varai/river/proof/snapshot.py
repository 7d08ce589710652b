"""A feed's rows in its tenant's snapshot, beside what should be there: files, built marts and raw tables in, tables of keys out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final, NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from varai import landing
from varai.kernel import FeedKey, Scope
from varai.marts import Manifest, PublishedMart
from varai.marts.fingerprint import row_hash
from varai.stores import objects
from varai.warehouse.duck import DuckDBWarehouse

_ROWS: Final = 50_000
LOST: Final = "its file is missing"


class Shown(NamedTuple):
    """A mart with a row per row of an entity, in which `column` names it; parents are tables it is joined to, and by which column."""

    entity: str
    column: str
    parents: tuple[tuple[str, str], ...]


SHOWN: Final[Mapping[str, Shown]] = {
    "dim_product": Shown("variant", "variant_id", (("product", "row.product_id"),)),
    "fct_order_line": Shown("order_line", "line_id", (("order", "row.order_id"),)),
    "fct_refund_line": Shown(
        "refund_line",
        "refund_line_id",
        (("refund", "row.refund_id"), ("order", "refund.order_id"), ("order_line", "row.line_id")),
    ),
}


def broken(scope: Scope, file: PublishedMart) -> str:
    """Why the file is not what the manifest says; empty when it is."""
    digest = hashlib.sha256()
    try:
        with objects(scope).open(file.key) as source:
            while chunk := source.read(2**20):
                digest.update(chunk)
    except FileNotFoundError:
        return LOST
    return "" if digest.hexdigest() == file.sha256 else "its file is not what the manifest says"


def take_shown(con: duckdb.DuckDBPyConnection, scope: Scope, file: PublishedMart, key: FeedKey, column: str) -> bool:
    """Fill `shown` with the feed's rows of the file; False when that is no Parquet."""
    try:
        with objects(scope).open(file.key) as source:
            parquet = pq.ParquetFile(source)
            digest = row_hash(sorted(parquet.schema_arrow.names))
            for batch in parquet.iter_batches(_ROWS):
                con.register("given", batch)
                con.execute(
                    f'INSERT INTO shown SELECT "{column}", {digest} FROM given WHERE feed = $feed', {"feed": key.feed}
                )
                con.unregister("given")
    except pa.ArrowException:
        return False
    return True


def take_built(con: duckdb.DuckDBPyConnection, opened: DuckDBWarehouse, key: FeedKey, mart: str) -> None:
    """Create `built` (key, digest): the mart as it was built last; where it has no table, what is shown stands for it."""
    columns = opened.connection.execute(
        "SELECT table_schema, list(column_name ORDER BY column_name) FROM information_schema.columns"
        " WHERE table_name = $mart AND table_schema LIKE '%marts' GROUP BY table_schema",
        {"mart": mart},
    ).fetchall()
    if not columns:
        con.execute("CREATE OR REPLACE TEMP TABLE built AS SELECT * FROM shown")
        return
    con.execute("CREATE OR REPLACE TEMP TABLE built (key VARCHAR, digest VARCHAR)")
    schema, names = columns[0]
    reader = opened.connection.execute(
        f'SELECT "{SHOWN[mart].column}" AS key, {row_hash(names)} AS digest FROM "{schema}"."{mart}"'
        " WHERE tenant = $tenant AND feed = $feed",
        {"tenant": key.tenant, "feed": key.feed},
    ).to_arrow_reader(_ROWS)
    _copy(con, "built", reader)


def take_due(
    con: duckdb.DuckDBPyConnection,
    scope: Scope,
    opened: DuckDBWarehouse,
    key: FeedKey,
    manifest: Manifest,
    place: Shown,
) -> None:
    """Create `due` (key, live, late): rows the warehouse has for the mart, and whether they were loaded since the snapshot."""
    late, instants = _late(scope, opened, key, manifest)
    tables = (("row", place.entity), *((_alias(name), name) for name, _ in place.parents))
    joins = " ".join(
        f'LEFT JOIN raw."{name}" "{_alias(name)}" ON "{_alias(name)}".tenant = row.tenant AND "{_alias(name)}".feed = row.feed'
        f' AND "{_alias(name)}".source_id = {on}'
        for name, on in place.parents
    )
    live = " AND ".join(f'coalesce(NOT "{alias}".deleted, false)' for alias, _ in tables)
    moved = " OR ".join(
        f'coalesce(list_contains($late, "{alias}".batch_id), false)'
        f' OR coalesce(list_contains($instants, "{alias}".tombstone_ingested_at), false)'
        for alias, _ in tables
    )
    reader = opened.connection.execute(
        f'SELECT row.source_id AS key, {live} AS live, {moved} AS late FROM raw."{place.entity}" AS row {joins}'
        " WHERE row.tenant = $tenant AND row.feed = $feed",
        {"tenant": key.tenant, "feed": key.feed, "late": late, "instants": instants},
    ).to_arrow_reader(_ROWS)
    con.execute("CREATE OR REPLACE TEMP TABLE due (key VARCHAR, live BOOLEAN, late BOOLEAN)")
    _copy(con, "due", reader)


def _alias(name: str) -> str:
    """Names of parents, so that no table is joined to itself under its own name."""
    return name if name == "refund" else f"{name}_"


def _late(scope: Scope, opened: DuckDBWarehouse, key: FeedKey, manifest: Manifest) -> tuple[list[str], list[object]]:
    """Batches of the tenant that were loaded since the snapshot's contents were first seen, and when their slices were planned."""
    late = [
        row[0]
        for row in opened.connection.execute(
            "SELECT DISTINCT batch_id FROM raw.loads WHERE tenant = $tenant AND loaded_at > $at",
            {"tenant": key.tenant, "at": manifest.as_of},
        ).fetchall()
    ]
    planned = [one.ingested_at for one in landing.manifests(scope, key.tenant, key.feed) if one.batch_id in set(late)]
    return late, list(planned)


def _copy(con: duckdb.DuckDBPyConnection, table: str, reader: pa.RecordBatchReader) -> None:
    for batch in reader:
        con.register("given", batch)
        con.execute(f"INSERT INTO {table} BY NAME SELECT * FROM given")
        con.unregister("given")
