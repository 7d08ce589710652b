"""A DuckDB in memory that turns chunks of NDJSON into Arrow batches per entity, by the prepared statements of one mapping.

Chunks live in anonymous memory only (a memfd), so that plaintext of sealed streams never touches a disk, and memory does not grow with
the batch.

A number that is written in JSON without quotes passes through a double on its way: longer ones must be quoted text.
"""

from __future__ import annotations

import os
from collections.abc import Mapping as ReadOnly
from collections.abc import Sequence
from typing import NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from duckdb.sqltypes import DuckDBPyType

from varai.canonical.entities import entity
from varai.canonical.mapping import CHILD, PARENT, UNMAPPABLE, UNMAPPABLE_SCHEMA, Mapping, shared_macros
from varai.canonical.memory import give_back_free_pages, give_back_large_blocks
from varai.canonical.projection import check_columns, mapped_schema, project
from varai.canonical.repair import INVALID_JSON, MISSING_ID, describe, lines_of, repair
from varai.kernel import Misconfigured, identifier, literal

_LINE = 2**19
"""Longest line that is read as a matter of course: DuckDB's buffers are twice as long."""
_ROWS = 2**12
"""Of a batch: Arrow reserves as much as it may come to, of every column, and has a million by itself."""
_MEMORY_PER_BYTE = 12
_EVALUATION = "mapping_failed"
_GIVEN: dict[tuple[str, str], dict[str, str]] = {}
_MOST_GIVEN = 2000
_REFUSED = (duckdb.Error, UnicodeDecodeError)
"""DuckDB quotes the line it refuses, and raises the second where that is no UTF-8."""


class _Cut(NamedTuple):
    """A chunk, the position of its first line, its lines and how many of them are vendor records."""

    chunk: Sequence[bytes]
    base: int
    lines: int
    roots: int


class Unusual(Exception):
    """A chunk that the quick macros do not read; the exact ones do. Not for callers beyond this package."""


