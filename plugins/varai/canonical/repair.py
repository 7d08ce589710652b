"""A chunk of NDJSON that DuckDB refused goes in; the same chunk with its unreadable lines blanked, and why, comes out.

DuckDB reads whole chunks quickly, but when told to ignore errors it turns a list that should be there into NULL in silence. So a chunk
is read strictly first; only one that was refused comes here, where each line is looked at by itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, cast

from duckdb.sqltypes import DuckDBPyType

INVALID_JSON = "invalid_json"
NOT_AN_OBJECT = "not_an_object"
MISSING_ID = "missing_id"
WRONG_SHAPE = "wrong_shape"
REASON = "__reason"
"""A key by which a connector says of a line why it cannot be trusted, where its vendor's record never had a shape."""
_BLANK = b" \t\r\v\f\n"
_NOTHING = b"null"


class Repaired(NamedTuple):
    """`data` has as many lines as the chunk had that are not blank; `reasons` names those that were replaced by null."""

    data: bytes
    reasons: dict[int, str]


def lines_of(chunk: Iterable[bytes]) -> list[bytes]:
    """The lines that are not blank, as DuckDB counts them, of parts that each end with a whole line."""
    return [line for part in chunk for line in part.split(b"\n") if line.strip(_BLANK)]


def repair(chunk: Iterable[bytes], columns: Mapping[str, DuckDBPyType], readable: Callable[[bytes], bool]) -> Repaired:
    """Replace what cannot be read as `columns` by null lines. One line cut short would take the next one with it.

    Args:
        chunk: NDJSON that was refused, in parts of whole lines.
        columns: the types it should have.
        readable: whether DuckDB makes anything of this one line; asked only where Python's stricter parser refuses it.
    """
    lines = lines_of(chunk)
    reasons: dict[int, str] = {}
    for index, line in enumerate(lines):
        reason = _reason(line, columns, readable)
        if reason:
            reasons[index] = reason
            lines[index] = _NOTHING
    return Repaired(b"\n".join(lines), reasons)


def describe(line: bytes) -> str:
    """Why a line that gave no row gave none."""
    try:
        value = _parse(line)
    except (ValueError, RecursionError):
        return INVALID_JSON
    if not isinstance(value, dict):
        return NOT_AN_OBJECT
    told = value.get(REASON)
    return told if isinstance(told, str) and told else MISSING_ID


def _reason(line: bytes, columns: Mapping[str, DuckDBPyType], readable: Callable[[bytes], bool]) -> str | None:
    try:
        value = _parse(line)
    except (ValueError, RecursionError):
        return None if readable(line) else INVALID_JSON
    if not isinstance(value, dict):
        return NOT_AN_OBJECT
    for name, kind in columns.items():
        if not _conforms(value.get(name), kind):
            return f"{WRONG_SHAPE}:{name}"
    return None


def _parse(line: bytes) -> Any:
    """The line's value. Numbers stay text (there is no limit to their digits); of two equal keys the first counts, as for DuckDB.

    Raises ValueError for what is not JSON, a lone surrogate included, which is JSON to Python and to nobody else.
    """
    text = line.decode("utf-8")
    value = json.loads(text, parse_int=str, parse_float=str, object_pairs_hook=_first_wins)
    if "\\ud" in text.lower():
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


def _first_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(reversed(pairs))


def _conforms(value: Any, kind: DuckDBPyType) -> bool:
    if value is None:
        return True
    # DuckDB types the children of every kind alike; those of structs and lists are pairs of name and type.
    children = cast("list[tuple[str, DuckDBPyType]]", kind.children) if kind.id in ("struct", "list") else []
    if kind.id == "struct":
        return isinstance(value, dict) and all(_conforms(value.get(name), child) for name, child in children)
    if kind.id == "list":
        return isinstance(value, list) and all(_conforms(item, children[0][1]) for item in value)
    return True
