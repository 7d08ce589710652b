"""Lists of V3: filters and pages in, `data` beside `meta` out; customers also by cursors.

https://developer.bigcommerce.com/docs/rest-management/customers (the cursors), https://developer.bigcommerce.com/docs/rest-catalog/products
"""

from __future__ import annotations

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import Any

from sandbox.vendors.records import Records
from sandbox.vendors.rest import Answer, Asked

LISTS = {
    "v3/catalog/products": "products",
    "v3/catalog/brands": "brands",
    "v3/catalog/categories": "categories",
    "v3/customers": "customers",
    "v3/orders/payment_actions/refunds": "refunds",
    "v3/inventory/locations": "locations",
    "v3/inventory/items": "stock",
}
_WITH_CURSORS = frozenset({"customers"})
_DEFAULT, _LARGEST, _LARGEST_OF_STOCK, _WITH_OPTIONS = 50, 250, 1000, 10
_BOUNDS = {
    "date_modified:min": "modified >= ?",
    "date_modified:max": "modified <= ?",
    "created:min": "created >= ?",
    "created:max": "created <= ?",
}
_AMONG = {"id:in": "id", "order_id:in": "parent"}


class NotUnderstood(Exception):
    """The request is answered 422."""


def v3_list(asked: Asked, records: Records, kind: str, parent: int | None = None) -> Answer:
    """A page of a list."""
    given = asked.parameters
    where, bound = _condition(asked, parent)
    size = _size(asked, kind)
    total = records.count(kind, where, bound)
    wrong = asked.strikes("wrong_count")
    told = total + int(wrong.get("delta", 1)) if wrong is not None else total
    if kind in _WITH_CURSORS and "after" in given:
        return _after(asked, records, kind, where, bound, size)
    page = max(1, number(given.get("page", "1")))
    # Without an order it is not that of ids.
    order = "id" if given.get("sort") == "id" or kind != "products" else "modified DESC"
    bodies = records.page(kind, where, bound, order=order, limit=size, offset=(page_of(asked, page) - 1) * size)
    meta: dict[str, Any] = {
        "pagination": {
            "total": told,
            "count": len(bodies),
            "per_page": size,
            "current_page": page,
            "total_pages": -(-told // size),
            "links": {"current": f"?page={page}&limit={size}"},
        }
    }
    if kind in _WITH_CURSORS and page == 1:
        meta["cursor_pagination"] = _cursors(bodies, size)
    return _page(asked, bodies, meta)


def _after(asked: Asked, records: Records, kind: str, where: str, bound: list[Any], size: int) -> Answer:
    """The page after a cursor. It has no count."""
    last = _opened(asked.parameters["after"])
    more = f"{where} AND " if where else ""
    if asked.strikes("duplicate_page") is not None:
        bodies = records.page(kind, f"{more}id <= ?", [*bound, last], order="id DESC", limit=size)[::-1]
    else:
        offset = size if asked.strikes("missing_page") is not None else 0
        bodies = records.page(kind, f"{more}id > ?", [*bound, last], limit=size, offset=offset)
    return _page(asked, bodies, {"cursor_pagination": _cursors(bodies, size)})


def _cursors(bodies: list[str], size: int) -> dict[str, Any]:
    found: dict[str, Any] = {"count": len(bodies), "per_page": size, "links": {}}
    if bodies:
        first, last = (json.loads(body)["id"] for body in (bodies[0], bodies[-1]))
        found |= {"start_cursor": _sealed(first), "end_cursor": _sealed(last)}
    return found


def _sealed(number: int) -> str:
    return base64.urlsafe_b64encode(f"id:{number}".encode()).decode()


def _opened(cursor: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(cursor).decode().removeprefix("id:"))
    except (binascii.Error, ValueError) as error:
        raise NotUnderstood("after") from error


def _page(asked: Asked, bodies: list[str], meta: dict[str, Any]) -> Answer:
    shown = ",".join(_shown(asked, body) for body in bodies)
    return Answer(f'{{"data":[{shown}],"meta":{json.dumps(meta, separators=(",", ":"))}}}'.encode())


def _shown(asked: Asked, body: str) -> str:
    """A record: without what was not asked to be included, or with the fields alone that were."""
    fields = asked.parameters.get("include_fields", "")
    included = asked.parameters.get("include", "").split(",")
    record = json.loads(body)
    if fields:
        record = {name: record[name] for name in ("id", *fields.split(",")) if name in record}
    else:
        for name in ("variants", "images", "custom_fields", "addresses"):
            if name not in included:
                record.pop(name, None)
    # What has no id is kept under one, and shown without.
    if "identity" in record:
        record.pop("id", None)
    return json.dumps(record, separators=(",", ":"))


def _condition(asked: Asked, parent: int | None) -> tuple[str, list[Any]]:
    conditions, bound = [], list[Any]()
    if parent is not None:
        conditions.append("parent = ?")
        bound.append(parent)
    for name, value in asked.parameters.items():
        if name in _BOUNDS:
            conditions.append(_BOUNDS[name])
            bound.append(utc(value))
        elif name in _AMONG:
            ids = [number(each) for each in value.split(",")]
            conditions.append(f"{_AMONG[name]} IN ({', '.join('?' * len(ids))})")
            bound += ids
    return " AND ".join(conditions), bound


def utc(text: str) -> str:
    """An instant as records have it."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise NotUnderstood(text) from error
    return (at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _size(asked: Asked, kind: str) -> int:
    largest = _LARGEST_OF_STOCK if kind == "stock" else _LARGEST
    if {"options", "modifiers"} & set(asked.parameters.get("include", "").split(",")):
        largest = _WITH_OPTIONS
    return max(1, min(number(asked.parameters.get("limit", str(_DEFAULT))), largest))


def page_of(asked: Asked, page: int) -> int:
    """The page that is really sent."""
    if page > 1 and asked.strikes("duplicate_page") is not None:
        return page - 1
    return page + 1 if asked.strikes("missing_page") is not None else page


def number(text: str) -> int:
    """A whole number, or a refusal."""
    if not text.isdecimal():
        raise NotUnderstood(text)
    return int(text)
