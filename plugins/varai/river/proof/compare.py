"""Compare the places of a stream: digests in buckets find the rows that differ, and each of those is judged by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import duckdb

from varai import catalogue
from varai.kernel import FeedKey
from varai.river.proof.buckets import differing
from varai.river.proof.explain import Held, Known, Row, Terms, explain
from varai.river.proof.prints import PLACES
from varai.river.proof.told import tell
from varai.river.proof.words import Difference, StreamProof
from varai.sources.contract import StreamSpec

MOST: Final = 10_000
"""Differences that are listed of a stream."""
_FETCH: Final = 1_000
_ALIVE: Final = "NOT k.deleted"
_PASSED: Final = f"{_ALIVE} AND k.verdict = 'published'"


def compare(con: duckdb.DuckDBPyConnection, key: FeedKey, spec: StreamSpec, terms: Terms) -> StreamProof:
    """Compare all entities of a stream, of which the places' prints are taken."""
    explained: Counter[str] = Counter()
    differences: list[Difference] = []
    more = buckets = 0
    for entity in spec.entities:
        stores = tuple(
            name
            for name in ("catalogue", "warehouse")
            if name == "warehouse" or (not spec.sealed and entity in catalogue.COLLECTIONS)
        )
        buckets += _suspect(con, entity, stores, asked=terms.as_of is not None)
        for row in _rows(con, entity, spec, stores, terms):
            verdict = explain(row, terms)
            if verdict.reason:
                explained[verdict.reason] += 1
            if not verdict.wrong:
                continue
            if len(differences) < MOST:
                differences.append(tell(key, entity, row, verdict.wrong, asked=terms.as_of is not None))
            else:
                more += 1
    return StreamProof(
        stream=spec.name,
        asked=terms.as_of is not None,
        as_of=terms.as_of,
        rows=_counts(con, spec),
        buckets=buckets,
        explained=dict(explained),
        differences=tuple(differences),
        more=more,
    )


def _suspect(con: duckdb.DuckDBPyConnection, entity: str, stores: tuple[str, ...], *, asked: bool) -> int:
    """Create `suspects` (key): what places hold differently. Returns how many buckets were opened."""
    con.execute("CREATE OR REPLACE TEMP TABLE suspects (key VARCHAR)")
    known = f"SELECT k.source_id AS key, k.content_hash AS digest FROM known k WHERE k.entity = '{entity}' AND {_ALIVE}"
    opened = 0
    if asked:
        opened += differing(con, _contents("vendor", entity), known, "suspects")
    landed = f"{known} AND k.batch_id IN (SELECT batch_id FROM kept)"
    opened += differing(con, _contents("landing", entity), landed, "suspects")
    _expect(con, entity, stores)
    for store in stores:
        held = f"SELECT source_id AS key, concat(content_hash, ' ', print) AS digest FROM {store} WHERE entity = '{entity}'"
        opened += differing(con, held, "SELECT key, digest FROM expected", "suspects")
    return opened


