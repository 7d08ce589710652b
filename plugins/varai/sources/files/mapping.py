"""How the texts of a row become a canonical row: declarations in, SQL over typed lines out. Pure and total.

A column's name is a text that is looked up in a row, never an identifier. What is written otherwise than declared is a fault, not a guess.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

from varai.canonical import Field, entity
from varai.canonical.mapping import Mapping
from varai.kernel import Feed, literal
from varai.sources.contract import ShopFacts
from varai.sources.files.declared import Column, Declared, declared, shop_record
from varai.sources.files.streams import ENTITIES, SEALED, SHOP
from varai.sources.macros import facts_macros, line_kinds, training_consent

_TEXTS: Final = "MAP(VARCHAR, VARCHAR)"
_COLUMNS: Final = {"dated": "VARCHAR", "key": "VARCHAR", "subject": "VARCHAR", "cells": _TEXTS, "person": _TEXTS}
_SHOP: Final = dict.fromkeys(
    ("id", "name", "domain", "currency", "timezone", "country", "taxes_included", "seen_at"), "VARCHAR"
)


def mapping(stream: str, feed: Feed, facts: ShopFacts) -> Mapping:
    """The mapping of a stream; pure. Raises Misconfigured where a declaration is wrong, Malformed where the shop's zone is none."""
    setup = "\n".join([facts_macros(facts), line_kinds(feed), training_consent(feed), _macros()])
    if stream == SHOP:
        return Mapping.of(_SHOP, {"shop": _shop()}, "shop", setup)
    name = ENTITIES[stream]
    texts = _Texts(declared(feed, stream), sealed=stream in SEALED)
    given = {field.name: expression for field in entity(name).fields if (expression := texts.of(field)) is not None}
    given |= {field: text for field, text in _defaults(name, given, feed).items() if field not in given}
    columns = "".join(f", {expression} AS {field}" for field, expression in given.items())
    faults = [fault for field in entity(name).fields if (fault := texts.fault(field)) is not None]
    columns += f", list_filter([{', '.join(faults)}], one -> one IS NOT NULL) AS faults" if faults else ""
    select = f"SELECT nth, key AS source_id, key AS root_id, dated AS source_updated_at{columns} FROM lines WHERE key IS NOT NULL"
    return Mapping.of(_COLUMNS, {name: select}, name, setup)


class _Texts:
    """Expressions of fields, as raw text in the notation the canonical parsers know."""

    def __init__(self, found: Declared, *, sealed: bool) -> None:
        self._declared, self._sealed = found, sealed

    def of(self, field: Field) -> str | None:
        """The field's expression; None where nothing is declared of it."""
        column = self._declared.column(field.name)
        if field.subject:
            return "subject" if column is not None or field.required else None
        if column is None:
            return None
        if column.value is not None:
            return literal(column.value)
        text = self._joined(field, column)
        if column.values:
            cases = " ".join(f"WHEN {literal(theirs)} THEN {literal(ours)}" for theirs, ours in column.values.items())
            text = f"CASE {text} {cases} END"
        if field.type == "texts":
            return f"list_filter(list_transform(string_split({text}, {literal(column.split or ',')}), one -> trim(one)), one -> one <> '')"
        return self._noted(field, column, text)

    def fault(self, field: Field) -> str | None:
        """The name of the field's fault where its text is none of those that were declared; None where any text may stand."""
        column = self._declared.column(field.name)
        if column is None or not column.values:
            return None
        known = ", ".join(map(literal, column.values))
        return f"CASE WHEN {self._joined(field, column)} NOT IN ({known}) THEN 'unknown_value:{field.name}' END"

    def _joined(self, field: Field, column: Column) -> str:
        if field.name == "address":
            pairs = ", ".join(f"{literal(name)}, {self._cell(name)}" for name in column.names)
            return f"json_object({pairs})::VARCHAR"
        if len(column.names) == 1:
            return self._cell(column.names[0])
        return f"text_of(concat_ws({literal(column.join)}, {', '.join(map(self._cell, column.names))}))"

    def _cell(self, name: str) -> str:
        key = literal(name)
        text = f"coalesce(cells[{key}], person[{key}])" if self._sealed else f"cells[{key}]"
        nulls = "".join(f", {literal(one)}" for one in self._declared.nulls)
        return f"present({text}, [''{nulls}])"

    def _noted(self, field: Field, column: Column, text: str) -> str:
        """The text in canonical notation: numbers with a point and no thousands, instants in UTC, yes and no."""
        found = self._declared
        match field.type:
            case "integer" | "decimal" | "minor":
                return (
                    f"number_of({text}, {literal(found.decimal)}, {literal(found.thousands)}, {literal(found.symbol)})"
                )
            case "instant":
                zone = literal(found.timezone) if found.timezone else "NULL"
                return f"instant_of({text}, {literal(column.dates or found.dates or '%Y-%m-%d')}, {zone})"
            case "date":
                return f"date_of({text}, {literal(column.dates or found.dates or '%Y-%m-%d')})"
            case "boolean":
                return f"yes_or_no({text})"
        return text


def _defaults(name: str, given: dict[str, str], feed: Feed) -> dict[str, str]:
    """What a field is where nothing is declared of it, and something is known."""
    found = {field.name: "shop_currency()" for field in entity(name).fields if field.name == "currency"}
    match name:
        case "variant":
            found["inventory_item_id"] = "key"
        case "location":
            found["active"] = "'true'"
        case "product":
            found["status"] = "'active'"
        case "customer":
            found["training_consent"] = "agreed_by_terms()"
        case "order":
            found["placed"] = "'true'"
            found["taxes_included"] = literal(str(shop_record(feed).taxes_included).lower())
        case "order_line":
            found["line_kind"] = f"coalesce(kind_of({given.get('sku', 'NULL')}), 'product')"
            if {"unit_price", "quantity"} <= given.keys():
                price, pieces = given["unit_price"], given["quantity"]
                found["gross_minor"] = f"(parse_decimal({price}) * parse_integer({pieces}))::VARCHAR"
    if name in ("order", "refund") and "processed_at" in given:
        found["processed_on"] = f"day_of({given['processed_at']})"
    return found


def _shop() -> str:
    return (
        "SELECT nth, id AS source_id, id AS root_id, seen_at AS source_updated_at, name, domain, currency, timezone, country,"
        " taxes_included FROM lines"
    )


@cache
def _macros() -> str:
    return (files("varai.sources.files") / "map" / "macros.sql").read_text(encoding="utf-8")
