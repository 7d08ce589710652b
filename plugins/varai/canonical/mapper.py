"""Landed lines become rows of canonical entities: NDJSON chunks in, Arrow batches per entity out. Pure and total."""

from __future__ import annotations

import os
from collections.abc import Iterator
from threading import Lock
from types import TracebackType
from typing import Final, NamedTuple, Self

import pyarrow as pa

from varai.canonical.engine import Engine, Unusual, names_parent
from varai.canonical.mapping import Mapping

_CHUNK: Final = 4 * 2**20
_CHUNKS: Final = 32
"""After so many what is held ready is given back: pages that come anew are dear, and what is held grows slowly."""
_MOST_IDLE: Final = 8
_idle: list[tuple[_Key, Engine]] = []
_changing_idle = Lock()


def map_lines(
    chunks: Iterator[bytes], mapping: Mapping, *, memory_limit: str = "256MB"
) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Map chunks of whole NDJSON lines.

    Yields (entity, batch) with columns position, source_id, root_id, source_updated_at, the entity's own fields, faults and
    content_hash; and (UNMAPPABLE, batch) with source_id, position, reason and the line as text. Every vendor record comes out as one row
    of the primary entity or as one unmappable row. A child line that gives no row is unmappable too, its reason beginning with CHILD.
    Positions count lines that are not blank, from 0. Results do not depend on how lines are cut into chunks, as long as vendor records do
    not misuse the keys that only child lines have.

    Args:
        chunks: NDJSON, each ending with a whole line; small ones are gathered, so that none has to be joined with another.
        mapping: what to read and select.
        memory_limit: of DuckDB, per chunk; more is taken for a single line that is larger than a chunk.

    Raises:
        Misconfigured: the mapping itself is wrong. Data never raises.
    """
    base = nth = 0
    with _Engines(mapping, memory_limit) as engines:
        for chunk in _gathered(chunks):  # not numbered by `enumerate`, which holds what it gave last
            nth += 1
            unread = frozenset[str]() if any(map(names_parent, chunk)) else mapping.alone
            engine = engines.take(unread, exact=False)
            try:
                found, count = engine.map(chunk, base)
            except Unusual:
                engine.rest()
                engine = engines.take(unread, exact=True)
                found, count = engine.map(chunk, base)
            if nth % _CHUNKS == 0:
                engines.rest()
            base += count
            # Neither lines nor rows are held while the next are read.
            del chunk
            while found:
                yield found.pop(0)


def _gathered(parts: Iterator[bytes]) -> Iterator[list[bytes]]:
    """What is mapped at once: parts of whole lines, at most _CHUNK bytes where a single line is not longer."""
    held: list[bytes] = []
    length = 0
    for given in parts:
        for part in _cut(given):
            if held and length + len(part) > _CHUNK:
                yield held
                held, length = [], 0
            held.append(part if part.endswith(b"\n") else part + b"\n")
            length += len(part)
    if held:
        yield held


def _cut(chunk: bytes) -> Iterator[bytes]:
    """Parts of whole lines, at most _CHUNK bytes where a single line is not longer."""
    start = 0
    while len(chunk) - start > _CHUNK:
        end = chunk.rfind(b"\n", start, start + _CHUNK) + 1
        if end <= start:
            end = chunk.find(b"\n", start) + 1 or len(chunk)
        yield chunk[start:end]
        start = end
    if start < len(chunk):
        yield chunk[start:]


class _Key(NamedTuple):
    """What an engine is for; a process that was forked has none of its parent's."""

    process: int
    mapping: Mapping
    unread: frozenset[str]
    memory_limit: str
    exact: bool


class _Engines:
    """The engines of one reading: taken from those that rest in this process, or made; put back, emptied, when it went well.

    To make one takes up to half a second, and a process reads many slices of few mappings.
    """

    def __init__(self, mapping: Mapping, memory_limit: str) -> None:
        self._mapping, self._memory_limit = mapping, memory_limit
        self._taken: dict[tuple[frozenset[str], bool], tuple[_Key, Engine]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for key, engine in self._taken.values():
            if kind is None:
                engine.empty()
                _put_back(key, engine)
            else:
                engine.close()

    def rest(self) -> None:
        """Give back what is held ready."""
        for _, engine in self._taken.values():
            engine.rest()

    def take(self, unread: frozenset[str], *, exact: bool) -> Engine:
        """The engine that reads all columns but `unread`."""
        if (unread, exact) not in self._taken:
            key = _Key(os.getpid(), self._mapping, unread, self._memory_limit, exact)
            engine = _resting(key) or Engine(self._mapping, unread, self._memory_limit, exact=exact)
            self._taken[unread, exact] = key, engine
        return self._taken[unread, exact][1]


def _resting(key: _Key) -> Engine | None:
    with _changing_idle:
        place = next((place for place, (one, _) in enumerate(_idle) if one == key), None)
        return None if place is None else _idle.pop(place)[1]


def _put_back(key: _Key, engine: Engine) -> None:
    with _changing_idle:
        _idle.append((key, engine))
        oldest = _idle.pop(0)[1] if len(_idle) > _MOST_IDLE else None
    if oldest is not None:
        oldest.close()
