"""Prints of rows: who a row is, its content hash as it carries it, and a hash over its fields as they are.

The content hash tells which version of a record a place holds; the print tells whether somebody has altered it there. All prints of a feed
lie in one DuckDB, which spills into a passing folder, so that memory does not grow with the shop. It holds pseudonyms and hashes only.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from varai import catalogue
from varai.canonical import Entity, Field
from varai.river.classify import HASH_COLUMNS

PLACES: Final = ("vendor", "landing", "known", "catalogue", "warehouse")
_CONFIG: Final[dict[str, str | bool | int | float | list[str]]] = {
    "memory_limit": "512MB",
    "threads": 2,
    "preserve_insertion_order": False,
}
GIVEN: Final = "source_id, root_id, source_updated_at, content_hash"


@contextmanager
def prints(home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty table per place; gone at exit.

    `vendor`, `landing`, `catalogue` and `warehouse` have the entity, who the row is, its content hash and print, and the batch it
    came with; `known` has the streams' hashes, `listed` the ids that the vendor lists, `kept` the batches that are landed still.
    """
    folder = home.resolve() / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="proof-", dir=folder) as spill:
        con = duckdb.connect(str(Path(spill) / "prints.duckdb"), config=_CONFIG)
        try:
            con.execute("SET TimeZone = 'UTC'")
            for place in ("vendor", "landing", "catalogue", "warehouse"):
                con.execute(
                    f"CREATE TABLE {place} (entity VARCHAR, source_id VARCHAR, root_id VARCHAR, source_updated_at TIMESTAMPTZ,"
                    " content_hash VARCHAR, print VARCHAR, batch_id VARCHAR, erased BOOLEAN)"
                )
            con.execute(f"CREATE TABLE known ({', '.join(f'{name} {kind}' for name, kind in HASH_COLUMNS.items())})")
            con.execute("CREATE TABLE listed (entity VARCHAR, source_id VARCHAR)")
            con.execute("CREATE TABLE kept (batch_id VARCHAR, ingested_at TIMESTAMPTZ)")
            yield con
        finally:
            con.close()


def forget_ours(con: duckdb.DuckDBPyConnection) -> None:
    """Empty the tables of our own places; what the vendor said stays."""
    for name in ("landing", "known", "catalogue", "warehouse", "kept"):
        con.execute(f"DELETE FROM {name}")


def print_of(kind: Entity) -> str:
    """A DuckDB expression: the hash over the fields a store keeps of a row. Lengths keep different rows apart; null is no text."""
    texts = [_text(kind, field) for field in kind.fields if not field.vault]
    parts = [f"coalesce(strlen({one}) || ':' || {one}, '-')" for one in texts]
    return f"md5(concat({', '.join(parts)}))"


def add(con: duckdb.DuckDBPyConnection, place: str, kind: Entity, rows: pa.RecordBatch) -> None:
    """Take the prints of rows that have GIVEN and the entity's own fields."""
    con.register("given", rows)
    con.execute(
        f"INSERT INTO {place} BY NAME SELECT '{kind.name}' AS entity, {GIVEN}, {print_of(kind)} AS print FROM given"
    )
    con.unregister("given")


def _text(kind: Entity, field: Field) -> str:
    name = f'"{field.name}"'
    if field.type == "texts":
        return f"CAST(to_json({name}) AS VARCHAR)"
    if field.type == "instant" and kind.name in catalogue.COLLECTIONS:
        return f"CAST(epoch_ms({name}) AS VARCHAR)"  # documents keep milliseconds
    return f"CAST({name} AS VARCHAR)"
