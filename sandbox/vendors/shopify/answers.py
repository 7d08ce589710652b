"""Answers to the root fields of a query: the shop, pages, counts, nodes, events, the installation, bulk operations.

In: the compiled selection of QueryRoot and a request's context. Out: the `data` of the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.vendors.shopify.errors import ApiError
from sandbox.vendors.shopify.nodes import Node, decode_cursor, node_of
from sandbox.vendors.shopify.projection import Projector
from sandbox.vendors.shopify.reader import Event, Row, ShopReader
from sandbox.vendors.shopify.search import Condition, condition_of
from sandbox.vendors.shopify.selection import LARGEST_PAGE, Connection, Pick, Selection
from sandbox.vendors.shopify.store import PAYMENTS_ACCOUNT, number_of
from sandbox.vendors.shopify.versions import VERSIONS

CONNECTION_TYPES = {
    "products": "Product",
    "productVariants": "ProductVariant",
    "inventoryItems": "InventoryItem",
    "customers": "Customer",
    "orders": "Order",
    "locations": "Location",
}
_COUNT_TYPES = {f"{name}Count": type_name for name, type_name in CONNECTION_TYPES.items()}
_SINGLES = frozenset(
    {
        *("product", "productVariant", "inventoryItem", "customer", "order", "location", "refund", "node"),
        "shopifyPaymentsAccount",
    }
)
_ORDER_FAMILY = frozenset({"Order", "LineItem", "Refund", "RefundLineItem", "OrderTransaction", "ShippingLine"})
_SORT_COLUMNS = {
    None: "num",
    "ID": "num",
    "RELEVANCE": "num",
    "ORDER_NUMBER": "num",
    "CREATED_AT": "created_at",
    "UPDATED_AT": "updated_at",
    "PROCESSED_AT": "processed_at",
    "TITLE": "coalesce(json_extract(body, '$.title'), '')",
    "NAME": "coalesce(json_extract(body, '$.name'), json_extract(body, '$.title'), '')",
    "SKU": "coalesce(json_extract(body, '$.sku'), '')",
}
_VISIBLE_DAYS = 60


@dataclass
class Request:
    """What one request may see and what shall go wrong with it."""

    reader: ShopReader
    facts: Mapping[str, str]
    scopes: frozenset[str]
    operations: Callable[[], list[dict[str, Any]]]
    count_delta: int = 0
    skip_page: bool = False
    warnings: list[dict[str, Any]] = field(default_factory=list)

    @property
    def earliest_order(self) -> str | None:
        """Orders created before this are hidden: without `read_all_orders` only the last 60 days are shown."""
        if "read_all_orders" in self.scopes:
            return None
        return (datetime.now(UTC) - timedelta(days=_VISIBLE_DAYS)).strftime("%Y-%m-%dT%H:%M:%SZ")


def answer_query(selection: Selection, request: Request) -> dict[str, Any]:
    """The `data` of a query, root field by root field."""
    projector = Projector(request.reader, request.facts)
    return {
        pick.key: "QueryRoot" if pick.name == "__typename" else None if pick.denied else _root(pick, request, projector)
        for pick in selection.picks
    }


def visible_condition(type_name: str, query: str | None, request: Request) -> Condition:
    """The search condition with what the token may not see taken out."""
    condition = condition_of(type_name, query)
    request.warnings.extend({"query": query, "warnings": [warning]} for warning in condition.warnings)
    if type_name == "Order" and (earliest := request.earliest_order) is not None:
        return Condition(f"({condition.sql}) AND created_at >= ?", [*condition.values, earliest])
    return condition


def _root(pick: Pick, request: Request, projector: Projector) -> Any:
    name = pick.name
    if name in CONNECTION_TYPES:
        return _page(pick, CONNECTION_TYPES[name], request, projector)
    if name in _COUNT_TYPES:
        return _one(Node("Count", _count(pick, _COUNT_TYPES[name], request)), pick, projector)
    if name == "nodes":
        return _nodes(pick.arguments["ids"], pick, request, projector)
    if name in _SINGLES:
        return _nodes([_single_id(pick, request)], pick, request, projector)[0]
    if name == "events":
        return _events(pick, request, projector)
    if name == "publicApiVersions":
        return _versions(pick, projector)
    if name in ("shop", "currentAppInstallation"):
        return _one(_own(name, request), pick, projector)
    return _operations(pick, request, projector)


def _one(node: Node, pick: Pick, projector: Projector) -> Any:
    assert pick.inner is not None  # noqa: S101 - an object field always has a selection
    return projector.project([node], pick.inner.by_type[node.type])[0]


def _page(pick: Pick, type_name: str, request: Request, projector: Projector) -> dict[str, Any]:
    arguments = pick.arguments
    sort = arguments.get("sortKey")
    if sort not in _SORT_COLUMNS:
        raise ApiError(f"sorting {pick.name} by {sort} is not simulated", code="BAD_REQUEST")
    column = _SORT_COLUMNS[sort]
    condition = visible_condition(type_name, arguments.get("query"), request)
    size = pick.size
    descending = bool(arguments.get("reverse")) == pick.forwards
    where, values = condition.sql, list(condition.values)
    if pick.cursor:
        beyond = "<" if descending else ">"
        where = f"({where}) AND ({column}, num) {beyond} (?, ?)"
        values += decode_cursor(pick.cursor)
    skipped = size if request.skip_page else 0
    rows = request.reader.page(
        type_name, where=where, values=values, order=column, descending=descending, limit=size + skipped + 1
    )
    kept = [_placed(row) for row in rows[skipped : skipped + size]]
    return _shaped(kept if pick.forwards else kept[::-1], len(rows) > size + skipped, pick, projector)


def _placed(row: Row) -> Node:
    node = node_of(row)
    node.position = row.place
    return node


def _shaped(nodes: list[Node], more: bool, pick: Pick, projector: Projector) -> dict[str, Any]:
    connection = pick.connection
    assert isinstance(connection, Connection)  # noqa: S101 - root pages are connections
    connection.largest = max(connection.largest, len(nodes))
    return projector.shape([nodes], [more], pick, connection)[0]


def _count(pick: Pick, type_name: str, request: Request) -> dict[str, Any]:
    """Counting stops at `limit` (10,000 unless asked otherwise; null counts all) and says so."""
    limit = pick.arguments.get("limit")
    condition = visible_condition(type_name, pick.arguments.get("query"), request)
    found = request.reader.count(
        type_name, where=condition.sql, values=condition.values, limit=None if limit is None else limit + 1
    )
    counted, precision = (found, "EXACT") if limit is None or found <= limit else (limit, "AT_LEAST")
    return {"count": max(0, counted + request.count_delta), "precision": precision}


def _single_id(pick: Pick, request: Request) -> str:
    if pick.name == "shopifyPaymentsAccount":
        return PAYMENTS_ACCOUNT
    wanted = pick.arguments.get("id")
    if wanted is not None:
        return str(wanted)
    first = request.reader.page("Location", where="1", values=(), order="num", descending=False, limit=1)
    return first[0].gid if first else ""


def _nodes(ids: list[str], pick: Pick, request: Request, projector: Projector) -> list[Any]:
    assert pick.inner is not None  # noqa: S101 - an object field always has a selection
    if len(ids) > LARGEST_PAGE:
        raise ApiError(
            f"The input array size is greater than the maximum allowed of {LARGEST_PAGE}.",
            code="MAX_INPUT_SIZE_EXCEEDED",
        )
    rows = request.reader.nodes(ids)
    earliest = request.earliest_order
    found: dict[str, list[Node]] = {}
    for row in rows.values():
        hidden = earliest is not None and row.type in _ORDER_FAMILY and row.created_at < earliest
        if not hidden and row.type in pick.inner.by_type:
            found.setdefault(row.type, []).append(node_of(row))
    answers: dict[str, Any] = {}
    for type_name, nodes in found.items():
        projected = projector.project(nodes, pick.inner.by_type[type_name])
        answers.update({node.gid or "": answer for node, answer in zip(nodes, projected, strict=True)})
    return [answers.get(gid) for gid in ids]


def _events(pick: Pick, request: Request, projector: Projector) -> dict[str, Any]:
    arguments = pick.arguments
    condition = visible_condition("Event", arguments.get("query"), request)
    size = pick.size
    descending = bool(arguments.get("reverse")) == pick.forwards
    where, values = condition.sql, list(condition.values)
    if pick.cursor:
        where = f"({where}) AND id {'<' if descending else '>'} ?"
        values.append(decode_cursor(pick.cursor)[1])
    events = request.reader.events(where=where, values=values, descending=descending, limit=size + 1)
    nodes = [_event_node(event) for event in events[:size]]
    return _shaped(nodes if pick.forwards else nodes[::-1], len(events) > size, pick, projector)


def _event_node(event: Event) -> Node:
    body = {
        "id": f"gid://shopify/BasicEvent/{event.id}",
        "action": event.action,
        "subjectId": event.subject_gid,
        "subjectType": event.subject_type,
        "createdAt": event.created_at,
        "message": f"{event.subject_type.lower()} {number_of(event.subject_gid)}: {event.action}",
    }
    return Node("BasicEvent", body)


def _own(name: str, request: Request) -> Node:
    """The shop, or this app in it."""
    return Node("Shop", shop_body(request.facts)) if name == "shop" else Node("AppInstallation", _installation(request))


def _versions(pick: Pick, projector: Projector) -> list[Any]:
    assert pick.inner is not None  # noqa: S101 - an object field always has a selection
    bodies = [{"handle": handle, "displayName": handle, "supported": True} for handle in VERSIONS]
    return projector.project([Node("ApiVersion", body) for body in bodies], pick.inner.by_type["ApiVersion"])


def _installation(request: Request) -> dict[str, Any]:
    return {
        "id": "gid://shopify/AppInstallation/1",
        "accessScopes": [{"handle": scope, "description": scope.replace("_", " ")} for scope in sorted(request.scopes)],
    }


def _operations(pick: Pick, request: Request, projector: Projector) -> Any:
    operations = request.operations()
    if pick.name == "bulkOperation":
        found = [body for body in operations if body["id"] == pick.arguments["id"]]
        return _one(Node("BulkOperation", found[0]), pick, projector) if found else None
    size = pick.size
    if pick.arguments.get("reverse"):
        operations = operations[::-1]
    nodes = [Node("BulkOperation", body) for body in operations]
    return _shaped(nodes[:size], len(nodes) > size, pick, projector)


def shop_body(facts: Mapping[str, str]) -> dict[str, Any]:
    """The Shop object from the facts of the shop; the zone's offset is that of now."""
    domain = facts["domain"]
    now = datetime.now(ZoneInfo(facts["timezone"]))
    offset = now.utcoffset() or timedelta()
    return {
        "id": "gid://shopify/Shop/1",
        "name": facts["name"],
        "email": facts.get("email", f"owner@{domain}"),
        "contactEmail": facts.get("email", f"owner@{domain}"),
        "description": None,
        "myshopifyDomain": domain,
        "url": f"https://{domain}",
        "primaryDomain": {"id": "gid://shopify/Domain/1", "host": domain, "url": f"https://{domain}"},
        "shopOwnerName": facts.get("owner", facts["name"]),
        "createdAt": facts["created_at"],
        "updatedAt": facts.get("updated_at", facts["created_at"]),
        "currencyCode": facts["currency"],
        "enabledPresentmentCurrencies": [facts["currency"]],
        "ianaTimezone": facts["timezone"],
        "timezoneAbbreviation": now.strftime("%Z"),
        "timezoneOffset": now.strftime("%z"),
        "timezoneOffsetMinutes": int(offset.total_seconds() // 60),
        "plan": {
            "displayName": facts["plan"],
            "publicDisplayName": facts["plan"],
            "partnerDevelopment": False,
            "shopifyPlus": facts["plan"] in ("Plus", "Enterprise"),
        },
        "taxesIncluded": facts.get("taxes_included", "false") == "true",
        "taxShipping": facts.get("tax_shipping", "false") == "true",
        "unitSystem": facts.get("unit_system", "METRIC_SYSTEM"),
        "weightUnit": facts.get("weight_unit", "GRAMS"),
    }
