"""Shopify's search syntax, the part ingestion needs: in goes the `query` argument, out comes a SQL condition.

Known: `field:value`, `field:>=value` (also <, >, <=), quotes, comma lists, AND (or nothing between terms), OR, NOT or a
leading minus, parentheses. As in the real API an unknown field is ignored and answered with a warning, never an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

_TOKEN = re.compile(
    r"""\s*(?:(?P<open>\()|(?P<close>\))|(?P<minus>-)(?=\w+:)|(?P<field>[\w.]+):(?P<sign>>=|<=|>|<)?\s*"""
    r"""(?P<value>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s()]+)|(?P<word>[^\s()]+))"""
)
_TIME = re.compile(r"^(\d{4})(?:-(\d\d))?(?:-(\d\d))?(?:[T ](\d\d):(\d\d)(?::(\d\d))?(?:\.\d+)?)?(Z|[+-]\d\d:?\d\d)?$")
_TIMES = {"created_at", "updated_at", "processed_at"}
_TEXT_FIELDS: dict[str, dict[str, str]] = {
    "Product": {"title": "title", "vendor": "vendor", "handle": "handle", "product_type": "productType"},
    "ProductVariant": {"sku": "sku", "barcode": "barcode", "title": "title"},
    "InventoryItem": {"sku": "sku"},
    "InventoryLevel": {},
    "Customer": {"email": "email", "first_name": "firstName", "last_name": "lastName", "state": "state"},
    "Order": {"name": "name", "email": "email", "financial_status": "displayFinancialStatus"},
    "Location": {"name": "name"},
    "Event": {},
}


@dataclass(frozen=True)
class Condition:
    """A SQL condition over table `node` (or `event`) with its bound values, and warnings for ignored fields."""

    sql: str
    values: Sequence[Any]
    warnings: Sequence[dict[str, str]] = ()


EVERYTHING = Condition("1", ())


def condition_of(type: str, query: str | None) -> Condition:
    """The condition that `query` sets on objects of `type` (or "Event"); everything when it is empty."""
    if query is None or not query.strip():
        return EVERYTHING
    parser = _Parser(type, [match.groupdict() for match in _TOKEN.finditer(query) if match.group().strip()])
    sql = parser.either()
    return Condition(sql, parser.values, parser.warnings)


def utc_text(value: str) -> str | None:
    """A time as the stores write it, `2026-11-01T10:00:00Z`; dates are padded; None when it is not a time."""
    match = _TIME.match(value)
    if match is None:
        return None
    year, month, day, hour, minute, second, zone = match.groups()
    try:
        text = f"{year}-{month or '01'}-{day or '01'}T{hour or '00'}:{minute or '00'}:{second or '00'}"
        moment = datetime.fromisoformat(text + ("+00:00" if zone in (None, "Z") else zone))
    except ValueError:
        return None
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class _Parser:
    type: str
    tokens: list[dict[str, str | None]]
    at: int = 0
    values: list[Any] = field(default_factory=list)
    warnings: list[dict[str, str]] = field(default_factory=list)

    def either(self) -> str:
        parts = [self.both()]
        while self._word("OR"):
            parts.append(self.both())
        return " OR ".join(parts)

    def both(self) -> str:
        parts = [self.single()]
        while self.at < len(self.tokens):
            if self.tokens[self.at]["close"] or self._peek("OR"):
                break
            self._word("AND")
            parts.append(self.single())
        return " AND ".join(f"({part})" for part in parts)

    def single(self) -> str:
        if self.at >= len(self.tokens):
            return "1"
        if self._word("NOT"):
            return f"NOT ({self.single()})"
        token = self.tokens[self.at]
        self.at += 1
        if token["minus"]:
            return f"NOT ({self.single()})"
        if token["open"]:
            inner = self.either()
            self.at += 1  # the closing parenthesis, or the end
            return inner
        if token["field"]:
            return self._term(token["field"], token["sign"] or "=", _unquoted(token["value"] or ""))
        return self._ignored(token["word"] or "", "default search over text is not simulated")

    def _peek(self, word: str) -> bool:
        return self.at < len(self.tokens) and self.tokens[self.at]["word"] == word

    def _word(self, word: str) -> bool:
        if not self._peek(word):
            return False
        self.at += 1
        return True

    def _ignored(self, name: str, message: str) -> str:
        self.warnings.append({"field": name, "message": message, "code": "invalid_field"})
        return "1"

    def _term(self, name: str, sign: str, value: str) -> str:
        if name in _TIMES and not (self.type == "Event" and name != "created_at"):
            moment = utc_text(value)
            if moment is None:
                return self._ignored(name, f"'{value}' is not a time")
            self.values.append(moment)
            return f"{name} {sign} ?"
        special = _SPECIAL.get((self.type, name)) or _SPECIAL.get(("*", name))
        if special is not None:
            made = special(self, sign, value)
            return self._ignored(name, f"'{value}' is not understood") if made is None else made
        path = _TEXT_FIELDS[self.type].get(name)
        if path is None:
            return self._ignored(name, "Invalid search field for this query.")
        return self.any_of(f"json_extract(body, '$.{path}')", value.split(","))

    def any_of(self, expression: str, values: Sequence[str]) -> str:
        self.values.extend(value.strip().lower() for value in values)
        return f"lower({expression}) IN ({','.join('?' * len(values))})"


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    return value


def _by_number(parser: _Parser, sign: str, value: str) -> str | None:
    numbers = [part.rsplit("/", 1)[-1] for part in value.split(",")]
    if not all(number.isdigit() for number in numbers):
        return None
    column = "id" if parser.type == "Event" else "num"
    parser.values.extend(int(number) for number in numbers)
    return " OR ".join(f"{column} {sign} ?" for _ in numbers)


def _by_tag(parser: _Parser, sign: str, value: str) -> str:
    inner = parser.any_of("value", value.split(","))
    return f"EXISTS (SELECT 1 FROM json_each(node.body, '$.tags') WHERE {inner})"


def _by_product(parser: _Parser, sign: str, value: str) -> str:
    numbers = [part.rsplit("/", 1)[-1] for part in value.split(",")]
    return parser.any_of("parent_gid", [f"gid://shopify/product/{number}" for number in numbers])


def _by_customer(parser: _Parser, sign: str, value: str) -> str:
    return parser.any_of("json_extract(body, '$.customer.id')", [f"gid://shopify/customer/{value.rsplit('/', 1)[-1]}"])


def _by_order_status(parser: _Parser, sign: str, value: str) -> str | None:
    cancelled = "json_extract(body, '$.cancelledAt') IS NOT NULL"
    closed = "json_extract(body, '$.closedAt') IS NOT NULL"
    return {
        "any": "1",
        "cancelled": cancelled,
        "closed": closed,
        "not_closed": f"NOT ({closed})",
        "open": f"NOT ({closed}) AND NOT ({cancelled})",
    }.get(value.lower())


def _by_test(parser: _Parser, sign: str, value: str) -> str:
    parser.values.append(1 if value.lower() == "true" else 0)
    return "coalesce(json_extract(body, '$.test'), 0) = ?"


def _by_product_status(parser: _Parser, sign: str, value: str) -> str:
    return parser.any_of("status", value.split(","))


def _by_action(parser: _Parser, sign: str, value: str) -> str:
    return parser.any_of("action", value.split(","))


def _by_subject(parser: _Parser, sign: str, value: str) -> str:
    return parser.any_of("subject_type", value.split(","))


_SPECIAL: dict[tuple[str, str], Callable[[_Parser, str, str], str | None]] = {
    ("*", "id"): _by_number,
    ("Product", "tag"): _by_tag,
    ("Order", "tag"): _by_tag,
    ("Customer", "tag"): _by_tag,
    ("Product", "status"): _by_product_status,
    ("ProductVariant", "product_id"): _by_product,
    ("ProductVariant", "product_ids"): _by_product,
    ("Order", "status"): _by_order_status,
    ("Order", "test"): _by_test,
    ("Order", "customer_id"): _by_customer,
    ("Event", "action"): _by_action,
    ("Event", "subject_type"): _by_subject,
}