class Engine:
    """A DuckDB in memory with the mapping's statements, and the memory file that chunks are read from. Not for several threads.

    Args:
        mapping: what to read and select.
        unread: columns that are null.
        memory_limit: of DuckDB, per chunk; more is taken for a single line that is larger than a chunk.
        exact: with the exact macros; the quick ones raise Unusual where a chunk has an amount that takes long to read, and few have one.

    Raises Misconfigured where the mapping is wrong.
    """

    def __init__(self, mapping: Mapping, unread: frozenset[str], memory_limit: str, *, exact: bool) -> None:
        give_back_large_blocks()
        self._mapping, self._exact = mapping, exact
        self._columns = {name: kind for name, kind in mapping.columns.items() if name not in unread}
        self._limit = _bytes_of(memory_limit)
        self._allowed = 0
        self._filled = False
        self._fd = os.memfd_create("varai-lines", os.MFD_CLOEXEC)
        self._con = duckdb.connect(config={"threads": "1", "temp_directory": "", "enable_external_file_cache": "false"})
        try:
            self._con.execute("SET TimeZone = 'UTC'")
            # What is prepared serves all chunks; statistics would plan it for those rows of `lines` that are there now.
            self._con.execute("SET disabled_optimizers = 'statistics_propagation'")
            self._prepare()
        except duckdb.Error as error:
            self.close()
            raise Misconfigured(
                f"A mapping is not valid SQL: {error}", "Correct the mapping of the connector."
            ) from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._con.close()
        os.close(self._fd)

    def _prepare(self) -> None:
        mapping = self._mapping
        self._con.execute(shared_macros(exact=self._exact))
        listed = ", ".join(f"{identifier(name)} {kind}" for name, kind in self._columns.items())
        self._con.execute(f"CREATE TABLE filled (nth BIGINT, {listed})")
        nulls = (
            f", NULL::{kind} AS {identifier(name)}"
            for name, kind in mapping.columns.items()
            if name not in self._columns
        )
        self._con.execute(f"CREATE VIEW lines AS SELECT *{''.join(nulls)} FROM filled")
        if mapping.setup:
            self._con.execute(mapping.setup)
        self._types: dict[str, DuckDBPyType] = {name: duckdb.type(kind) for name, kind in self._columns.items()}
        self._parent = f"{identifier(PARENT)} IS NOT NULL" if PARENT in mapping.columns else "false"
        self._with_nul: dict[str, str] = {}
        self._schemas: dict[str, pa.Schema] = {}
        for name, select in mapping.entities.items():
            one = entity(name)
            given = self._given(name, select)
            self._con.execute(f"PREPARE {identifier(f'rows_{name}')} AS {project(one, select, given, nul=False)}")
            self._with_nul[name], self._schemas[name] = project(one, select, given, nul=True), mapped_schema(one)
        self._con.execute(f"PREPARE counts AS SELECT count(*), count(*) FILTER (NOT ({self._parent})) FROM lines")
        self._con.execute(f"PREPARE fill AS {self._fill('$1', _LINE, ignore_errors=False)}")

    def _given(self, name: str, select: str) -> dict[str, str]:
        """Columns and types that an entity's SELECT gives. Its mapping's version tells them, so that a process finds them out once."""
        known = _GIVEN.get((self._mapping.version, name))
        if known is None:
            described = self._con.execute(f"DESCRIBE {select}").fetchall()
            check_columns(entity(name), [row[0] for row in described])
            if len(_GIVEN) >= _MOST_GIVEN:
                _GIVEN.clear()
            known = _GIVEN[self._mapping.version, name] = {row[0]: row[1] for row in described}
        return known

    def _fill(self, base: str, longest: int, *, ignore_errors: bool) -> str:
        """The statement that reads the memory file into the table under `lines`, positions from `base` on."""
        columns = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in self._columns.items())
        return (
            f"INSERT INTO filled SELECT {base} - 1 + row_number() OVER (), * FROM read_json('/proc/self/fd/{self._fd}',"
            f" columns = {{{columns}}}, format = 'newline_delimited', records = true, compression = 'uncompressed',"
            f" maximum_object_size = {longest + 2}, ignore_errors = {ignore_errors})"
        )

    def map(self, chunk: Sequence[bytes], base: int) -> tuple[list[tuple[str, pa.RecordBatch]], int]:
        """Rows of a chunk, in parts of whole lines, whose first line has position `base`, and how many lines it has. Raises Unusual."""
        length = sum(map(len, chunk))
        needed = max(self._limit, _MEMORY_PER_BYTE * length)
        if needed != self._allowed:
            self._allow(needed)
        reasons = self._read(chunk, base)
        nul = any(b"\\" in part and rb"\u0000" in part for part in chunk)  # one byte is found ten times as fast as six
        try:
            rows = {name: self._rows(name, nul=nul) for name in self._mapping.entities}
        except _REFUSED:
            if not self._exact:
                raise Unusual from None
            return self._halve(chunk, base)
        tables = {name: table for name, (table, _) in rows.items()}
        nameless = {name: lost for name, (_, lost) in rows.items() if lost is not None}
        row = self._con.execute("EXECUTE counts").fetchone()
        count, roots = row or (0, 0)
        found = [(name, batch) for name, table in tables.items() for batch in table.to_batches()]
        unmappable = self._unmappable(_Cut(chunk, base, count, roots), tables, nameless, reasons)
        if unmappable is not None:
            found.append((UNMAPPABLE, unmappable))
        return found, count

    def empty(self) -> None:
        """Forget the last chunk."""
        os.ftruncate(self._fd, 0)
        self.rest()

    def rest(self) -> None:
        """Forget the lines of the last chunk and give back what is held ready between chunks."""
        self._allow(self._limit)
        give_back_free_pages()

    def _clear(self) -> None:
        """Forget the lines of the chunk before."""
        if self._filled:
            self._con.execute("ROLLBACK")
            self._filled = False

    def _allow(self, memory: int) -> None:
        """Set DuckDB's limit; said again, even unchanged, it makes DuckDB give back what it holds ready."""
        # First: lines in use are not given back, and nothing can be set in a transaction that a statement broke.
        self._clear()
        self._con.execute(f"SET memory_limit = '{memory}B'")
        self._allowed = memory

    def _rows(self, name: str, *, nul: bool) -> tuple[pa.Table, pa.ChunkedArray | None]:
        """An entity's rows, and the positions of those that were left out because they lack their identity."""
        statement = self._with_nul[name] if nul else f"EXECUTE {identifier(f'rows_{name}')}"
        table = self._con.execute(statement).to_arrow_table(_ROWS).cast(self._schemas[name])
        if not table["source_id"].null_count and not table["root_id"].null_count:
            return table, None
        whole = pc.and_(pc.is_valid(table["source_id"]), pc.is_valid(table["root_id"]))
        return table.filter(whole), table.filter(pc.invert(whole))["position"]

    def _read(self, chunk: Sequence[bytes], base: int) -> dict[int, str]:
        """Fill `lines`; returns why lines that were set aside were, by their index in the chunk."""
        try:
            self._load(chunk, base, ignore_errors=False)
        except _REFUSED:
            repaired = repair(chunk, self._types, self._readable)
            self._load([repaired.data], base, ignore_errors=True)
            return repaired.reasons
        return {}

    def _readable(self, line: bytes) -> bool:
        try:
            self._load([line], 0, ignore_errors=True)
        except _REFUSED:
            return False
        something = " OR ".join(f"{identifier(name)} IS NOT NULL" for name in self._types)
        return bool(self._con.execute(f"SELECT count(*) = 1 AND bool_and({something}) FROM lines").fetchall()[0][0])

    def _load(self, data: Sequence[bytes], base: int, *, ignore_errors: bool) -> None:
        at = 0
        # A blank first line: a byte order mark at the very beginning would be forgiven, and one elsewhere not.
        for part in (b"\n", *data):
            view = memoryview(part)
            while view:
                written = os.pwrite(self._fd, view, at)
                view, at = view[written:], at + written
        # Afterwards, so that the pages of the chunk before are written over and not made anew.
        os.ftruncate(self._fd, at)
        self._clear()
        # Never committed: rows stay with the transaction that reads them and are gone with it, where a table would copy them.
        self._con.execute("BEGIN")
        self._filled = True
        if ignore_errors or any(map(_has_long_line, data)):
            self._con.execute(self._fill(str(base), at, ignore_errors=ignore_errors))
        else:
            self._con.execute(f"EXECUTE fill({base})")

    def _halve(self, chunk: Sequence[bytes], base: int) -> tuple[list[tuple[str, pa.RecordBatch]], int]:
        """A statement failed on some line: find it, so that only that line is lost to the rows."""
        lines = lines_of(chunk)
        if len(lines) == 1:
            reason = (CHILD if names_parent(lines[0]) else "") + _EVALUATION
            return [(UNMAPPABLE, _unmappable_batch([(base, reason, lines[0])]))], 1
        middle = len(lines) // 2
        first, count = self.map([b"\n".join(lines[:middle])], base)
        second, more = self.map([b"\n".join(lines[middle:])], base + count)
        return [*first, *second], count + more

    def _unmappable(
        self,
        cut: _Cut,
        tables: ReadOnly[str, pa.Table],
        nameless: ReadOnly[str, pa.ChunkedArray],
        reasons: ReadOnly[int, str],
    ) -> pa.RecordBatch | None:
        """Records without a row of the primary entity, child lines without any row, and lines that hold a child without an id."""
        primary = tables[self._mapping.primary]
        everywhere = pa.chunked_array(
            [part for table in tables.values() for part in table["position"].chunks], pa.int64()
        )
        if not nameless and primary.num_rows == cut.roots and pc.count_distinct(everywhere).as_py() == cut.lines:
            return None
        children = {row[0] for row in self._con.execute(f"SELECT nth FROM lines WHERE {self._parent}").fetchall()}
        homes = set(everywhere.to_pylist())
        as_primary = set(primary["position"].to_pylist())
        lost = {position: name for name, positions in nameless.items() for position in positions.to_pylist()}
        found = []
        for index, line in enumerate(lines_of(cut.chunk)):
            position = cut.base + index
            if position not in (homes if position in children else as_primary):
                reason = reasons.get(index) or describe(line)
                unread = index in reasons or reason == INVALID_JSON
                child = CHILD if position in children or (unread and names_parent(line)) else ""
                found.append((position, child + reason, line))
            elif position in lost:
                found.append((position, f"{CHILD}{MISSING_ID}:{lost[position]}", line))
        return _unmappable_batch(found)


def _has_long_line(data: bytes) -> bool:
    """Whether a line is longer than _LINE."""
    start = 0
    while len(data) - start > _LINE:
        end = data.rfind(b"\n", start, start + _LINE) + 1
        if end <= start:
            return True
        start = end
    return False


def names_parent(lines: bytes) -> bool:
    """Whether a child is among lines, read or not. In a text the quotes would be escaped, so this finds keys."""
    return f'"{PARENT}"'.encode() in lines


def _unmappable_batch(found: Sequence[tuple[int, str, bytes]]) -> pa.RecordBatch:
    columns = [
        pa.nulls(len(found), pa.string()),
        pa.array([position for position, _, _ in found], pa.int64()),
        pa.array([reason for _, reason, _ in found], pa.string()),
        pa.array([line.decode("utf-8", "replace") for _, _, line in found], pa.string()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=UNMAPPABLE_SCHEMA)


def _bytes_of(limit: str) -> int:
    """`256MB` -> 256000000."""
    units = {"KB": 10**3, "MB": 10**6, "GB": 10**9}
    return int(limit[:-2]) * units[limit[-2:]]
