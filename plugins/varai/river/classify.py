"""Which rows of a slice are new: SQL that sorts mapped rows into superseded, unchanged and to be judged, and finds what is gone.

All of it works on one DuckDB connection that holds, per entity, `rows_<entity>` (mapped, protected rows with a `row_key`) and
`prev` (the stream's hashes: the last verdict on every row ever seen, `tried` where a run that died has put out something else).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

HASH_COLUMNS = {
    "entity": "VARCHAR",
    "source_id": "VARCHAR",
    "root_id": "VARCHAR",
    "source_updated_at": "TIMESTAMPTZ",
    "content_hash": "VARCHAR",
    "mapping_version": "VARCHAR",
    "suite_version": "VARCHAR",
    "sku": "VARCHAR",
    "gtin": "VARCHAR",
    "holders": "VARCHAR",
    "verdict": "VARCHAR",
    "deleted": "BOOLEAN",
    "batch_id": "VARCHAR",
    "amount_minor": "BIGINT",
    "currency": "VARCHAR",
}
"""Columns of hashes.parquet. `holders` is a digest of who else holds the row's set keys; `amount_minor` is what a row of
sales is worth, so that the value withheld can be told; `verdict` is published or quarantined."""

PREV_COLUMNS = {**HASH_COLUMNS, "tried": "BOOLEAN"}
"""Columns of `prev`."""

SET_KEYS = ("sku", "gtin")


@dataclass(frozen=True, slots=True)
class Census:
    """How deletes can be seen: from the vendor's events, from whole records, and (`whole`) from a read of everything.

    And (`listed`) from a list of ids, attached as `listed` (source_id): it says nothing of records with a smaller number than `horizon`.
    """

    primary: str
    deleted_roots: Sequence[str] = ()
    whole: bool = False
    listed: bool = False
    horizon: int | None = None


def take_attempt(con: duckdb.DuckDBPyConnection) -> None:
    """Bring `attempt` (hashes that a run wrote before it staged anything, and never settled) into `prev`.

    What it put out may be in any store or in none. So its live rows are known, that they can be found gone, and no row it
    judged is taken as unchanged. A row that it quarantined or found gone stays as it was: the stores may have it still.
    """
    judged = ("content_hash", "mapping_version", "suite_version", "holders", "verdict", "deleted")
    differs = " OR ".join(f"a.{column} IS DISTINCT FROM p.{column}" for column in judged)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE put_out AS
        SELECT a.* FROM attempt a LEFT JOIN prev p ON p.entity = a.entity AND p.source_id = a.source_id
        WHERE p.source_id IS NULL OR {differs}
        """
    )
    same = "prev.entity = o.entity AND prev.source_id = o.source_id"
    con.execute(f"DELETE FROM prev USING put_out o WHERE {same} AND NOT o.deleted AND o.verdict = 'published'")
    con.execute(f"UPDATE prev SET tried = true FROM put_out o WHERE {same}")
    con.execute(
        f"""
        INSERT INTO prev BY NAME SELECT o.* REPLACE (false AS deleted), true AS tried
        FROM put_out o ANTI JOIN prev ON {same}
        """
    )


def rank(
    con: duckdb.DuckDBPyConnection, entity: str, primary: str, later: Sequence[str] = (), *, dated: bool = False
) -> None:
    """Create `rank_<entity>` (row_key, source_id, superseded): all but the newest version of a row, and children of older versions.

    In a remap, rows that one of the `later` batches carried or found deleted are superseded too. Where a stream is `dated`, so are rows
    older than the living one that is known: they are `late`, and what is known stays.
    """
    if entity == primary:
        old = "false"
    else:
        old = f"position IN (SELECT position FROM rank_{primary} WHERE superseded)"
    newer = f"source_id IN (SELECT source_id FROM prev WHERE entity = '{entity}' AND list_contains($later, batch_id))"
    late = f"""source_updated_at < (SELECT p.source_updated_at FROM prev p
        WHERE p.entity = '{entity}' AND p.source_id = r.source_id AND NOT p.deleted)"""
    con.execute(
        f"""
        CREATE TEMP TABLE rank_{entity} AS
        SELECT row_key, source_id, root_id, position, late, old_root OR age > 1 OR late OR ({newer}) AS superseded
        FROM (
            SELECT row_key, source_id, root_id, position, {old} AS old_root, {f"coalesce({late}, false)" if dated else "false"} AS late,
                   row_number() OVER (
                       PARTITION BY source_id, {old} ORDER BY source_updated_at DESC NULLS LAST, position DESC, row_key DESC
                   ) AS age
            FROM rows_{entity} r
        )
        """,
        {"later": list(later)},
    )


