"""Open a region's warehouse by its address: a DuckDB file or bigquery://project/dataset."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from varai.kernel import Scope
from varai.warehouse.bigquery import SCHEME, connect_bigquery
from varai.warehouse.duck import connect_duckdb
from varai.warehouse.protocol import Warehouse


@contextmanager
def connect(scope: Scope) -> Iterator[Warehouse]:
    """Yield the region's warehouse, closed at exit. The caller holds the region's `warehouse` lease.

    Raises:
        LeaseHeld: another process has the file open. Misconfigured: the address is none. DiskFull: no space is left.
    """
    opened = connect_bigquery(scope) if scope.warehouse.startswith(SCHEME) else connect_duckdb(scope)
    with opened as warehouse:
        yield warehouse
