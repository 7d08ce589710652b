"""A search of everything a stack leaves: files (what is packed in them too), documents and the warehouses' rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient

from tests.e2e.stack import Stack
from varai.kernel import Scope


def places_with(stack: Stack, text: str) -> list[str]:
    """Where a text stands in clear: `file <path>`, `document <collection>/<id>`, `row <table>`."""
    return files_with(stack.home, text) + documents_with(stack.scope, text) + rows_with(stack.home, text)


def files_with(home: Path, text: str, *, apart: Sequence[Path] = ()) -> list[str]:
    """Files below `home` that hold a text, in their name too; those below `apart` are left out."""
    wanted = text.encode()
    paths = [path for path in _files(home) if not any(map(path.is_relative_to, apart))]
    return [f"file {path.relative_to(home)}" for path in paths if _holds(path, wanted)]


def documents_with(scope: Scope, text: str) -> list[str]:
    """Documents of a region's database that hold a text."""
    wanted = text.encode()
    return [f"document {name}" for name, document in _documents(scope) if wanted in document]


def rows_with(home: Path, text: str) -> list[str]:
    """Tables of the warehouses under `home`, which nobody else may have open, with a row that holds a text."""
    return [f"row {table}" for table in _tables(home) if _row_holds(home, table, text)]


def _files(home: Path) -> Iterator[Path]:
    return (path for path in sorted(home.rglob("*")) if path.is_file())


def _holds(path: Path, wanted: bytes) -> bool:
    if wanted in path.name.encode() or wanted in path.read_bytes():
        return True
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        told = [str(table.schema.metadata), *(str(column.to_pylist()) for column in table.columns)]
        return any(wanted.decode() in one for one in told)
    if path.suffix == ".zst":
        with pa.input_stream(str(path), compression="zstd") as packed:
            return wanted in packed.read()
    return False


def _documents(scope: Scope) -> Iterator[tuple[str, bytes]]:
    with MongoClient[RawBSONDocument](scope.documents_uri, document_class=RawBSONDocument) as client:
        database = client[scope.database]
        for name in database.list_collection_names():
            for document in database[name].find():
                yield f"{name}/{document['_id']}", document.raw


def _tables(home: Path) -> list[tuple[str, str, str]]:
    found = []
    for path in sorted((home / "warehouse").glob("*.duckdb")):
        with duckdb.connect(str(path)) as con:
            rows = con.execute("SELECT schema_name, table_name FROM duckdb_tables() ORDER BY ALL").fetchall()
            found += [(path.name, schema, table) for schema, table in rows]
    return found


def _row_holds(home: Path, table: tuple[str, str, str], text: str) -> bool:
    file, schema, name = table
    with duckdb.connect(str(home / "warehouse" / file)) as con:
        statement = f'SELECT count(*) FROM "{schema}"."{name}" AS one WHERE contains(CAST(one AS VARCHAR), $text)'
        found: tuple[Any, ...] | None = con.execute(statement, {"text": text}).fetchone()
    return bool(found and found[0])