def _expect(con: duckdb.DuckDBPyConnection, entity: str, stores: tuple[str, ...]) -> None:
    """Create `expected` (key, digest): what a store must hold, as landing gives it; where that lacks the version, as the stores do.

    One join at a time: each is as large as the shop.
    """
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE wanted AS
        SELECT k.source_id AS key, k.content_hash AS content, l.print FROM known k
        LEFT JOIN landing l ON l.entity = k.entity AND l.source_id = k.source_id AND l.content_hash = k.content_hash
        WHERE k.entity = '{entity}' AND {_PASSED}
        """
    )
    for store in reversed(stores):
        con.execute(
            f"""
            UPDATE wanted SET print = held.print FROM (
                SELECT source_id, content_hash, any_value(print) AS print FROM {store}
                WHERE entity = '{entity}' AND source_id IN (SELECT key FROM wanted WHERE print IS NULL) GROUP BY ALL
            ) held WHERE wanted.print IS NULL AND held.source_id = wanted.key AND held.content_hash = wanted.content
            """
        )
    con.execute("CREATE OR REPLACE TEMP VIEW expected AS SELECT key, concat(content, ' ', print) AS digest FROM wanted")


def _contents(place: str, entity: str) -> str:
    return f"SELECT source_id AS key, content_hash AS digest FROM {place} WHERE entity = '{entity}'"


def _rows(
    con: duckdb.DuckDBPyConnection, entity: str, spec: StreamSpec, stores: tuple[str, ...], terms: Terms
) -> Iterator[Row]:
    """Every suspect with all that the places say of it, in order of its key."""
    held = ("vendor", "landing", "catalogue", "warehouse")
    columns = ("n", "content", "print", "at", "batch", "erased")
    picked = ", ".join(f"{place}_.{name}" for place in held for name in columns)
    joins = " ".join(
        f"""
        LEFT JOIN (
            SELECT source_id, count(*) AS n, any_value(content_hash) AS content, any_value(print) AS print, any_value(root_id) AS root_id,
                   any_value(source_updated_at) AS at, any_value(batch_id) AS batch, bool_or(erased) AS erased
            FROM {place} WHERE entity = '{entity}' AND source_id IN (SELECT key FROM suspects) GROUP BY source_id
        ) {place}_ ON {place}_.source_id = s.key
        """
        for place in held
    )
    roots = ", ".join(f"{place}_.root_id" for place in held)
    found = con.execute(
        f"""
        WITH s AS (SELECT DISTINCT key FROM suspects),
        facts AS (
            SELECT s.key, coalesce(k.root_id, {roots}, s.key) AS root_id, k.source_id IS NOT NULL AS is_known,
                   k.content_hash, k.verdict, k.deleted,
                   k.mapping_version, k.batch_id, k.batch_id IN (SELECT batch_id FROM kept) AS kept,
                   k.batch_id IN (SELECT batch_id FROM kept WHERE ingested_at >= $since) AS since, {picked}
            FROM s LEFT JOIN known k ON k.entity = '{entity}' AND k.source_id = s.key {joins}
        )
        SELECT facts.*, root.source_updated_at, listed.source_id IS NOT NULL
        FROM facts
        LEFT JOIN vendor root ON root.entity = '{spec.primary}' AND root.source_id = facts.root_id
        LEFT JOIN (SELECT DISTINCT source_id FROM listed WHERE entity = '{spec.primary}') listed ON listed.source_id = facts.root_id
        ORDER BY facts.key
        """,
        {"since": terms.asked_at},
    )
    while rows := found.fetchmany(_FETCH):
        for row in rows:
            yield _row(row, stores, listed=spec.listed and terms.as_of is not None)


def _row(given: tuple[Any, ...], stores: tuple[str, ...], *, listed: bool) -> Row:
    key, root, is_known, content, verdict, deleted, mapping, batch, kept, since = given[:10]
    held = [given[at : at + 6] for at in range(10, 34, 6)]
    vendor, landing, in_catalogue, in_warehouse = (Held(*one) if one[0] else None for one in held)
    root_at: datetime | None = given[34]
    return Row(
        source_id=key,
        root_id=root,
        known=Known(content, verdict, deleted, mapping, batch) if is_known else None,
        vendor=vendor,
        landing=landing,
        catalogue=in_catalogue,
        warehouse=in_warehouse,
        root_at=root_at,
        listed=bool(given[35]) if listed else None,
        kept=bool(kept),
        since=bool(since),
        places=stores,
    )


def _counts(con: duckdb.DuckDBPyConnection, spec: StreamSpec) -> dict[str, int]:
    names = ", ".join(f"'{name}'" for name in spec.entities)
    found = {}
    for place in PLACES:
        alive = " AND NOT deleted" if place == "known" else ""
        found[place] = con.execute(f"SELECT count(*) FROM {place} WHERE entity IN ({names}){alive}").fetchall()[0][0]
    return found
