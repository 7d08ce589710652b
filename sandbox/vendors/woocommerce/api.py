"""WooCommerce's REST API v3, as far as it is read: lists with their counts, in the shapes and with the traps of the real one.

Traps kept: bounds of time are strict and, without `dates_are_gmt`, in the site's own zone; a bound of a date alone, or a page of more than
100, is answered 400; a page beyond the end is `[]` with a count of 0; customers and refunds know no date of change; the default order is
by date. https://woocommerce.github.io/woocommerce-rest-api-docs/
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.vendors.records import Records
from sandbox.vendors.rest import Answer, Asked
from sandbox.vendors.woocommerce.oauth import known

_LISTS = re.compile(
    r"wp-json/wc/v3/(?:(?P<kind>products|customers|orders|refunds)"
    r"|products/(?P<product>\d+)/variations|orders/(?P<order>\d+)/refunds)"
)
_SETTINGS = re.compile(r"wp-json/wc/v3/settings/(?P<group>general|tax)")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(Z|[+-]\d{2}:\d{2})?")
_BOUNDS = {
    "modified_after": "modified > ?",
    "modified_before": "modified < ?",
    "after": "created > ?",
    "before": "created < ?",
}
_CHANGED = frozenset({"products", "orders"})
_LARGEST = 100


class _Refused(Exception):
    """The request is answered with an error: code and status."""

    def __init__(self, code: str, status: int) -> None:
        super().__init__(code)
        self.status = status


def answer(asked: Asked, records: Records) -> Answer:
    """Answer one request."""
    facts = records.facts()
    if asked.path.rstrip("/") == "wp-json":
        return _json(_index(asked, facts))
    try:
        if asked.strikes("revoked_token") is not None or not known(
            asked.headers.get("authorization", ""), asked.url, asked.parameters, facts
        ):
            raise _Refused("woocommerce_rest_cannot_view", 401)
        settings = _SETTINGS.fullmatch(asked.path)
        if settings:
            return _json(_settings(settings["group"], facts))
        listed = _LISTS.fullmatch(asked.path)
        if listed is None or (listed["kind"] == "refunds" and "without_refunds" in facts):
            raise _Refused("rest_no_route", 404)
        return _list(asked, records, listed, facts)
    except _Refused as refused:
        return _json({"code": str(refused), "message": "Sorry.", "data": {"status": refused.status}}, refused.status)


def _json(value: Any, status: int = 200) -> Answer:
    return Answer(json.dumps(value, separators=(",", ":")).encode(), status)


def _index(asked: Asked, facts: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": facts["name"],
        "url": facts["url"],
        "gmt_offset": facts.get("gmt_offset", "0"),
        "timezone_string": facts["timezone"],
        "namespaces": ["oembed/1.0", "wp/v2", "wc/v2", "wc/v3"],
        "_links": {"self": [{"href": asked.url}]},
    }


def _settings(group: str, facts: Mapping[str, str]) -> list[dict[str, Any]]:
    found = {
        "general": {"woocommerce_currency": facts["currency"], "woocommerce_default_country": facts["country"]},
        "tax": {"woocommerce_prices_include_tax": facts["prices_include_tax"]},
    }
    return [{"id": name, "label": name, "value": value, "group_id": group} for name, value in found[group].items()]


def _list(asked: Asked, records: Records, listed: re.Match[str], facts: Mapping[str, str]) -> Answer:
    given = asked.parameters
    size, page = _number(given.get("per_page", "10")), _number(given.get("page", "1"))
    if not 1 <= size <= _LARGEST or page < 1:
        raise _Refused("rest_invalid_param", 400)
    kind, where, bound = _condition(listed, given, facts)
    order = f"{'id' if given.get('orderby') == 'id' else 'created'} {'ASC' if given.get('order') == 'asc' else 'DESC'}"
    total = records.count(kind, where, bound)
    at = _page_of(asked, page)
    bodies = records.page(kind, where, bound, order=order, limit=size, offset=(at - 1) * size)
    wrong = asked.strikes("wrong_count")
    told = total + int(wrong.get("delta", 1)) if wrong is not None else total
    if not bodies and page > 1:
        told = 0
    headers = {"X-WP-Total": str(told), "X-WP-TotalPages": str(-(-told // size))}
    if told > page * size:
        # Of another host than the one that was asked, as behind many a proxy.
        headers["Link"] = f'<https://elsewhere.example/{asked.path}?page={page + 1}>; rel="next"'
    return Answer(f"[{','.join(_shown(body, given) for body in bodies)}]".encode(), 200, headers)


def _page_of(asked: Asked, page: int) -> int:
    """The page that is really sent."""
    if page > 1 and asked.strikes("duplicate_page") is not None:
        return page - 1
    return page + 1 if asked.strikes("missing_page") is not None else page


def _condition(listed: re.Match[str], given: Mapping[str, str], facts: Mapping[str, str]) -> tuple[str, str, list[Any]]:
    """The kind of record, and the condition on its columns with what is bound in it."""
    conditions, bound = [], list[Any]()
    kind = listed["kind"] or ("variations" if listed["product"] else "refunds")
    if listed["kind"] is None:
        conditions.append("parent = ?")
        bound.append(int(listed["product"] or listed["order"]))
    if kind == "orders":
        conditions.append("status <> 'trash'" if given.get("status", "any") == "any" else "status = ?")
        bound += [] if given.get("status", "any") == "any" else [given["status"]]
    for name, condition in _BOUNDS.items():
        if name in given and (kind in _CHANGED or not name.startswith("modified")):
            conditions.append(condition)
            bound.append(_bound(given[name], given, facts))
    if given.get("include"):
        ids = [_number(each) for each in given["include"].split(",")]
        conditions.append(f"id IN ({', '.join('?' * len(ids))})")
        bound += ids
    return kind, " AND ".join(conditions), bound


def _bound(text: str, given: Mapping[str, str], facts: Mapping[str, str]) -> str:
    """The instant in UTC that the shop compares with: digits that are not said to be UTC, or have a zone, it shifts by its own zone."""
    if not _INSTANT.fullmatch(text):
        raise _Refused("rest_invalid_param", 400)
    digits = datetime.fromisoformat(text[:19])
    if given.get("dates_are_gmt") == "true" and len(text) == len("2026-01-01T00:00:00"):
        return digits.isoformat()
    return (
        digits.replace(tzinfo=ZoneInfo(facts["timezone"])).astimezone(ZoneInfo("UTC")).replace(tzinfo=None).isoformat()
    )


def _shown(body: str, given: Mapping[str, str]) -> str:
    """A record, or the fields of it that were asked for."""
    if "_fields" not in given:
        return body
    record = json.loads(body)
    return json.dumps(
        {name: record[name] for name in given["_fields"].split(",") if name in record}, separators=(",", ":")
    )


def _number(text: str) -> int:
    if not text.isdecimal():
        raise _Refused("rest_invalid_param", 400)
    return int(text)
