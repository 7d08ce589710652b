"""Names and values as SQL writes them, for statements that are put together: DuckDB's and the standard's way."""

from __future__ import annotations

from decimal import Decimal


def identifier(name: str) -> str:
    """A name in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str | int | bool | Decimal) -> str:
    """A value: a text in single quotes, a number or a truth value as it is."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return format(value, "f") if isinstance(value, Decimal) else str(value)
    return "'" + value.replace("'", "''") + "'"
