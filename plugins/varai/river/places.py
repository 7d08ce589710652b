"""Places beyond landing that may hold a person: Parquet objects, the warehouse, published snapshots."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from varai.canonical import ENTITIES
from varai.kernel import Scope
from varai.privacy import Finding, create_object, open_object
from varai.registry import snapshots
from varai.stores import objects
from varai.warehouse.duck import compact, connect_duckdb

_IDS = ("source_id", "root_id")


class ParquetPlace:
    """Parquet objects of the tenant under a prefix: rows that are the person go, rows that point to them lose the pointer.

    Args:
        name: what reports call it.
        prefix: of the keys, the tenant's own part included.
        wanted: which keys count.
    """

    def __init__(self, scope: Scope, name: str, prefix: str, wanted: Callable[[str], bool] = lambda key: True) -> None:
        self.name: Final = name
        self._scope, self._prefix, self._wanted = scope, prefix, wanted

    def find(self, subject: str) -> Iterator[Finding]:
        """Objects that hold the subject, with how many rows."""
        for key, table in self._tables():
            rows = pc.sum(_own(table, subject)).as_py() or 0
            rows += pc.sum(_pointing(table, subject)).as_py() or 0
            if rows:
                yield Finding(self.name, key, int(rows))

    def erase(self, subject: str) -> None:
        """Rewrite what `find` names."""
        for finding in list(self.find(subject)):
            table = self._read(finding.where)
            kept = table.filter(pc.invert(_own(table, subject)))
            if "subject" in kept.column_names:
                cleared = pc.if_else(_pointing(kept, subject), pa.scalar(None, pa.string()), kept["subject"])
                kept = kept.set_column(kept.column_names.index("subject"), "subject", cleared)
            with create_object(self._scope, finding.where) as file:
                pq.write_table(kept, file, compression="zstd")

    def _tables(self) -> Iterator[tuple[str, pa.Table]]:
        for key in objects(self._scope).list(self._prefix):
            if self._wanted(key):
                yield key, self._read(key)

    def _read(self, key: str) -> pa.Table:
        with open_object(self._scope, key) as file:
            return pq.read_table(pa.py_buffer(file.read()))


class WarehousePlace:
    """Raw tables of the tenant: the customer's rows go, orders lose the pointer and stay as anonymous facts of money.

    Args:
        held: the region's scope, whose warehouse lease the caller holds; the file is opened for each question alone.
    """

    name: Final = "warehouse"

    def __init__(self, scope: Scope, held: Scope) -> None:
        self._tenant, self._held = scope.tenant, held

    def find(self, subject: str) -> Iterator[Finding]:
        """Columns that hold the subject, with how many rows."""
        with connect_duckdb(self._held) as opened:
            opened.evolve(tuple(ENTITIES.values()))
            for table, column in _columns():
                statement = f'SELECT count(*) FROM raw."{table}" WHERE tenant = $tenant AND {column} = $subject'
                row = opened.connection.execute(statement, self._bound(subject)).fetchone()
                if row and row[0]:
                    yield Finding(self.name, f"raw.{table}.{column}", int(row[0]))

    def erase(self, subject: str) -> None:
        """Delete the person's own rows and clear every pointer to them."""
        with connect_duckdb(self._held) as opened:
            for table, column in _columns():
                if column == "source_id":
                    statement = f'DELETE FROM raw."{table}" WHERE tenant = $tenant AND source_id = $subject'
                else:
                    statement = f'UPDATE raw."{table}" SET subject = NULL WHERE tenant = $tenant AND subject = $subject'
                opened.connection.execute(statement, self._bound(subject))

    def _bound(self, subject: str) -> dict[str, str | None]:
        return {"tenant": self._tenant, "subject": subject}


class WarehouseFile:
    """The file under the raw tables: DuckDB leaves what was deleted in blocks it may use again. It holds no findings of its own.

    Args:
        held: the region's scope, whose warehouse lease the caller holds.
    """

    name: Final = "warehouse file"

    def __init__(self, held: Scope) -> None:
        self._held = held

    def find(self, subject: str) -> Iterator[Finding]:
        """Nothing: what is left in free blocks is no row."""
        del subject
        return iter(())

    def erase(self, subject: str) -> None:
        """Copy what lives into a new file that takes the old one's place; a crash leaves the old one."""
        del subject
        compact(self._held)


class PublishedPlace:
    """Published snapshots of the tenant. The marts are built and published anew without the person, then older snapshots go.

    Args:
        rebuild: builds the marts from the warehouse and publishes; called once per erasure.
    """

    name: Final = "published"

    def __init__(self, scope: Scope, rebuild: Callable[[], object]) -> None:
        self._scope, self._rebuild = scope, rebuild
        self._files = ParquetPlace(scope, self.name, f"published/{scope.tenant}/", lambda key: key.endswith(".parquet"))

    def find(self, subject: str) -> Iterator[Finding]:
        """Files of snapshots that hold the subject."""
        return self._files.find(subject)

    def erase(self, subject: str) -> None:
        """Publish anew and remove snapshots that still hold the subject."""
        if not list(self.find(subject)):
            return
        self._rebuild()
        current = snapshots(self._scope).get(str(self._scope.tenant))
        for finding in list(self.find(subject)):
            if finding.where.split("/")[2] != current:
                objects(self._scope).delete(finding.where)


def _columns() -> Iterator[tuple[str, str]]:
    """(table, column) pairs that can hold a pseudonym: own identities first, so that pointers are cleared last."""
    for name, kind in ENTITIES.items():
        if any(field.subject for field in kind.fields):
            if kind.vaulted:
                yield name, "source_id"
            yield name, "subject"


def _nobody(table: pa.Table) -> pa.ChunkedArray:
    """No row of the table; typed, since a stream may be empty and Arrow would take no rows for nulls."""
    return pa.chunked_array([pa.array([False] * table.num_rows, pa.bool_())])


def _own(table: pa.Table, subject: str) -> pa.ChunkedArray:
    """Rows that are the person: their own identity is the pseudonym."""
    found = _nobody(table)
    for name in _IDS:
        if name in table.column_names:
            found = pc.or_(found, pc.fill_null(pc.equal(table[name], subject), False))
    return found


def _pointing(table: pa.Table, subject: str) -> pa.ChunkedArray:
    """Rows of others that point to the person."""
    if "subject" not in table.column_names:
        return _nobody(table)
    return pc.and_(pc.fill_null(pc.equal(table["subject"], subject), False), pc.invert(_own(table, subject)))
