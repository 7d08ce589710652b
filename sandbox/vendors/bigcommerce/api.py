"""BigCommerce's REST APIs V2 and V3, as far as they are read: lists and counts, in the shapes and with the traps of the real ones.

Traps kept: V2 gives bare arrays, 204 for an empty one, RFC 2822 dates, and XML to whom does not ask for JSON; a list of customers says
cursors with its first page, and no count from then on; a page larger than allowed is a smaller one in silence; what is asked for with
options comes in pages of ten; orders come without their lines unless these are asked for, and in an older shape unless the newer is asked
for; the quota of requests is said with every answer. https://developer.bigcommerce.com/docs/rest-management
"""

from __future__ import annotations

import hmac
import json
import re
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sandbox.vendors.bigcommerce.lists import LISTS, NotUnderstood, v3_list
from sandbox.vendors.bigcommerce.orders import orders
from sandbox.vendors.records import Records
from sandbox.vendors.rest import Answer, Asked

_STOCK = re.compile(r"v3/inventory/locations/(\d+)/items")
_NO_STORE = {"status": 404, "title": "The resource was not found."}


def answer(asked: Asked, records: Records) -> Answer:
    """Answer one request, with the quota that is left."""
    facts = records.facts()
    limits = _limits(asked, facts)
    if limits.get("X-Rate-Limit-Requests-Left") == "-1":
        return Answer(b"{}", 429, {**limits, "X-Rate-Limit-Requests-Left": "0"})
    found = _answer(asked, records, facts)
    return Answer(found.body, found.status, {**limits, **found.headers})


def _answer(asked: Asked, records: Records, facts: Mapping[str, str]) -> Answer:
    token = asked.headers.get("x-auth-token", "").encode()
    if asked.strikes("revoked_token") is not None or not hmac.compare_digest(token, facts["access_token"].encode()):
        return _json({"status": 401, "title": "X-Auth-Token header is required"}, 401)
    if asked.path.startswith("v2/") and "json" not in asked.headers.get("accept", ""):
        return Answer(b"<?xml version='1.0'?><orders/>", 200, {"Content-Type": "application/xml"})
    if any(asked.path.startswith(path) for path in facts.get("forbidden", "").split(",") if path):
        return _json({"status": 403, "title": "You don't have a required scope to access the endpoint"}, 403)
    try:
        return _found(asked, records, facts)
    except NotUnderstood as refused:
        return _json({"status": 422, "title": f"The filter is not valid: {refused}"}, 422)


def _found(asked: Asked, records: Records, facts: Mapping[str, str]) -> Answer:
    if asked.path == "v2/store":
        return _json(_store(facts))
    if asked.path.startswith("v2/orders"):
        return orders(asked, records, facts)
    stock = _STOCK.fullmatch(asked.path)
    if stock:
        return v3_list(asked, records, "stock", parent=int(stock[1]))
    kind = LISTS.get(asked.path)
    return _json(_NO_STORE, 404) if kind is None else v3_list(asked, records, kind)


def _limits(asked: Asked, facts: Mapping[str, str]) -> dict[str, str]:
    """The quota's headers; what is left is -1 where nothing was. A store that has no quota says that it has a large one."""
    quota, window_ms = int(facts.get("quota", "20000")), int(facts.get("window_ms", "30000"))
    now_ms = int(time.time() * 1000)
    begun_ms = now_ms - now_ms % window_ms
    used = sum(datetime.fromisoformat(one["at"]).timestamp() * 1000 >= begun_ms for one in asked.shop.log)
    return {
        "X-Rate-Limit-Time-Window-Ms": str(window_ms),
        "X-Rate-Limit-Time-Reset-Ms": str(begun_ms + window_ms - now_ms),
        "X-Rate-Limit-Requests-Quota": str(quota),
        "X-Rate-Limit-Requests-Left": str(max(-1, quota - used - 1)),
    }


def _json(value: Any, status: int = 200) -> Answer:
    return Answer(json.dumps(value, separators=(",", ":")).encode(), status)


def _store(facts: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": facts["hash"],
        "domain": facts["domain"],
        "secure_url": f"https://{facts['domain']}",
        "status": "live",
        "name": facts["name"],
        "first_name": "Robin",
        "last_name": "Ownerfield",
        "admin_email": "owner@example.com",
        "phone": "",
        "country_code": facts["country"],
        "timezone": {"name": facts["timezone"], "raw_offset": 0, "dst_correction": True},
        "language": "en",
        "currency": facts["currency"],
        "decimal_places": 2,
        "weight_units": "Ounces",
        "plan_name": "Standard",
        "is_price_entered_with_tax": facts["prices_include_tax"] == "yes",
        "logo": [],
    }
