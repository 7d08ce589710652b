"""The SQL of a raw table: its columns and the one MERGE that brings staged rows into it, for each dialect.

A raw row remembers two versions apart: the newest content, and the newest tombstone. Whether it is deleted follows from
the two, so that the state depends on the set of staged rows only, never on the order in which they came.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from varai.canonical import Entity, Field, duckdb_type

KEY = ("tenant", "feed", "source_id")
# A tombstone that came before any content still has to say where it came from.
_ORIGIN = ("source", "root_id", "source_updated_at", "ingested_at", "batch_id")
_RUN = frozenset({"ingested_at", "batch_id"})
TOMBSTONE = (
    Field("tombstone_at", "instant", "internal", "when the vendor deleted the record, where it says so"),
    Field("tombstone_ingested_at", "instant", "internal", "when the slice was planned that found it deleted"),
)
STAGED_ROW = Field("staged_row", "integer", "internal", "number of the staged row within one load", required=True)
LOADS = (
    Field("tenant", "text", "internal", "tenant that owns the batch", required=True),
    Field("entity", "text", "internal", "entity of its rows", required=True),
    Field("batch_id", "text", "internal", "batch that was staged", required=True),
    Field("rows", "integer", "internal", "rows of the staged object", required=True),
    Field("loaded_at", "instant", "internal", "when it was merged last", required=True),
)

_BIGQUERY_TYPES = {
    "VARCHAR": "STRING",
    "BIGINT": "INT64",
    "DECIMAL(18,6)": "NUMERIC",
    "BOOLEAN": "BOOL",
    "TIMESTAMPTZ": "TIMESTAMP",
    "DATE": "DATE",
    "VARCHAR[]": "ARRAY<STRING>",
    "DOUBLE": "FLOAT64",
}


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one warehouse spells names and types."""

    mark: str
    type_of: Callable[[Field], str]

    def name(self, *parts: str) -> str:
        """A quoted name, each part by itself."""
        return ".".join(f"{self.mark}{part.replace(self.mark, '')}{self.mark}" for part in parts)

    def names(self, columns: Iterable[str], of: str = "") -> str:
        """Quoted column names, comma-separated, each after `of` and a dot when given."""
        return ", ".join((f"{of}." if of else "") + self.name(column) for column in columns)

    def instant(self, at: datetime) -> str:
        """An expression that is this instant."""
        return f"CAST('{at.isoformat()}' AS {self.type_of(TOMBSTONE[0])})"


DUCKDB = Dialect('"', duckdb_type)
BIGQUERY = Dialect("`", lambda field: _BIGQUERY_TYPES[duckdb_type(field)])


def columns(entity: Entity) -> tuple[Field, ...]:
    """Columns of the entity's raw table: the stored fields, then the memory of its tombstone."""
    return (*entity.stored, *TOMBSTONE)


def digested(entity: Entity) -> tuple[str, ...]:
    """Columns that a digest covers: all stored fields but those of the run."""
    return tuple(field.name for field in entity.stored if field.name not in _RUN)


def create_table(dialect: Dialect, table: str, fields: Sequence[Field]) -> str:
    """DDL of a table, without constraints: MERGE keeps the key unique and dbt tests it."""
    inside = ", ".join(f"{dialect.name(field.name)} {dialect.type_of(field)}" for field in fields)
    return f"CREATE TABLE IF NOT EXISTS {table} ({inside})"


def add_column(dialect: Dialect, table: str, field: Field) -> str:
    """DDL that adds a column; rows that are there get null."""
    return f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {dialect.name(field.name)} {dialect.type_of(field)}"


def lacking(there: Mapping[str, Collection[str]], entities: Iterable[Entity]) -> Iterator[str]:
    """What of the raw tables (table -> its columns) is still to be made, a sentence each."""
    if "loads" not in there:
        yield "create the table raw.loads"
    for entity in entities:
        if entity.name not in there:
            yield f"create the table raw.{entity.name}"
            continue
        for field in columns(entity):
            if field.name not in there[entity.name]:
                yield f"add the column raw.{entity.name}.{field.name}"


