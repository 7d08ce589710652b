"""A search of everything a stack leaves: files (what is packed in them too), documents and the warehouse's rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient

from tests.e2e.stack import Stack


def places_with(stack: Stack, text: str) -> list[str]:
    """Where a text stands in clear: `file <path>`, `document <collection>/<id>`, `row <table>`."""
    wanted = text.encode()
    found = [f"file {path.relative_to(stack.home)}" for path in _files(stack.home) if _holds(path, wanted)]
    found += [f"document {name}" for name, document in _documents(stack) if wanted in document]
    return found + [f"row {table}" for table in _tables(stack.home) if _row_holds(stack.home, table, text)]


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


def _documents(stack: Stack) -> Iterator[tuple[str, bytes]]:
    scope = stack.scope
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
