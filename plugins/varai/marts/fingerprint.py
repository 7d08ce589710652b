"""Fingerprints of rows: the same text for the same values, whatever engine version, file layout or zone read them."""

from __future__ import annotations

from collections.abc import Iterable

from varai.kernel import identifier


def row_hash(columns: Iterable[str], of: str = "") -> str:
    """A DuckDB expression: SHA-256, in hex, of one row's columns.

    Values are written with their length before them, so that no two different rows read the same, and null is none of them.
    Instants are written in the session's zone: set TimeZone to UTC.
    """
    prefix = f"{of}." if of else ""
    texts = (f"CAST({prefix}{identifier(column)} AS VARCHAR)" for column in columns)
    parts = (f"coalesce(strlen({text}) || ':' || {text}, '-')" for text in texts)
    return f"sha256(concat({', '.join(parts)}))"
