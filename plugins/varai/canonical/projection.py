"""A mapping's SELECT of raw texts becomes a SELECT of typed columns, faults and content hash: the contract drives the parsing.

In: an entity and the columns (with DuckDB types) that the mapping's SELECT gives. Out: one SQL statement per entity, in two forms: the
plain one, and the one for chunks in which a NUL byte was seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from varai.canonical.entities import Entity
from varai.canonical.fields import Field, arrow_schema, duckdb_type
from varai.kernel import Misconfigured, identifier

IDENTITY = ("nth", "source_id", "root_id", "source_updated_at")
_UPDATED = Field("source_updated_at", "instant", "internal", "when the vendor last changed the record")
_PARSERS = {
    "integer": "parse_integer",
    "decimal": "parse_decimal",
    "boolean": "parse_boolean",
    "instant": "parse_instant",
    "date": "parse_day",
}
_FAULTS = {
    "integer": "malformed_number",
    "decimal": "malformed_number",
    "boolean": "malformed_boolean",
    "instant": "malformed_date",
    "date": "malformed_date",
}


def mapped_schema(entity: Entity) -> pa.Schema:
    """Arrow schema of an entity's mapped rows: identity, all own fields (vaulted ones too), faults, content hash."""
    head = [
        pa.field("position", pa.int64()),
        pa.field("source_id", pa.string()),
        pa.field("root_id", pa.string()),
        *arrow_schema((_UPDATED,)),
    ]
    tail = [pa.field("faults", pa.list_(pa.string())), pa.field("content_hash", pa.string())]
    return pa.schema([*head, *arrow_schema(entity.fields), *tail])


def check_columns(entity: Entity, given: Sequence[str]) -> None:
    """Raise Misconfigured when a mapping's SELECT lacks an identity column or has one that the entity does not know."""
    missing = [name for name in IDENTITY if name not in given]
    unknown = sorted(set(given) - {*IDENTITY, "faults", *(field.name for field in entity.fields)})
    if missing or unknown or len(set(given)) < len(given):
        raise Misconfigured(
            f"The mapping of '{entity.name}' lacks {missing or 'nothing'}, has unknown columns {unknown or 'none'} "
            f"and gives {len(given) - len(set(given))} columns twice.",
            "Correct the SELECT; docs/reference/entities.md lists the fields.",
        )


def project(entity: Entity, select: str, given: Mapping[str, str], *, nul: bool) -> str:
    """The statement that gives an entity's mapped rows, columns as `mapped_schema`.

    Args:
        entity: what the rows are.
        select: the mapping's SELECT.
        given: its columns and their DuckDB types. A VARCHAR where the entity wants something else is parsed, and what cannot be parsed
            becomes NULL with a fault; other types are taken as they are; a field that is not given is NULL.
        nul: look for NUL bytes in texts, remove them and note the fault.
    """
    fields = (_UPDATED, *entity.fields)
    typed = ", ".join([_id("source_id", nul), _id("root_id", nul), *(_typed(field, given, nul) for field in fields)])
    kept = "".join(f", {identifier(field.name)} AS {_raw(field)}" for field in fields if _needs_raw(field, given, nul))
    extra = ["array_to_string(faults, ',')"] if "faults" in given else []
    found = [part for field in fields for part in _faults(field, given, nul)]
    faults = f"concat_ws(',', {', '.join([*extra, *found])})" if extra or found else "''"
    money = any(field.type == "minor" and _parsed(field, given) for field in fields)
    exponent = "exponent_of(currency)" if "currency" in given else "NULL::INTEGER"
    source = f"(SELECT *, {exponent} AS _exponent FROM ({select}))" if money else f"({select})"
    handed = ("faults" if extra else "") + (", " if extra and money else "") + ("_exponent" if money else "")
    columns = ", ".join(identifier(field.name) for field in fields)
    rendered = ", ".join(_rendered(field) for field in entity.fields)
    return (
        f"SELECT position, source_id, root_id, {columns},"
        " CASE WHEN _faults = '' THEN []::VARCHAR[] ELSE string_split(_faults, ',') END AS faults,"
        f" md5(concat({rendered}, _faults)) AS content_hash"
        f" FROM (SELECT *, {faults} AS _faults FROM"
        f" (SELECT nth AS position, {typed}{kept}{f', {handed}' if handed else ''} FROM {source}))"
    )


def _raw(field: Field) -> str:
    return identifier(f"{field.name}?")


def _is_currency(field: Field) -> bool:
    return field.name == "currency" or field.name.endswith("_currency")


def _parsed(field: Field, given: Mapping[str, str]) -> bool:
    return given.get(field.name) == "VARCHAR" and field.type not in ("text", "texts")


def _needs_raw(field: Field, given: Mapping[str, str], nul: bool) -> bool:
    return field.name in given and (_parsed(field, given) or (nul and field.type in ("text", "texts")))


def _id(name: str, nul: bool) -> str:
    value = f"CASE WHEN contains({name}, chr(0)) THEN NULL ELSE {name} END" if nul else name
    return f"nullif({value}, '') AS {name}"


def _typed(field: Field, given: Mapping[str, str], nul: bool) -> str:
    name, kind = identifier(field.name), duckdb_type(field)
    if field.name not in given:
        value = f"NULL::{kind}"
    elif field.type == "text":
        text = name if given[field.name] == "VARCHAR" else f"{name}::VARCHAR"
        value = (
            f"CASE WHEN contains({text}, chr(0)) THEN nullif(replace({text}, chr(0), ''), '') ELSE {text} END"
            if nul
            else text
        )
    elif field.type == "texts":
        value = f"list_transform({name}, one -> replace(one, chr(0), ''))" if nul else name
    elif not _parsed(field, given):
        value = f"TRY_CAST({name} AS {kind})"
    elif field.type == "minor":
        value = f"minor_of({name}, _exponent)"
    else:
        value = f"{_PARSERS[field.type]}({name})"
    return f"{value} AS {name}"


def _faults(field: Field, given: Mapping[str, str], nul: bool) -> list[str]:
    """Expressions that are the fault's name where the field has it, else NULL."""
    if field.name not in given:
        return []
    name, raw, found = identifier(field.name), _raw(field), []
    if _is_currency(field):
        found.append(
            f"CASE WHEN {name} IS NOT NULL AND NOT is_currency({name}) THEN 'unknown_currency:{field.name}' END"
        )
    if _parsed(field, given):
        lost = f"{raw} IS NOT NULL AND {name} IS NULL"
        if field.type == "minor":
            found.append(
                f"CASE WHEN {lost} THEN CASE WHEN currency IS NULL THEN 'unknown_currency:{field.name}'"
                f" WHEN _exponent IS NOT NULL THEN 'malformed_number:{field.name}' END END"
            )
        else:
            found.append(f"CASE WHEN {lost} THEN '{_FAULTS[field.type]}:{field.name}' END")
    elif nul and field.type in ("text", "texts"):
        text = f"{raw}::VARCHAR" if field.type == "text" else f"array_to_string({raw}, '')"
        found.append(f"CASE WHEN contains({text}, chr(0)) THEN 'nul_byte:{field.name}' END")
    return found


def _rendered(field: Field) -> str:
    """The field as text such that different rows never give the same text: lengths before texts, a bar after the rest."""
    name = identifier(field.name)
    if field.type == "text":
        return f"strlen({name}), ':', {name}"
    if field.type == "texts":
        return f"strlen(to_json({name})::VARCHAR), ':', to_json({name})::VARCHAR"
    if field.type == "instant":
        return f"epoch_us({name}), '|'"
    return f"{name}, '|'"
