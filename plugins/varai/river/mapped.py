"""From landed lines to mapped, protected rows, as one Parquet object per entity, read again by DuckDB.

Objects of sealed streams are sealed here too and opened into memory only.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from varai.canonical import entity as canonical_entity
from varai.canonical.mapping import UNMAPPABLE
from varai.kernel import Scope
from varai.privacy import create_object, open_object
from varai.stores import objects

_ROW_GROUP = 100_000


@dataclass
class MappedRows:
    """Where the mapped rows of a batch lie, and how many there are."""

    scope: Scope
    prefix: str
    sealed: bool
    keys: dict[str, str] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)

    def attach(self, con: duckdb.DuckDBPyConnection, entities: tuple[str, ...]) -> None:
        """Offer each entity as `rows_<entity>` to SQL; an entity without rows is an empty table of its shape."""
        for name in entities:
            if name not in self.keys:
                con.register(f"rows_{name}", _empty(name))
                continue
            path = None if self.sealed else objects(self.scope).local(self.keys[name])
            if path is not None:
                con.execute(f"CREATE TEMP VIEW rows_{name} AS SELECT * FROM read_parquet({_literal(str(path))})")
            else:
                with open_object(self.scope, self.keys[name]) as file:
                    con.register(f"rows_{name}", pq.read_table(pa.py_buffer(file.read())))

    def drop(self) -> None:
        """Remove the objects; they are only a step on the way."""
        objects(self.scope).delete_prefix(self.prefix)


def write_mapped(
    scope: Scope, prefix: str, batches: Iterator[tuple[str, pa.RecordBatch]], *, sealed: bool
) -> MappedRows:
    """Write every batch to the object of its entity, numbering rows from 0 per entity in `row_key`."""
    mapped = MappedRows(scope, prefix, sealed)
    with ExitStack() as stack:
        writers: dict[str, pq.ParquetWriter] = {}
        for name, batch in batches:
            start = mapped.rows.get(name, 0)
            numbered = batch.append_column("row_key", _numbers(start, batch.num_rows))
            if name not in writers:
                mapped.keys[name] = f"{prefix}{name}.parquet{'.sealed' if sealed else ''}"
                file = stack.enter_context(create_object(scope, mapped.keys[name]))
                # Most columns differ from row to row: dictionaries of them cost more time and more space than none.
                writer = pq.ParquetWriter(
                    file, numbered.schema, compression="lz4", use_dictionary=False, write_statistics=False
                )
                writers[name] = stack.enter_context(writer)
            writers[name].write_batch(numbered, row_group_size=_ROW_GROUP)
            mapped.rows[name] = start + batch.num_rows
    return mapped


def _numbers(start: int, count: int) -> pa.Array:
    """`count` numbers from `start` on, made of a buffer: given Python values, Arrow would import pandas first."""
    held = pa.py_buffer(array("q", range(start, start + count)))
    return pa.Array.from_buffers(pa.int64(), count, [None, held])


def _empty(name: str) -> pa.Table:
    """No rows, in the shape of mapped rows."""
    if name == UNMAPPABLE:
        columns: list[tuple[str, pa.DataType]] = [
            ("source_id", pa.string()),
            ("position", pa.int64()),
            ("reason", pa.string()),
            ("line", pa.string()),
        ]
    else:
        own = [(one.name, one.type) for one in canonical_entity(name).schema()]
        columns = [*own, ("position", pa.int64()), ("faults", pa.list_(pa.string()))]
    return pa.schema([*columns, ("row_key", pa.int64())]).empty_table()


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
