"""A field of an entity: its type, data class and meaning; and its Arrow and DuckDB types."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

DataClass = Literal["public", "internal", "personal", "health"]
Type = Literal["text", "integer", "decimal", "minor", "boolean", "instant", "date", "texts", "score"]

_ARROW: dict[Type, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "decimal": pa.decimal128(18, 6),
    "minor": pa.int64(),
    "boolean": pa.bool_(),
    "instant": pa.timestamp("us", tz="UTC"),
    "date": pa.date32(),
    "texts": pa.list_(pa.string()),
    "score": pa.float64(),
}
_DUCKDB: dict[Type, str] = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "decimal": "DECIMAL(18,6)",
    "minor": "BIGINT",
    "boolean": "BOOLEAN",
    "instant": "TIMESTAMPTZ",
    "date": "DATE",
    "texts": "VARCHAR[]",
    "score": "DOUBLE",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One column.

    Attributes:
        name: column name in every store.
        type: `minor` is integer minor units of the row's currency; `decimal` is decimal(18,6); `instant` is UTC.
        data_class: who may see it and whether it may cross a border.
        about: what it means, with its unit.
        required: a row without it cannot be used.
        subject: the vendor's id of a data subject; replaced by the subject's pseudonym before anything is stored outside the vault.
        vault: identifies a person; lives in the vault only and is absent from staged rows, catalogue and warehouse.
    """

    name: str
    type: Type
    data_class: DataClass
    about: str
    required: bool = False
    subject: bool = False
    vault: bool = False


RUN_FIELDS: tuple[Field, ...] = (
    Field("tenant", "text", "internal", "tenant that owns the row", required=True),
    Field("feed", "text", "internal", "feed the row came through", required=True),
    Field("source", "text", "internal", "connector that read it", required=True),
    Field("source_id", "text", "internal", "the vendor's id; identity is (tenant, feed, source_id)", required=True),
    Field("root_id", "text", "internal", "source_id of the vendor record that carried the row", required=True),
    Field("source_updated_at", "instant", "internal", "when the vendor last changed the record"),
    Field(
        "ingested_at",
        "instant",
        "internal",
        "when the slice was planned; the same for every rerun of it",
        required=True,
    ),
    Field("batch_id", "text", "internal", "batch that carried the row", required=True),
    Field("content_hash", "text", "internal", "hash of the mapped fields", required=True),
    Field("deleted", "boolean", "internal", "true: a tombstone", required=True),
)
GATE_FIELDS: tuple[Field, ...] = (
    Field("flags", "texts", "internal", "rules the row fails without being withheld"),
    Field("score", "score", "internal", "data quality from 0 to 100: the weighted share of rules passed"),
)


def duckdb_type(field: Field) -> str:
    """The field's type in DuckDB."""
    return _DUCKDB[field.type]


def arrow_schema(fields: Iterable[Field]) -> pa.Schema:
    """The Arrow schema of these fields, in order."""
    return pa.schema([pa.field(field.name, _ARROW[field.type]) for field in fields])
