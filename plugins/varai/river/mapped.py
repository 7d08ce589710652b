"""From landed lines to mapped, protected rows, as Parquet objects per entity, read again by DuckDB.

Objects of sealed streams are sealed here too and opened into memory only.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from varai.canonical import entity as canonical_entity
from varai.canonical.mapping import UNMAPPABLE
from varai.kernel import Scope, literal
from varai.privacy import create_object, open_object
from varai.stores import objects

_BATCHES: Final = 32
"""Batches in one object. A writer remembers about a kilobyte of every column of every batch until it is closed, so one object for
all of a long backfill would hold more the longer it is."""


@dataclass
class MappedRows:
    """Where the mapped rows of a batch lie, and how many there are."""

    scope: Scope
    prefix: str
    sealed: bool
    keys: dict[str, list[str]] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)

    def attach(self, con: duckdb.DuckDBPyConnection, entities: tuple[str, ...]) -> None:
        """Offer each entity as `rows_<entity>` to SQL; an entity without rows is an empty table of its shape."""
        for name in entities:
            if name not in self.keys:
                con.register(f"rows_{name}", _empty(name))
                continue
            paths = [] if self.sealed else [objects(self.scope).local(key) for key in self.keys[name]]
            local = [literal(str(path)) for path in paths if path is not None]
            if len(local) == len(self.keys[name]):
                con.execute(f"CREATE TEMP VIEW rows_{name} AS SELECT * FROM read_parquet([{', '.join(local)}])")
            else:
                con.register(f"rows_{name}", pa.concat_tables(self._opened(key) for key in self.keys[name]))

    def _opened(self, key: str) -> pa.Table:
        with open_object(self.scope, key) as file:
            return pq.read_table(pa.py_buffer(file.read()))

    def drop(self) -> None:
        """Remove the objects; they are only a step on the way."""
        objects(self.scope).delete_prefix(self.prefix)


def write_mapped(
    scope: Scope, prefix: str, batches: Iterator[tuple[str, pa.RecordBatch]], *, sealed: bool
) -> MappedRows:
    """Write every batch to an object of its entity, numbering rows from 0 per entity in `row_key`."""
    mapped = MappedRows(scope, prefix, sealed)
    with ExitStack() as stack:
        writers: dict[str, _Writer] = {}
        for name, batch in batches:
            start = mapped.rows.get(name, 0)
            numbered = batch.append_column("row_key", _numbers(start, batch.num_rows))
            if name not in writers:
                mapped.keys[name] = []
                writers[name] = stack.enter_context(_Writer(mapped, name))
            writers[name].write(numbered)
            mapped.rows[name] = start + batch.num_rows
    return mapped


class _Writer:
    """Writes an entity's batches, _BATCHES to an object; what is open is closed with it."""

    def __init__(self, mapped: MappedRows, name: str) -> None:
        self._mapped, self._name = mapped, name
        self._open = ExitStack()
        self._written = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)

    def write(self, batch: pa.RecordBatch) -> None:
        if self._written % _BATCHES == 0:
            self._begin(batch.schema)
        self._parquet.write_batch(batch, row_group_size=max(1, batch.num_rows))
        self._written += 1

    def _begin(self, schema: pa.Schema) -> None:
        self._open.close()
        keys = self._mapped.keys[self._name]
        key = f"{self._mapped.prefix}{self._name}-{len(keys):04}.parquet{'.sealed' if self._mapped.sealed else ''}"
        file = self._open.enter_context(create_object(self._mapped.scope, key))
        # Most columns differ from row to row: dictionaries of them cost more time and more space than none.
        writer = pq.ParquetWriter(file, schema, compression="lz4", use_dictionary=False, write_statistics=False)
        self._parquet = self._open.enter_context(writer)
        keys.append(key)


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
