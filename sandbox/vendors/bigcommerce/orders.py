"""Orders of V2: bare arrays, 204 where there are none, a count apart that knows the same filters, and what hangs on an order.

https://developer.bigcommerce.com/docs/rest-management/orders
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from sandbox.vendors.bigcommerce.lists import NotUnderstood, number, utc
from sandbox.vendors.records import Records
from sandbox.vendors.rest import Answer, Asked

_ONE = re.compile(r"v2/orders/(\d+)(?P<coupons>/coupons)?")
_FILTERS = {
    "min_id": "id >= ?",
    "max_id": "id <= ?",
    "min_date_modified": "modified >= ?",
    "max_date_modified": "modified <= ?",
}
_ORDERS = {"id:asc": "id", "date_created:asc": "created"}
_DEFAULT, _LARGEST = 50, 250


def orders(asked: Asked, records: Records, facts: Mapping[str, str]) -> Answer:
    """Answer a request below `v2/orders`."""
    if asked.path == "v2/orders/count":
        return _count(asked, records, facts)
    if asked.path == "v2/orders":
        return _list(asked, records)
    one = _ONE.fullmatch(asked.path)
    if one and one["coupons"]:
        return _array(records.page("coupons", "parent = ?", [int(one[1])]))
    body = records.page("orders", "id = ?", [int(one[1])]) if one else []
    if not body:
        return Answer(b'[{"status":404,"message":"The requested resource was not found."}]', 404)
    return Answer(_shown(asked, body[0]).encode())


def _count(asked: Asked, records: Records, facts: Mapping[str, str]) -> Answer:
    if "without_count" in facts:
        return Answer(b'[{"status":404,"message":"Not found."}]', 404)
    where, bound = ("", []) if "count_ignores_filters" in facts else _condition(asked)
    total = records.count("orders", where, bound)
    wrong = asked.strikes("wrong_count")
    told = total + int(wrong.get("delta", 1)) if wrong is not None else total
    return Answer(json.dumps({"statuses": [], "count": told}).encode())


def _list(asked: Asked, records: Records) -> Answer:
    given = asked.parameters
    size = max(1, min(number(given.get("limit", str(_DEFAULT))), _LARGEST))
    order = _ORDERS.get(given.get("sort", "id:asc"))
    if order is None:
        raise NotUnderstood("sort")
    where, bound = _condition(asked)
    offset = (max(1, number(given.get("page", "1"))) - 1) * size
    first = number(given.get("min_id", "1"))
    if first > 1 and asked.strikes("duplicate_page") is not None:
        where, bound = _condition(asked, leaving="min_id")
        before = f"{where} AND id < ?" if where else "id < ?"
        return _array(
            [
                _shown(asked, one)
                for one in records.page("orders", before, [*bound, first], order="id DESC", limit=size)[::-1]
            ]
        )
    if asked.strikes("missing_page") is not None:
        offset += size
    return _array(
        [_shown(asked, one) for one in records.page("orders", where, bound, order=order, limit=size, offset=offset)]
    )


def _array(bodies: list[str]) -> Answer:
    return Answer(f"[{','.join(bodies)}]".encode()) if bodies else Answer(b"", 204)


def _condition(asked: Asked, leaving: str = "") -> tuple[str, list[Any]]:
    conditions, bound = [], list[Any]()
    for name, condition in _FILTERS.items():
        if name in asked.parameters and name != leaving:
            conditions.append(condition)
            value = asked.parameters[name]
            bound.append(number(value) if name.endswith("_id") else _instant(value))
    return " AND ".join(conditions), bound


def _instant(text: str) -> str:
    """An instant in either way of writing it."""
    try:
        return utc(parsedate_to_datetime(text).isoformat())
    except ValueError:
        return utc(text)


def _shown(asked: Asked, body: str) -> str:
    """An order with what was asked to be included, and addresses of the rest."""
    included = set(asked.parameters.get("include", "").split(","))
    record = json.loads(body)
    base = f"/orders/{record['id']}"
    record |= {
        name: {"url": "", "resource": f"{base}/{name}"} for name in ("products", "shipping_addresses", "coupons")
    }
    if "fees" not in included:
        record["fees"] = {"url": "", "resource": f"{base}/fees"}
    if not included & {"consignments", "consignments.line_items"}:
        record["consignments"] = {"url": "", "resource": f"{base}/consignments"}
    elif asked.parameters.get("consignment_structure") != "object":
        record["consignments"] = [record["consignments"]]
    elif "consignments.line_items" not in included:
        for kind in ("shipping", "pickups", "downloads"):
            for one in record["consignments"].get(kind, ()):
                one["line_items"] = [
                    {"url": "", "resource": f"{base}/products/{item['id']}"} for item in one["line_items"]
                ]
    return json.dumps(record, separators=(",", ":"))
