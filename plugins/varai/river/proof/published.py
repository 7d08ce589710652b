"""The published snapshot as a place: every file as its manifest says, every row as the mart was built, and none that the warehouse lacks.

What was loaded since the snapshot's contents were first seen may be in it or not, and is no difference.
"""

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
from varai.marts.publish import read_manifest
from varai.registry.comparisons import SNAPSHOT as NAME
from varai.river.proof.buckets import differing
from varai.river.proof.words import Difference, StreamProof
from varai.stores import objects
from varai.warehouse.duck import DuckDBWarehouse

_ROWS: Final = 50_000


class _Shown(NamedTuple):
    """A mart with a row per row of an entity, in which `column` names it; parents are tables it is joined to, and by which column."""

    entity: str
    column: str
    parents: tuple[tuple[str, str], ...]


_SHOWN: Final[Mapping[str, _Shown]] = {
    "dim_product": _Shown("variant", "variant_id", (("product", "row.product_id"),)),
    "fct_order_line": _Shown("order_line", "line_id", (("order", "row.order_id"),)),
    "fct_refund_line": _Shown(
        "refund_line",
        "refund_line_id",
        (("refund", "row.refund_id"), ("order", "refund.order_id"), ("order_line", "row.line_id")),
    ),
}
_SAID: Final = {
    "missing": "the snapshot lacks it",
    "extra": "the snapshot has it still",
    "altered": "it is not in the snapshot as the mart was built",
}


def prove_published(
    con: duckdb.DuckDBPyConnection, scope: Scope, opened: DuckDBWarehouse, key: FeedKey
) -> StreamProof | None:
    """Compare the rows that a feed has in its tenant's snapshot; None where nothing is published yet.

    The caller holds the region's warehouse lease, so that nobody publishes meanwhile.
    """
    found = read_manifest(objects(scope), key.tenant)
    if found is None:
        return None
    manifest = found[0]
    differences, rows, buckets, since = [], 0, 0, 0
    for mart, file in sorted(manifest.marts.items()):
        if sentence := _broken(scope, file):
            differences.append(_of_file(key, mart, sentence))
        if mart not in _SHOWN or sentence == _LOST:
            continue
        con.execute("CREATE OR REPLACE TEMP TABLE shown (key VARCHAR, digest VARCHAR)")
        if not _take_shown(con, scope, file, key, _SHOWN[mart].column):
            continue
        _take_built(con, opened, key, mart)
        _take_due(con, scope, opened, key, manifest, _SHOWN[mart])
        rows += con.execute("SELECT count(*) FROM shown").fetchall()[0][0]
        more, found_since, wrong = _compare(con)
        buckets, since = buckets + more, since + found_since
        differences += [_of_row(key, _SHOWN[mart].entity, mart, name, what) for name, what in wrong]
    return StreamProof(
        stream=NAME,
        asked=False,
        as_of=manifest.as_of,
        rows={NAME: rows},
        buckets=buckets,
        explained={"loaded since": since} if since else {},
        differences=tuple(differences),
    )


_LOST: Final = "its file is missing"


def _broken(scope: Scope, file: PublishedMart) -> str:
    """Why the file is not what the manifest says; empty when it is."""
    digest = hashlib.sha256()
    try:
        with objects(scope).open(file.key) as source:
            while chunk := source.read(2**20):
                digest.update(chunk)
    except FileNotFoundError:
        return _LOST
    return "" if digest.hexdigest() == file.sha256 else "its file is not what the manifest says"


def _take_shown(con: duckdb.DuckDBPyConnection, scope: Scope, file: PublishedMart, key: FeedKey, column: str) -> bool:
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


def _take_built(con: duckdb.DuckDBPyConnection, opened: DuckDBWarehouse, key: FeedKey, mart: str) -> None:
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
        f'SELECT "{_SHOWN[mart].column}" AS key, {row_hash(names)} AS digest FROM "{schema}"."{mart}"'
        " WHERE tenant = $tenant AND feed = $feed",
        {"tenant": key.tenant, "feed": key.feed},
    ).to_arrow_reader(_ROWS)
    _copy(con, "built", reader)


def _take_due(
    con: duckdb.DuckDBPyConnection,
    scope: Scope,
    opened: DuckDBWarehouse,
    key: FeedKey,
    manifest: Manifest,
    place: _Shown,
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


def _compare(con: duckdb.DuckDBPyConnection) -> tuple[int, int, list[tuple[str, str]]]:
    """Buckets opened, rows explained by what was loaded since, and (key, what is wrong)."""
    con.execute("CREATE OR REPLACE TEMP TABLE suspects (key VARCHAR)")
    opened = differing(con, "SELECT * FROM built", "SELECT * FROM shown", "suspects")
    due, ids = "SELECT key, '' AS digest FROM due WHERE live", "SELECT key, '' AS digest FROM shown"
    opened += differing(con, due, ids, "suspects")
    rows = con.execute(
        """
        SELECT s.key, coalesce(d.late, false),
               CASE WHEN v.key IS NULL THEN 'missing' WHEN b.key IS NULL OR NOT coalesce(d.live, false) THEN 'extra' ELSE 'altered' END,
               b.digest IS DISTINCT FROM v.digest
        FROM (SELECT DISTINCT key FROM suspects) s
        LEFT JOIN due d ON d.key = s.key LEFT JOIN built b ON b.key = s.key LEFT JOIN shown v ON v.key = s.key
        ORDER BY s.key
        """
    ).fetchall()
    wrong = [(key, what) for key, late, what, unlike in rows if unlike or not late]
    return opened, len(rows) - len(wrong), wrong


def _of_row(key: FeedKey, entity: str, mart: str, source_id: str, what: str) -> Difference:
    return Difference(
        key=f"{key}/{entity}/{source_id}",
        entity=entity,
        source_id=source_id,
        what=f"{_SAID[what]} ({mart})",
        wrong={NAME: what},
        held={NAME: what},
    )


def _of_file(key: FeedKey, mart: str, sentence: str) -> Difference:
    return Difference(
        key=f"{key}/{NAME}/{mart}",
        entity=mart,
        source_id="",
        what=sentence,
        wrong={NAME: "altered"},
        held={NAME: "altered"},
    )