def resolve(dialect: Dialect, table: str, staged: str, newest: str) -> str:
    """Make the temporary table `newest`: one narrow row per staged key that says which version wins and whether it is deleted.

    The newest content is the one with the latest source_updated_at (nulls last), then ingested_at, then batch_id; among
    equals a staged row replaces the kept one, so that a batch mapped anew takes its own place. A tombstone marks the row
    deleted and keeps its other columns, unless the content is newer: changed at the vendor after the deletion or, where
    one of the two has no vendor's instant, ingested in a later slice.

    `content_row` points to the staged row whose content won; -1: the kept content won; null: there is no content at all.
    """
    key = dialect.names(KEY)
    return f"""
CREATE TEMP TABLE {newest} AS
WITH
touched AS (SELECT DISTINCT {key} FROM {staged}),
old AS (SELECT kept.* FROM {table} AS kept JOIN touched ON {_same("kept", "touched", dialect)}),
contents AS (
  SELECT * FROM (
    SELECT {key}, source_updated_at, ingested_at, batch_id, content_hash, staged_row AS content_row FROM {staged} WHERE NOT deleted
    UNION ALL
    SELECT {key}, source_updated_at, ingested_at, batch_id, content_hash, -1 FROM old WHERE content_hash IS NOT NULL
  ) AS versions
  WHERE TRUE
  QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY source_updated_at DESC NULLS LAST, ingested_at DESC,
    batch_id DESC, CASE WHEN content_row >= 0 THEN 1 ELSE 0 END DESC, content_hash DESC) = 1
),
tombstones AS (
  SELECT * FROM (
    SELECT {key}, source, root_id, batch_id, source_updated_at AS tombstone_at, ingested_at AS tombstone_ingested_at
    FROM {staged} WHERE deleted
    UNION ALL
    SELECT {key}, source, root_id, batch_id, tombstone_at, tombstone_ingested_at FROM old WHERE tombstone_ingested_at IS NOT NULL
  ) AS deletions
  WHERE TRUE
  QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY tombstone_ingested_at DESC, tombstone_at DESC NULLS LAST) = 1
)
SELECT {dialect.names(KEY, "touched")}, contents.content_row,
  tombstones.source, tombstones.root_id, tombstones.batch_id, tombstones.tombstone_at, tombstones.tombstone_ingested_at,
  tombstones.tombstone_ingested_at IS NOT NULL AND (contents.content_row IS NULL OR CASE
    WHEN tombstones.tombstone_at IS NULL OR contents.source_updated_at IS NULL
      OR tombstones.tombstone_at = contents.source_updated_at THEN contents.ingested_at <= tombstones.tombstone_ingested_at
    ELSE contents.source_updated_at < tombstones.tombstone_at END) AS deleted
FROM touched
LEFT JOIN contents ON {_same("contents", "touched", dialect)}
LEFT JOIN tombstones ON {_same("tombstones", "touched", dialect)}
""".strip()


def merge(dialect: Dialect, table: str, staged: str, newest: str, entity: Entity) -> str:
    """The MERGE of what `newest` resolved into the raw table; wide rows are read from `staged` once and never sorted."""
    names = dialect.names
    own = tuple(field.name for field in entity.stored if field.name not in (*KEY, *_ORIGIN, "deleted"))
    decided = ("deleted", *(field.name for field in TOMBSTONE))
    every = (*KEY, *_ORIGIN, *own, *decided)
    deletion = {"source_updated_at": "tombstone_at", "ingested_at": "tombstone_ingested_at"}
    origin = ", ".join(
        f"CASE WHEN newest.content_row IS NULL THEN newest.{deletion.get(column, column)} ELSE won.{column} END AS {column}"
        for column in _ORIGIN
    )
    return f"""
MERGE INTO {table} AS kept
USING (
  SELECT {names(KEY, "newest")}, newest.content_row, {origin}, {names(own, "won")}, {names(decided, "newest")}
  FROM {staged} AS won RIGHT JOIN {newest} AS newest ON won.staged_row = newest.content_row
) AS fresh
ON {_same("kept", "fresh", dialect)}
WHEN MATCHED AND fresh.content_row = -1 THEN UPDATE SET {_assignments(dialect, decided)}
WHEN MATCHED THEN UPDATE SET {_assignments(dialect, every[len(KEY) :])}
WHEN NOT MATCHED THEN INSERT ({names(every)}) VALUES ({names(every, "fresh")})
""".strip()


def _same(one: str, other: str, dialect: Dialect) -> str:
    return " AND ".join(f"{one}.{dialect.name(column)} = {other}.{dialect.name(column)}" for column in KEY)


def _assignments(dialect: Dialect, columns: Iterable[str]) -> str:
    return ", ".join(f"{dialect.name(column)} = fresh.{dialect.name(column)}" for column in columns)
