"""Our own places: hashes, landing, catalogue and warehouse, each as prints of the rows it holds of a feed."""

from __future__ import annotations

from collections.abc import Collection

import duckdb
import pyarrow.parquet as pq

from varai import catalogue, landing
from varai.canonical import ENTITIES
from varai.canonical import entity as canonical_entity
from varai.kernel import Feed, FeedKey, Scope
from varai.privacy import Ledger
from varai.registry import SliceState
from varai.river.classify import HASH_COLUMNS
from varai.river.proof.newest import arrivals, mark_erased
from varai.river.proof.prints import GIVEN, add, print_of
from varai.sources.contract import StreamSpec
from varai.stores import objects
from varai.warehouse.duck import DuckDBWarehouse

_ROWS = 50_000


def take_known(con: duckdb.DuckDBPyConnection, state: SliceState) -> None:
    """The stream's hashes; nothing before its first slice."""
    store = objects(state.scope)
    if not store.exists(state.hashes):
        return
    columns = ", ".join(HASH_COLUMNS)
    with store.open(state.hashes) as file:
        for batch in pq.ParquetFile(file).iter_batches(_ROWS):
            con.register("given", batch)
            con.execute(f"INSERT INTO known BY NAME SELECT {columns} FROM given")
            con.unregister("given")


def take_landing(
    con: duckdb.DuckDBPyConnection, scope: Scope, feed: Feed, spec: StreamSpec, loaded: Collection[str]
) -> None:
    """Rows that landed batches make, mapped anew: of each batch those that it is the newest to carry, and those that nobody knows.

    Only batches that settled are read: one that the warehouse has `loaded`, or one that carried a row as it is known. Their
    rows of a record that a later batch carried are left out.
    """
    names = ", ".join(f"'{name}'" for name in spec.entities)
    in_force = {
        row[0] for row in con.execute(f"SELECT DISTINCT batch_id FROM known WHERE entity IN ({names})").fetchall()
    }
    wanted = [
        ref for ref in landing.batches(scope, feed.key, spec.name) if ref.batch_id in in_force or ref.batch_id in loaded
    ]
    ledger = Ledger(scope)
    for reading in arrivals(con, scope, feed, spec, (landing.read(scope, ref, ledger, spec) for ref in wanted)):
        mark_erased(con, spec, reading.marked, rewritten=reading.rewritten)
        given = {"batch": reading.ref.batch_id}
        con.execute("INSERT INTO kept VALUES ($batch, $at)", {**given, "at": reading.ref.ingested_at})
        # Oldest first: what a later batch says of a record takes the place of what was kept before.
        con.execute(
            f"DELETE FROM landing WHERE entity IN ({names}) AND root_id IN"
            f" (SELECT source_id FROM arrived WHERE entity = '{spec.primary}')"
            " AND (entity, source_id) NOT IN (SELECT (entity, source_id) FROM known)"
        )
        con.execute(
            """
            INSERT INTO landing BY NAME
            SELECT a.* EXCLUDE (nobody), $batch AS batch_id, a.root_id IN (SELECT source_id FROM of_erased) AS erased
            FROM arrived a LEFT JOIN known k ON k.entity = a.entity AND k.source_id = a.source_id
            WHERE k.source_id IS NULL OR k.batch_id = $batch
            """,
            given,
        )


def take_catalogue(con: duckdb.DuckDBPyConnection, scope: Scope, key: FeedKey, spec: StreamSpec) -> None:
    """Live rows of the stream's entities, where the catalogue holds such."""
    if spec.sealed:
        return
    for name, batch in catalogue.live_rows(scope, key, spec.entities):
        add(con, "catalogue", canonical_entity(name), batch)


def take_warehouse(
    con: duckdb.DuckDBPyConnection, opened: DuckDBWarehouse, key: FeedKey, entities: Collection[str]
) -> None:
    """Live rows of the entities; the caller holds the region's warehouse lease."""
    for name in entities:
        kind = ENTITIES[name]
        found = opened.connection.execute(
            f"SELECT '{name}' AS entity, {GIVEN}, {print_of(kind)} AS print, batch_id FROM {opened.table(name)}"
            " WHERE tenant = $tenant AND feed = $feed AND NOT deleted",
            {"tenant": key.tenant, "feed": key.feed},
        ).to_arrow_reader(_ROWS)
        for batch in found:
            con.register("given", batch)
            con.execute("INSERT INTO warehouse BY NAME SELECT * FROM given")
            con.unregister("given")