def find_gone(con: duckdb.DuckDBPyConnection, entity: str, census: Census) -> None:
    """Create `gone_<entity>` (source_id): rows known before that the vendor no longer has."""
    clauses = ["list_contains($deleted, p.root_id) AND p.root_id NOT IN (SELECT source_id FROM roots)"]
    if entity != census.primary:
        clauses.append("p.root_id IN (SELECT source_id FROM roots)")
    if census.whole:
        clauses.append("true")
    if census.listed:
        sight = "true" if census.horizon is None else f"TRY_CAST(p.root_id AS BIGINT) >= {census.horizon}"
        absent = "p.root_id NOT IN (SELECT source_id FROM listed) AND p.root_id NOT IN (SELECT source_id FROM roots)"
        clauses.append(f"({sight}) AND {absent}")
    con.execute(
        f"""
        CREATE TEMP TABLE gone_{entity} AS
        SELECT p.source_id FROM prev p
        WHERE p.entity = '{entity}' AND NOT p.deleted AND ({" OR ".join(clauses)})
          AND p.source_id NOT IN (SELECT source_id FROM rank_{entity} WHERE NOT superseded OR late)
        """,
        {"deleted": list(census.deleted_roots)},
    )


def find_roots(con: duckdb.DuckDBPyConnection, primary: str) -> None:
    """Create `roots` (source_id): the vendor records of this slice in their newest version."""
    con.execute(f"CREATE TEMP TABLE roots AS SELECT source_id FROM rank_{primary} WHERE NOT superseded")


def settle_sets(con: duckdb.DuckDBPyConnection, entity: str, keys: Sequence[str]) -> None:
    """Create `winners_<entity>` (row_key, source_id, set keys, holders) and `others_<entity>` (rows of the stream outside the slice)."""
    kept = [key if key in keys else f"NULL::VARCHAR AS {key}" for key in SET_KEYS]
    con.execute(
        f"""
        CREATE TEMP TABLE others_{entity} AS
        SELECT source_id, {", ".join(SET_KEYS)}, holders AS before, batch_id FROM prev
        WHERE entity = '{entity}' AND NOT deleted
          AND source_id NOT IN (SELECT source_id FROM gone_{entity})
          AND source_id NOT IN (SELECT source_id FROM rank_{entity} WHERE NOT superseded)
        """
    )
    con.execute(
        f"""
        CREATE TEMP TABLE own_{entity} AS
        SELECT r.row_key, r.source_id, {", ".join(f"{k} " for k in kept)}
        FROM rows_{entity} r SEMI JOIN (SELECT row_key FROM rank_{entity} WHERE NOT superseded) w ON r.row_key = w.row_key
        """
    )
    shared = []
    for key in keys:
        con.execute(
            f"""
            CREATE TEMP TABLE shared_{entity}_{key} AS
            SELECT {key}, md5(string_agg(source_id, ',' ORDER BY source_id)) AS holders
            FROM (SELECT source_id, {key} FROM own_{entity} UNION ALL SELECT source_id, {key} FROM others_{entity})
            WHERE {key} IN (
                SELECT {key} FROM (SELECT {key} FROM own_{entity} UNION ALL SELECT {key} FROM others_{entity})
                WHERE {key} <> '' GROUP BY {key} HAVING count(*) > 1
            )
            GROUP BY {key}
            """
        )
        shared.append(key)
    joins = " ".join(f"LEFT JOIN shared_{entity}_{key} s_{key} ON s_{key}.{key} = o.{key}" for key in shared)
    holders = " || ".join(f"coalesce(s_{key}.holders, '')" for key in shared) or "''"
    for table in ("own", "others"):
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE {table}_{entity} AS SELECT o.*, {holders} AS holders FROM {table}_{entity} o {joins}"
        )


def find_unchanged(
    con: duckdb.DuckDBPyConnection, entity: str, mapping_version: str, suite_version: str, *, remap: bool = False
) -> None:
    """Create `same_<entity>` (row_key, source_id, verdict): rows whose content, mapping, suite and set holders are all as before.

    In a remap nothing is taken as unchanged, so that what a store has lost comes back.
    """
    con.execute(
        f"""
        CREATE TEMP TABLE same_{entity} AS
        SELECT o.row_key, o.source_id, p.verdict
        FROM own_{entity} o
        JOIN rows_{entity} r ON r.row_key = o.row_key
        JOIN prev p ON p.entity = '{entity}' AND p.source_id = o.source_id
        WHERE {"false AND " if remap else ""}NOT p.deleted AND p.tried IS NOT TRUE
          AND p.content_hash = r.content_hash AND p.mapping_version = $mapping
          AND p.suite_version = $suite AND coalesce(p.holders, '') = o.holders
        """,
        {"mapping": mapping_version, "suite": suite_version},
    )


def flipped(con: duckdb.DuckDBPyConnection, entity: str) -> list[tuple[str, str]]:
    """(source_id, batch_id) of rows outside the slice whose set verdict may flip because the holders of a key changed."""
    return con.execute(
        f"SELECT source_id, batch_id FROM others_{entity} WHERE coalesce(before, '') <> holders ORDER BY source_id"
    ).fetchall()
