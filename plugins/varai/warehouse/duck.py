"""The DuckDB warehouse: one file per region, opened by one process at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from varai.canonical import ENTITIES, Entity
from varai.kernel import DiskFull, LeaseHeld, Misconfigured, Scope, literal
from varai.marts.fingerprint import row_hash
from varai.warehouse import merge as sql
from varai.warehouse.merge import DUCKDB, LOADS, STAGED_ROW
from varai.warehouse.protocol import Check, LoadedBatch, StagedObject

MEMORY_LIMIT = "2GB"
_LOADS = '"raw"."loads"'
_STAGED = '"staged_rows"'
_NEWEST = '"newest_rows"'
_FETCH = 50_000
_TOGETHER = 16 * 2**20
"""Bytes after which what was gathered of small objects is staged."""


@contextmanager
def connect_duckdb(
    scope: Scope, memory_limit: str = MEMORY_LIMIT, *, read_only: bool = False
) -> Iterator[DuckDBWarehouse]:
    """Open the region's file, made when absent unless `read_only`. See `varai.warehouse.connect`.

    Raises:
        Misconfigured: the region's warehouse is no file. LeaseHeld: another process has it open. DiskFull: no space is left.
    """
    if "://" in scope.warehouse:
        raise Misconfigured(
            f"The warehouse of region '{scope.region}' is {scope.warehouse};"
            " marts are published from DuckDB files only, and persons erased and rows compared in them only.",
            f"Give {scope.region} a file in VARAI_STORES__{scope.region.upper()}__WAREHOUSE.",
        )
    path = Path(scope.warehouse)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Nothing spills: what is read from sealed objects stays in memory until it is in the tables, as pseudonyms.
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory_limit,
        "temp_directory": "",
        "preserve_insertion_order": False,
    }
    try:
        connection = duckdb.connect(str(path), read_only=read_only, config=settings)
    except duckdb.IOException as error:
        if "lock" in str(error):
            raise LeaseHeld(f"Another process has the warehouse of region '{scope.region}' open.") from error
        raise _as_sentence(error, path) from error
    try:
        connection.execute("SET TimeZone = 'UTC'")
        yield DuckDBWarehouse(connection, path)
    finally:
        connection.close()


def compact(scope: Scope) -> None:
    """Write the region's file anew with what lives in it: nothing deleted is left in free blocks. Hold the warehouse lease.

    Raises:
        LeaseHeld: another process has it open. DiskFull: no space for the copy; the file is as it was.
    """
    with connect_duckdb(scope) as opened:
        opened.compact()


class DuckDBWarehouse:
    """See Warehouse. `connection` is for those who read marts from the same file while it is open."""

    dialect: Final = DUCKDB

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path) -> None:
        self.connection = connection
        self._path = path

    def table(self, name: str) -> str:
        """See Warehouse."""
        return DUCKDB.name("raw", name)

    def evolve(self, entities: Sequence[Entity]) -> None:
        """See Warehouse."""
        with self._sentences():
            self.connection.execute('CREATE SCHEMA IF NOT EXISTS "raw"')
            self.connection.execute(sql.create_table(DUCKDB, _LOADS, LOADS))
            there = self._columns()
            for entity in entities:
                fields = sql.columns(entity)
                if entity.name not in there:
                    self.connection.execute(sql.create_table(DUCKDB, self.table(entity.name), fields))
                    continue
                for field in fields:
                    if field.name not in there[entity.name]:
                        self.connection.execute(sql.add_column(DUCKDB, self.table(entity.name), field))

    def lacking(self, entities: Sequence[Entity]) -> tuple[str, ...]:
        """See Warehouse."""
        return tuple(sql.lacking(self._columns(), entities))

    def merge(self, staged: Sequence[StagedObject], check: Check, loaded_at: datetime) -> tuple[LoadedBatch, ...]:
        """See Warehouse. Objects stream into a temporary table one after another, one entity at a time."""
        done: list[LoadedBatch] = []
        with self._sentences():
            self.connection.execute("BEGIN TRANSACTION")
            try:
                for _, group in groupby(staged, key=lambda item: item.entity.name):
                    done += self._merge_entity(tuple(group))
                self._record(done, loaded_at)
                check()
                self.connection.execute("COMMIT")
            except BaseException:
                self.connection.execute("ROLLBACK")
                raise
        return tuple(done)

    def compact(self) -> None:
        """See `compact`; the connection is closed by it."""
        fresh = self._path.with_name(f".{self._path.name}.fresh")
        fresh.unlink(missing_ok=True)
        old = DUCKDB.name(self.rows("SELECT current_database()")[0][0])
        try:
            with self._sentences():
                self.connection.execute("CHECKPOINT")
                self.connection.execute(f"ATTACH {literal(str(fresh))} AS fresh")
                self.connection.execute(f"COPY FROM DATABASE {old} TO fresh")
                self.connection.execute("DETACH fresh")
            self.connection.close()
            fresh.replace(self._path)
        finally:
            fresh.unlink(missing_ok=True)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """See Warehouse."""
        return self.connection.execute(statement).fetchall()

    def loads(self, tenant: str) -> tuple[LoadedBatch, ...]:
        """See Warehouse."""
        found = self.connection.execute(
            f"SELECT tenant, entity, batch_id, rows FROM {_LOADS} WHERE tenant = $tenant ORDER BY entity, batch_id",
            {"tenant": tenant},
        ).fetchall()
        return tuple(LoadedBatch(*row) for row in found)

    def digest(self, tenant: str) -> str:
        """See Warehouse."""
        digest = hashlib.sha256()
        for entity in sorted(ENTITIES.values(), key=lambda item: item.name):
            digest.update(f"\n{entity.name}\n".encode())
            for line in self._row_hashes(entity, tenant):
                digest.update(line)
        return digest.hexdigest()

    def _row_hashes(self, entity: Entity, tenant: str) -> Iterator[bytes]:
        digest = row_hash(sql.digested(entity))
        statement = f"SELECT {digest} FROM {self.table(entity.name)} WHERE tenant = $tenant ORDER BY feed, source_id"
        answer = self.connection.execute(statement, {"tenant": tenant})
        while rows := answer.fetchmany(_FETCH):
            yield from (row[0].encode() for row in rows)

    def _merge_entity(self, staged: Sequence[StagedObject]) -> list[LoadedBatch]:
        entity = staged[0].entity
        create = sql.create_table(DUCKDB, _STAGED, (*entity.stored, STAGED_ROW))
        self.connection.execute(create.replace("CREATE TABLE", "CREATE TEMP TABLE", 1))
        done = self._stage(staged)
        self.connection.execute(sql.resolve(DUCKDB, self.table(entity.name), _STAGED, _NEWEST))
        self._plan_for(sum(batch.rows for batch in done), self.table(entity.name))
        self.connection.execute(sql.merge(DUCKDB, self.table(entity.name), _STAGED, _NEWEST, entity))
        self.connection.execute("RESET disabled_optimizers")
        self.connection.execute(f"DROP TABLE {_NEWEST}; DROP TABLE {_STAGED}")
        return done

    def _plan_for(self, arriving: int, table: str) -> None:
        """Keep DuckDB from hashing wide rows when more arrive than are there.

        It knows no row counts of tables filled in an open transaction and takes the staged side for the small one. As the
        SQL is written, the joins hash narrow rows: what was resolved, and the keys of the raw table.
        """
        kept = self.connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
        if arriving >= kept:
            self.connection.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")

    def _stage(self, staged: Iterable[StagedObject]) -> list[LoadedBatch]:
        """Append the objects' rows to the temporary table, numbered from 0; returns what each has.

        Rows of small objects go in together: each INSERT takes a block of memory per column, however few its rows are.
        """
        done: list[LoadedBatch] = []
        held: list[pa.RecordBatch] = []
        first = waiting = 0
        for item in staged:
            begun = first
            for batch in item.open():
                numbers = pa.array(range(first, first + batch.num_rows), pa.int64())
                held.append(batch.append_column(STAGED_ROW.name, numbers))
                first, waiting = first + batch.num_rows, waiting + batch.nbytes
                if waiting >= _TOGETHER:
                    self._append(held)
                    held, waiting = [], 0
            done.append(LoadedBatch(item.tenant, item.entity.name, item.batch_id, first - begun))
        if held:
            self._append(held)
        return done

    def _append(self, batches: Sequence[pa.RecordBatch]) -> None:
        columns = DUCKDB.names(batches[0].schema.names)
        self.connection.register("arrived", pa.Table.from_batches(batches))
        self.connection.execute(f"INSERT INTO {_STAGED} ({columns}) SELECT {columns} FROM arrived")
        self.connection.unregister("arrived")

    def _record(self, done: Iterable[LoadedBatch], loaded_at: datetime) -> None:
        for batch in done:
            identity = {"tenant": batch.tenant, "entity": batch.entity, "batch_id": batch.batch_id}
            self.connection.execute(
                f"DELETE FROM {_LOADS} WHERE tenant = $tenant AND entity = $entity AND batch_id = $batch_id", identity
            )
            self.connection.execute(
                f"INSERT INTO {_LOADS} (tenant, entity, batch_id, rows, loaded_at) VALUES ($tenant, $entity, $batch_id, $rows, $at)",
                {**identity, "rows": batch.rows, "at": loaded_at},
            )

    def _columns(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for table, column in self.connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'raw'"
        ).fetchall():
            found.setdefault(table, set()).add(column)
        return found

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        try:
            yield
        except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
            raise _as_sentence(error, self._path) from error


def _as_sentence(error: duckdb.Error, path: Path) -> Exception:
    text = str(error)
    if "No space left" in text or "ENOSPC" in text:
        return DiskFull(f"No space is left for the warehouse {path.name}; the load was rolled back.")
    if isinstance(error, duckdb.OutOfMemoryException):
        return Misconfigured(
            f"The staged rows do not fit into the memory given to the warehouse {path.name}.",
            "Load smaller windows with `varai backfill`.",
        )
    return error
