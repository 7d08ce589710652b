"""Open a region's warehouse by its address: a DuckDB file or bigquery://project/dataset."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from varai.kernel import Scope
from varai.warehouse.bigquery import SCHEME, connect_bigquery
from varai.warehouse.duck import connect_duckdb
from varai.warehouse.protocol import Warehouse


@contextmanager
def connect(scope: Scope, *, read_only: bool = False) -> Iterator[Warehouse]:
    """Yield the region's warehouse, closed at exit. The caller holds the region's `warehouse` lease.

    With `read_only` a file is opened as it is, and must exist; of BigQuery nothing but questions may be asked.

    Raises:
        LeaseHeld: another process has the file open. Misconfigured: the address is none. DiskFull: no space is left.
    """
    opened = connect_bigquery(scope) if _in_bigquery(scope) else connect_duckdb(scope, read_only=read_only)
    with opened as warehouse:
        yield warehouse


def exists(scope: Scope) -> bool:
    """Whether there is a warehouse to open; a dataset of BigQuery is taken to be there."""
    return _in_bigquery(scope) or Path(scope.warehouse).exists()


def _in_bigquery(scope: Scope) -> bool:
    return scope.warehouse.startswith(SCHEME)
