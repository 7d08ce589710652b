"""Which lines of a stream are about whom, and a line without what identifies a person.

In: NDJSON lines and a stream's `subject_path`, `withheld` and `redact`. A record of an erased subject is left out whole, or its paths are
set to null; child lines follow their record.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import orjson

_PARENT = "__parentId"
_PARENT_KEY = b'"__parentId"'
_EVERY = "[]"
Path = tuple[str, ...]


class Stream(Protocol):
    """What must be known of a stream, see `varai.sources.StreamSpec`."""

    @property
    def subject_path(self) -> Path | None: ...
    @property
    def withheld(self) -> bool: ...
    @property
    def redact(self) -> tuple[Path, ...]: ...


class Forgotten(Protocol):
    """Who asked to be forgotten, see `varai.privacy.Ledger`."""

    def contains_any(self) -> bool:
        """False when nobody did."""
        ...

    def erased(self, feed: str, ids: Iterable[str]) -> set[str]:
        """Those of these vendor ids whose owner did."""
        ...


def plain_id(value: Any) -> str | None:
    """A vendor's id as canonical rows have it: what follows the last slash of a gid."""
    return None if value is None or isinstance(value, dict | list) else str(value).rpartition("/")[2]


def records_of_erased(lines: Sequence[bytes], stream: Stream, feed: str, ledger: Forgotten) -> set[str]:
    """Plain ids of the records (child lines are none) whose subject asked to be forgotten."""
    about: dict[str, set[str]] = {}
    for line in lines:
        if _PARENT_KEY in line:
            continue
        record = _parsed(line)
        subject = plain_id(_at(record, stream.subject_path or ()))
        name = plain_id(_at(record, ("id",)))
        if subject is not None and name is not None:
            about.setdefault(subject, set()).add(name)
    erased = ledger.erased(feed, about)
    return {name for subject in erased for name in about[subject]}


class Redaction:
    """Takes marked records out of lines, or the person out of them. Counts records left out and records changed."""

    def __init__(self, stream: Stream, marked: set[str]) -> None:
        self._stream = stream
        self._marked = marked
        self._met = re.compile(b"|".join(re.escape(name.encode()) for name in sorted(marked)))
        self._of_children = tuple(
            path[len(path) - path[::-1].index(_EVERY) :] for path in stream.redact if _EVERY in path
        )
        self.erased = 0
        self.redacted = 0

    def apply(self, chunk: bytes) -> bytes:
        """The chunk without the marked records, or with their paths null."""
        if not self._met.search(chunk):
            return chunk
        kept = (self._line(line) if self._met.search(line) else line for line in chunk.splitlines(keepends=True))
        return b"".join(kept)

    def _line(self, line: bytes) -> bytes:
        record = _parsed(line)
        if not isinstance(record, dict):
            return line
        parent = plain_id(record.get(_PARENT))
        if (parent or plain_id(record.get("id"))) not in self._marked:
            return line
        if self._stream.withheld:
            self.erased += parent is None
            return b""
        self.redacted += parent is None
        for path in self._stream.redact if parent is None else self._of_children:
            _blank(record, path)
        return orjson.dumps(record) + b"\n"


def _parsed(line: bytes) -> Any:
    """The line's value; None for what is no JSON: it maps to nothing, and stays sealed in quarantine."""
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None


def _at(value: Any, path: Path) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _blank(value: Any, path: Path) -> None:
    """Set what the path leads to to null, everywhere it leads; what is not there stays so."""
    name, rest = path[0], path[1:]
    if name == _EVERY:
        for item in value if isinstance(value, list) else ():
            _blank(item, rest)
    elif isinstance(value, dict) and name in value:
        if rest:
            _blank(value[name], rest)
        else:
            value[name] = None
