"""What is searched for: the parameters of `searchCriteria` in, an SQL condition on records out; and the fields of a record that are shown.

Both spellings of the documents are read. https://developer.adobe.com/commerce/webapi/rest/use-rest/performing-searches/
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_FILTER = re.compile(r"searchCriteria\[filter_?[gG]roups\]\[(\d+)\]\[filters\]\[(\d+)\]\[(\w+)\]")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}( \d{2}:\d{2}:\d{2})?")
_CONDITIONS = {"eq": "=", "neq": "<>", "gt": ">", "gteq": ">=", "lt": "<", "lteq": "<="}
_LISTS = {"in": "IN", "nin": "NOT IN"}
_WORD = re.compile(r"\w+|[\[\],]")


class NotUnderstood(Exception):
    """The request is answered 400."""


@dataclass
class Search:
    """One search: a condition on the columns of records, with what is bound in it, its order, size (0: all) and page."""

    where: str = ""
    bound: list[Any] = field(default_factory=list)
    order: str = "id DESC"
    size: int = 0
    page: int = 1


def search_of(given: Mapping[str, str], columns: Mapping[str, str]) -> Search:
    """The search that parameters say.

    Args:
        given: the request's parameters.
        columns: the fields that can be searched by, and the columns that hold them.

    Raises NotUnderstood.
    """
    groups: dict[int, dict[int, dict[str, str]]] = {}
    for name, value in given.items():
        if found := _FILTER.fullmatch(name):
            group, place, part = int(found[1]), int(found[2]), found[3].replace("conditionType", "condition_type")
            groups.setdefault(group, {}).setdefault(place, {})[part] = value
    search, together = Search(), []
    for _, filters in sorted(groups.items()):
        either = [_condition(one, columns, search.bound) for _, one in sorted(filters.items())]
        together.append(f"({' OR '.join(either)})")
    search.where = " AND ".join(together)
    sort = given.get("searchCriteria[sortOrders][0][field]")
    if sort is not None:
        if sort not in columns:
            raise NotUnderstood(sort)
        downwards = given.get("searchCriteria[sortOrders][0][direction]", "DESC").upper() == "DESC"
        search.order = f"{columns[sort]} {'DESC' if downwards else 'ASC'}"
    search.size = _number(given.get("searchCriteria[pageSize]", "0"))
    search.page = max(1, _number(given.get("searchCriteria[currentPage]", "1")))
    return search


def _condition(filter: Mapping[str, str], columns: Mapping[str, str], bound: list[Any]) -> str:
    name, kind, value = filter.get("field", ""), filter.get("condition_type", "eq"), filter.get("value", "")
    if name not in columns:
        raise NotUnderstood(name)
    if name.endswith("_at") and not _INSTANT.fullmatch(value):
        raise NotUnderstood(value)
    column = columns[name]
    numeric = column in ("id", "parent")
    if kind in _LISTS:
        values = value.split(",") if value else []
        bound += [int(one) for one in values] if numeric else values
        return f"{column} {_LISTS[kind]} ({', '.join('?' * len(values))})"
    if kind not in _CONDITIONS:
        raise NotUnderstood(kind)
    bound.append(int(value) if numeric else value)
    return f"{column} {_CONDITIONS[kind]} ?"


def _number(text: str) -> int:
    if not text.isdecimal():
        raise NotUnderstood(text)
    return int(text)


Tree = dict[str, "Tree"]


def fields_of(text: str) -> Tree:
    """`items[id,a[b]],total_count` as a tree of names; those without a branch are shown whole."""
    stack: list[Tree] = [{}]
    last = ""
    for word in _WORD.findall(text):
        if word == "[":
            stack.append(stack[-1][last])
        elif word == "]":
            stack.pop()
        elif word != ",":
            last = word
            stack[-1][word] = {}
    return stack[0]


def shown(value: Any, tree: Tree) -> Any:
    """What of a value a tree of names shows."""
    if not tree:
        return value
    if isinstance(value, list):
        return [shown(one, tree) for one in value]
    if isinstance(value, dict):
        return {name: shown(value[name], branch) for name, branch in tree.items() if name in value}
    return value


def shown_text(body: str, tree: Tree, *, bare: bool) -> str:
    """A record's JSON, or what of it is shown; `bare`: without the number by which it is kept."""
    if not tree and not bare:
        return body
    record = json.loads(body)
    if bare:
        del record["id"]
    return json.dumps(shown(record, tree), separators=(",", ":"))
