"""NDJSON: an object a line in, rows of texts out. Objects within become columns named `outer.inner`; lists stay JSON.

Numbers stay as they are written: none of their digits goes through a double.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from varai.kernel import Malformed
from varai.sources.files.declared import Declared
from varai.sources.files.rows import Row, refused, vouched
from varai.sources.files.text import Line, Lines


class Documents:
    """See `varai.sources.files.rows.Reader`."""

    columns: tuple[str, ...] | None = None

    def __init__(self, file: BinaryIO, name: str, declared: Declared) -> None:
        self._name, self._each = name, declared.each
        self._lines = Lines(file, name, declared.encoding)
        self._beside = 0

    @property
    def counted(self) -> int:
        """Lines of the text that are not blank; with `each`, as many for a line as its list has items."""
        return self._lines.ends + self._lines.unended - self._beside

    def __iter__(self) -> Iterator[Row]:
        return vouched(self._name, self._read())

    def _read(self) -> Iterator[Row]:
        for number, line in enumerate(self._lines, 1):
            if not line.strip():
                self._beside += 1
                continue
            found = list(self._rows(number, line))
            self._beside += 1 - len(found)
            yield from found

    def _rows(self, number: int, line: Line) -> Iterator[Row]:
        if line.broken:
            yield refused(number, line.broken, line)
            return
        try:
            value = json.loads(line, parse_float=str, parse_int=str, parse_constant=str)
        except (ValueError, RecursionError):
            if line.open:
                raise Malformed(
                    f"{self._name} ends in the middle of a row, in line {number}.", "Deliver it again, whole."
                ) from None
            yield refused(number, "invalid_json", line)
            return
        if not isinstance(value, dict):
            yield refused(number, "not_an_object", line)
            return
        if self._each is None:
            yield Row(number, flat(value))
            return
        items = value.pop(self._each, None)
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            yield refused(number, f"no_list:{self._each}", line)
            return
        beside = flat(value)
        for item in items:
            yield Row(number, beside | {f"{self._each}.{name}": text for name, text in flat(item).items()})


def flat(value: Mapping[str, Any]) -> dict[str, str]:
    """An object as texts: what is null is left out, what is nested is named by its path."""
    found: dict[str, str] = {}
    for name, item in value.items():
        if isinstance(item, dict):
            found |= {f"{name}.{inner}": text for inner, text in flat(item).items()}
        elif item is not None:
            found[name] = text_of(item)
    return found


def text_of(value: Any) -> str:
    """A value as text, as JSON writes it; a text is itself."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
