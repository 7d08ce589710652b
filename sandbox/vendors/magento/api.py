"""Magento's REST API V1, as far as it is read: searches with their counts, in the shapes and with the traps of the real one.

Traps kept: a page beyond the end is the last page again; without a size all rows come; the default order is downwards; a page that is
larger than the shop allows is answered 400 with its number apart from the sentence; instants are texts in UTC without a zone; what has no
extension attributes says so by an empty list. A shop of Adobe's cloud (see ims.py) has other paths, and takes IMS tokens only.
https://developer.adobe.com/commerce/webapi/rest/
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.vendors.magento import ims
from sandbox.vendors.magento.search import NotUnderstood, fields_of, search_of, shown_text
from sandbox.vendors.oauth import signed
from sandbox.vendors.records import Records
from sandbox.vendors.rest import Answer, Asked

_PATH = re.compile(r"rest/(?P<store>\w+)/V1/(?P<path>[\w/-]+)")
_CLOUD_PATH = re.compile(r"V1/(?P<path>[\w/-]+)")
_DATES = {"created_at": "created", "updated_at": "modified"}
_SIGNINGS = frozenset({"HMAC-SHA256"})


@dataclass(frozen=True)
class _List:
    """A search: the kind of record, the resource it needs, its fields beside `entity_id` with the columns that hold them.

    `bare`: its records have no `id`, or are not told by it.
    """

    kind: str
    resource: str
    columns: Mapping[str, str] = field(default_factory=dict)
    bare: bool = False


_LISTS = {
    "products": _List("products", "Magento_Catalog::products", {**_DATES, "type_id": "status"}),
    "products/attributes": _List(
        "attributes",
        "Magento_Catalog::attributes_attributes",
        {"attribute_id": "id", "frontend_input": "status"},
        bare=True,
    ),
    "categories/list": _List("categories", "Magento_Catalog::categories"),
    "customers/search": _List("customers", "Magento_Customer::customer", _DATES),
    "orders": _List("orders", "Magento_Sales::actions_view", {**_DATES, "state": "status"}, bare=True),
    "creditmemos": _List(
        "refunds", "Magento_Sales::sales_creditmemo", {**_DATES, "order_id": "parent", "state": "status"}, bare=True
    ),
    "inventory/sources": _List("sources", "Magento_InventoryApi::source", {"source_code": "status"}, bare=True),
    "inventory/source-items": _List("stock", "Magento_InventoryApi::source", {"source_item_id": "id"}, bare=True),
}


def answer(asked: Asked, records: Records) -> Answer:
    """Answer one request."""
    facts = records.facts()
    found = (_CLOUD_PATH if ims.serves(facts) else _PATH).fullmatch(asked.path)
    if found is None or (found["path"].startswith("inventory/") and "without_inventory" in facts):
        return _said("Request does not match any route.", 404)
    listed = _LISTS.get(found["path"])
    resource = listed.resource if listed else "Magento_Backend::store"
    if asked.strikes("revoked_token") is not None or not _known(asked, facts):
        return _said("The consumer isn't authorized to access %resources.", 401, resources=resource)
    if ims.serves(facts) and asked.headers.get("store") not in ("all", *facts.get("stores", "default").split(",")):
        return _said("The store that was requested wasn't found. Verify the store and try again.", 404)
    if listed is None:
        return (
            _json(_stores(facts))
            if found["path"] == "store/storeConfigs"
            else _said("Request does not match any route.", 404)
        )
    most = int(facts.get("largest_page", "0"))
    if most and int(asked.parameters.get("searchCriteria[pageSize]", "20")) > most:
        return _said("Maximum SearchCriteria pageSize is %max", 400, max=most)
    try:
        return _search(asked, records, listed)
    except NotUnderstood as refused:
        return _said("Invalid search criteria: %1", 400, field=str(refused))


def _known(asked: Asked, facts: Mapping[str, str]) -> bool:
    header = asked.headers.get("authorization", "")
    if ims.serves(facts):
        return ims.known(asked.headers, facts)
    if header.startswith("Bearer "):
        # Off unless the shop says so: https://developer.adobe.com/commerce/webapi/get-started/authentication/gs-authentication-token/
        return "bearer" in facts and hmac.compare_digest(header[7:].encode(), facts["access_token"].encode())
    consumer = (facts["consumer_key"], facts["consumer_secret"])
    token = (facts["access_token"], facts["access_token_secret"])
    return signed(header, asked.url, asked.parameters, consumer, token, _SIGNINGS)


def _json(value: Any, status: int = 200) -> Answer:
    return Answer(json.dumps(value, separators=(",", ":")).encode(), status)


def _said(message: str, status: int, **parameters: Any) -> Answer:
    return _json({"message": message, "parameters": parameters} if parameters else {"message": message}, status)


def _stores(facts: Mapping[str, str]) -> list[dict[str, Any]]:
    codes = facts.get("stores", "default").split(",")
    currencies = facts["currency"].split(",")
    return [
        {
            "id": place + 1,
            "code": code,
            "website_id": place + 1,
            "locale": facts["locale"],
            "base_currency_code": currencies[min(place, len(currencies) - 1)],
            "default_display_currency_code": currencies[min(place, len(currencies) - 1)],
            "timezone": facts["timezone"],
            "weight_unit": "kgs",
            "base_url": facts["url"],
            "base_link_url": facts["url"],
            "base_media_url": f"{facts['url']}media/",
            "secure_base_url": facts["url"],
        }
        for place, code in enumerate(codes)
    ]


def _search(asked: Asked, records: Records, listed: _List) -> Answer:
    search = search_of(asked.parameters, {"entity_id": "id", **listed.columns})
    total = records.count(listed.kind, search.where, search.bound)
    pages = max(1, -(-total // search.size)) if search.size else 1
    at = min(_page_of(asked, search.page), pages)
    size = search.size or -1
    bodies = records.page(
        listed.kind, search.where, search.bound, order=search.order, limit=size, offset=(at - 1) * search.size
    )
    wrong = asked.strikes("wrong_count")
    told = total + int(wrong.get("delta", 1)) if wrong is not None else total
    tree = fields_of(asked.parameters["fields"]) if "fields" in asked.parameters else None
    parts = {
        "items": f"[{','.join(shown_text(body, tree['items'] if tree else {}, bare=listed.bare) for body in bodies)}]",
        "search_criteria": json.dumps({"page_size": search.size, "current_page": search.page}),
        "total_count": str(told),
    }
    shown = ",".join(f'"{name}":{text}' for name, text in parts.items() if tree is None or name in tree)
    return Answer(f"{{{shown}}}".encode())


def _page_of(asked: Asked, page: int) -> int:
    """The page that is really sent."""
    if page > 1 and asked.strikes("duplicate_page") is not None:
        return page - 1
    return page + 1 if asked.strikes("missing_page") is not None else page
