"""Derived columns: SQL expressions of a suite in, their checked names and DuckDB types out.

An expectation judges one column or two. What needs arithmetic first (a check digit, a sum of millimetres, a kind of fault)
is a derived column: one scalar SQL expression over the entity's own columns, computed once for the compiled pass and for
Great Expectations alike.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import duckdb

from varai.canonical import Entity, duckdb_type
from varai.kernel import Misconfigured, identifier

# Functions that read more than their arguments: files, settings, sequences, the clock, chance.
_FORBIDDEN = frozenset({
    "current_date", "current_setting", "getenv", "getvariable", "gen_random_uuid", "get_current_timestamp", "nextval", "currval",
    "now", "query", "query_table", "random", "setseed", "today", "transaction_timestamp", "uuid", "uuidv7", "uuidv4",
})  # fmt: skip

_WORD = re.compile(r"[a-z_][a-z0-9_]*")


def columns_of(entity: Entity) -> dict[str, str]:
    """Columns a suite may name, with their DuckDB types: the entity's own fields outside the vault, identity and faults."""
    own = {field.name: duckdb_type(field) for field in entity.fields if not field.vault}
    return {
        "source_id": "VARCHAR",
        "root_id": "VARCHAR",
        "source_updated_at": "TIMESTAMP WITH TIME ZONE",
        **{name: "TIMESTAMP WITH TIME ZONE" if kind == "TIMESTAMPTZ" else kind for name, kind in own.items()},
        "faults": "VARCHAR[]",
    }


def typed(columns: Mapping[str, str], derived: Mapping[str, str], where: str) -> dict[str, str]:
    """All columns with their types, derived ones after those they may use.

    Args:
        columns: the entity's columns.
        derived: name to SQL expression; an expression may use derived columns above it.
        where: what an error names: the file.

    Raises:
        Misconfigured: an expression is not one scalar expression over those columns, or its name is taken.
    """
    found = dict(columns)
    with duckdb.connect(":memory:", config={"enable_external_access": "false"}) as connection:
        for name, sql in derived.items():
            if name in found:
                raise Misconfigured(
                    f"{where}: derive.{name}: there is a column of that name already.", "Choose another name."
                )
            problem = _problem(connection, sql)
            if problem:
                raise Misconfigured(
                    f"{where}: derive.{name}: {problem}.", "Write one SQL expression over the columns of the row."
                )
            found[name] = _type(connection, found, name, sql, where)
    return found


def levels(derived: Mapping[str, str]) -> list[list[str]]:
    """Names by level: those of a level use only columns of the levels before it and the entity's own."""
    depth: dict[str, int] = {}
    for name, sql in derived.items():
        words = set(_WORD.findall(sql))
        depth[name] = 1 + max((depth[used] for used in depth if used in words), default=0)
    return [
        [name for name, found in depth.items() if found == level]
        for level in range(1, 1 + max(depth.values(), default=0))
    ]


def _type(connection: duckdb.DuckDBPyConnection, columns: Mapping[str, str], name: str, sql: str, where: str) -> str:
    nulls = ", ".join(f"NULL::{kind} AS {identifier(column)}" for column, kind in columns.items())
    try:
        row = connection.execute(f"DESCRIBE SELECT ({sql}) AS derived FROM (SELECT {nulls})").fetchone()
    except duckdb.Error as error:
        first = str(error).splitlines()[0]
        raise Misconfigured(
            f"{where}: derive.{name}: {first}.", "Use the entity's columns, or derived ones above it."
        ) from error
    assert row is not None  # noqa: S101 - DESCRIBE of one column gives one row
    return str(row[1])


def _problem(connection: duckdb.DuckDBPyConnection, sql: str) -> str | None:
    row = connection.execute("SELECT json_serialize_sql(?)", [f"SELECT ({sql}\n) AS derived"]).fetchone()
    parsed = json.loads(row[0]) if row else {"error": True}
    if parsed.get("error"):
        return f"it does not parse: {parsed.get('error_message', 'unknown error')}"
    if len(parsed["statements"]) != 1:
        return "it is more than one statement"
    node = parsed["statements"][0]["node"]
    if (
        node.get("type") != "SELECT_NODE"
        or len(node["select_list"]) != 1
        or node["from_table"]["type"] != "EMPTY"
        or _clauses(node)
    ):
        return "it is more than one expression"
    for part in _parts(node["select_list"][0]):
        if part.get("class") in ("SUBQUERY", "WINDOW", "STAR", "PARAMETER"):
            return f"it has a {part['class'].lower()}"
        if part.get("class") == "FUNCTION" and part["function_name"].lower() in _FORBIDDEN:
            return f"`{part['function_name']}` depends on more than the row"
    return None


def _clauses(node: dict[str, Any]) -> bool:
    return bool(
        node["where_clause"] or node["having"] or node["qualify"] or node["group_expressions"] or node["modifiers"]
    )


def _parts(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
        for value in tree.values():
            yield from _parts(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _parts(value)
