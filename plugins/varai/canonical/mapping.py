"""How landed lines become rows of canonical entities: a connector's description, the shared macros, and what comes out besides rows.

A connector declares what its lines look like and one SELECT of raw texts per entity; `varai.canonical.projection` types them and
`varai.canonical.mapper` runs them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Self

import pyarrow as pa

from varai.canonical.currency import CURRENCIES

UNMAPPABLE = "unmappable"
PARENT = "__parentId"
"""A column of this name, where a mapping has it, tells child lines (it is set) from vendor records."""
UNMAPPABLE_SCHEMA = pa.schema(
    [("source_id", pa.string()), ("position", pa.int64()), ("reason", pa.string()), ("line", pa.string())]
)
CHILD = "child_"
"""Reasons of lines that are children of a vendor record, and no records themselves, begin with this."""
_QUICK = "CREATE MACRO long_minor_of(t, exponent) AS error('an amount that takes long to read');\n"


@dataclass(frozen=True, slots=True)
class Mapping:
    """How the lines of a stream become entities.

    Attributes:
        version: moves when the rows that come out may move; `Mapping.of` derives it from everything below.
        columns: DuckDB types of the keys that are read; scalars are VARCHAR, whatever the vendor writes.
        entities: entity -> SELECT ... FROM lines, giving nth (the line's position), source_id, root_id, source_updated_at, the
            entity's own fields by name (raw text is parsed by the field's type) and, where needed, `faults` VARCHAR[].
        primary: the entity that each vendor record becomes one row of.
        setup: CREATE MACRO and CREATE VIEW (over lines) statements that the SELECTs use.
        alone: columns that only child lines have. Chunks without a child are read without them: a column costs though it holds nothing.
    """

    version: str
    columns: ReadOnly[str, str]
    entities: ReadOnly[str, str]
    primary: str
    setup: str = ""
    alone: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        columns: ReadOnly[str, str],
        entities: ReadOnly[str, str],
        primary: str,
        setup: str = "",
        alone: frozenset[str] = frozenset(),
    ) -> Self:
        """A mapping whose version is a hash of its content and of the shared macros."""
        content = [
            shared_macros(exact=True),
            setup,
            primary,
            *(f"{k}={v}" for part in (columns, entities) for k, v in part.items()),
        ]
        version = hashlib.sha256("\n".join(content).encode()).hexdigest()[:16]
        return cls(version, columns, entities, primary, setup, alone)


@cache
def shared_macros(*, exact: bool) -> str:
    """CREATE MACRO statements offered to every mapping: those of macros.sql, before them `exponent_of` and `long_minor_of`.

    Args:
        exact: read every amount. The other ones raise at an amount that takes long to read: they are prepared in half the time.
    """
    # An enum finds a code by its hash, where a list in text would be searched; sorted by decimals, its places tell them.
    by_exponent: dict[int, list[str]] = {}
    for code, decimals in CURRENCIES.items():
        by_exponent.setdefault(decimals, []).append(code)
    codes, cases = list[str](), ""
    for decimals, some in sorted(by_exponent.items(), key=lambda item: -len(item[1])):
        codes += sorted(some)
        cases += f" WHEN enum_code(TRY_CAST(code AS iso_4217)) < {len(codes)} THEN {decimals}"
    listed = ", ".join(f"'{code}'" for code in codes)
    known = f"CREATE TYPE iso_4217 AS ENUM ({listed});\nCREATE MACRO exponent_of(code) AS CASE{cases} END;\n"
    return known + (_sql("exact.sql") if exact else _QUICK) + _sql("macros.sql")


def _sql(name: str) -> str:
    return (files("varai.canonical") / name).read_text(encoding="utf-8")
