"""Every GraphQL document this connector sends, by purpose and stream; `DOCUMENTS` lists them all for the checks.

Answers are read by two aliases only: `page` is the connection asked for, `node` the object it hangs on. A bulk query
holds its filter as text, put in by `bulk_query`, because a bulk operation takes no variables.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from varai.sources.shopify import selections as of

API_VERSION = "2026-10"

_PAGE_INFO = "pageInfo { hasNextPage endCursor }"
_FILTER = "__FILTER__"

# How many children come with their parent; what is beyond is drained by queries of its own.
_VARIANTS = f"variants(first: 20) {{ nodes {{ {of.VARIANT} }} {_PAGE_INFO} }}"
_IMAGES = f"images(first: 10) {{ nodes {{ {of.IMAGE} }} {_PAGE_INFO} }}"
_LINE_ITEMS = f"lineItems(first: 15) {{ nodes {{ {of.LINE_ITEM} }} {_PAGE_INFO} }}"
_SHIPPING_LINES = f"shippingLines(first: 3) {{ nodes {{ {of.SHIPPING_LINE} }} {_PAGE_INFO} }}"
_REFUND = f"""
{of.REFUND}
refundLineItems(first: 10) {{ nodes {{ {of.REFUND_LINE} }} {_PAGE_INFO} }}
refundShippingLines(first: 3) {{ nodes {{ {of.REFUND_SHIPPING} }} {_PAGE_INFO} }}
orderAdjustments(first: 3) {{ nodes {{ {of.ADJUSTMENT} }} {_PAGE_INFO} }}"""


def _agreements(more: str, sales: str) -> str:
    """Agreements of an order with their sales; what they say of pages decides how much comes at once."""
    inside = f"{of.AGREEMENT} sales({sales}) {{ nodes {{ {of.SALE} }} {_PAGE_INFO} }}"
    return f"id agreements({more}) {{ nodes {{ {inside} }} {_PAGE_INFO} }}"


_WHOLE = {
    "products": f"{of.PRODUCT} {_VARIANTS} {_IMAGES}",
    "customers": of.CUSTOMER,
    "orders": f"{of.ORDER} {_LINE_ITEMS} {_SHIPPING_LINES} refunds {{ {_REFUND} }}",
}
"""A root record as it is paged: complete but for children beyond the first ones."""

_TYPE = {"products": "Product", "customers": "Customer", "orders": "Order"}


def _listing(connection: str, selection: str, more: str = "") -> str:
    return f"""query ($query: String, $first: Int!, $after: String) {{
  page: {connection}(query: $query, first: $first, after: $after{more}) {{ nodes {{ {selection} }} {_PAGE_INFO} }}
}}"""


def _children(owner: str, connection: str, selection: str) -> str:
    return f"""query ($id: ID!, $first: Int!, $after: String) {{
  node(id: $id) {{ ... on {owner} {{
    page: {connection}(first: $first, after: $after) {{ nodes {{ {selection} }} {_PAGE_INFO} }}
  }} }}
}}"""


def _of_payments(connection: str, selection: str) -> str:
    """What hangs on the shop's account with Shopify Payments; a shop without one gives no page."""
    return f"""query ($first: Int!, $after: String) {{
  node: shopifyPaymentsAccount {{
    page: {connection}(first: $first, after: $after) {{ nodes {{ {selection} }} {_PAGE_INFO} }}
  }}
}}"""


def _by_ids(owner: str, selection: str) -> str:
    return f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on {owner} {{ {selection} }} }} }}"


SHOP = f"query {{ node: shop {{ {of.SHOP} }} }}"

PAGE: Mapping[str, str] = {
    **{name: _listing(name, whole, ", sortKey: UPDATED_AT") for name, whole in _WHOLE.items()},
    "locations": _listing("locations", of.LOCATION, ", includeInactive: true, sortKey: ID"),
    "payouts": _of_payments("payouts", of.PAYOUT),
    "disputes": _of_payments("disputes", of.DISPUTE),
}
"""Records of a stream with their first children."""

CENSUS: Mapping[str, str] = {
    **{name: _listing(name, "id updatedAt", ", sortKey: ID") for name in _WHOLE},
    "locations": _listing("locations", "id updatedAt", ", includeInactive: true, sortKey: ID"),
    "payouts": _of_payments("payouts", "id"),
    "disputes": _of_payments("disputes", "id"),
}
"""Only the ids of a stream, in an order of their own."""

COUNT: Mapping[str, str] = {
    name: f"query ($query: String) {{ count: {name}Count(query: $query, limit: null) {{ count precision }} }}"
    for name in _WHOLE
}
"""The exact count of a stream: without `limit: null` Shopify stops counting at 10,000."""

NODES: Mapping[str, str] = {
    **{name: _by_ids(_TYPE[name], whole) for name, whole in _WHOLE.items()},
    "refunds": _by_ids("Refund", f"__typename {_REFUND}"),
    "agreements": _by_ids("Order", _agreements("first: 10", "first: 50")),
}
"""Whole records by their ids; of agreements, the first ones of their orders."""

AGREEMENTS = f"""query ($id: ID!, $after: String, $sales: String) {{
  node(id: $id) {{ ... on Order {{ {_agreements("first: 1, after: $after", "first: 250, after: $sales")} }} }}
}}"""
"""One agreement of an order with many: an agreement is no node, so its sales are reached through its order alone."""

LEVELS = f"""query ($id: ID!, $query: String, $first: Int!, $after: String) {{
  node(id: $id) {{ ... on Location {{
    page: inventoryLevels(query: $query, first: $first, after: $after) {{ nodes {{ {of.LEVEL} }} {_PAGE_INFO} }}
  }} }}
}}"""
LEVELS_CENSUS = LEVELS.replace(of.LEVEL, "id updatedAt")

DRAIN: Mapping[str, str] = {
    "variants": _children("Product", "variants", of.VARIANT),
    "images": _children("Product", "images", of.IMAGE),
    "lineItems": _children("Order", "lineItems", of.LINE_ITEM),
    "shippingLines": _children("Order", "shippingLines", of.SHIPPING_LINE),
    "refundLineItems": _children("Refund", "refundLineItems", of.REFUND_LINE),
    "refundShippingLines": _children("Refund", "refundShippingLines", of.REFUND_SHIPPING),
    "orderAdjustments": _children("Refund", "orderAdjustments", of.ADJUSTMENT),
}
"""The rest of a connection, by its name."""


def _edges(connection: str, selection: str) -> str:
    return f"{connection} {{ edges {{ node {{ {selection} }} }} }}"


_BULK = {
    "products": _edges(
        f"products(query: {_FILTER})", f"{of.PRODUCT} {_edges('variants', of.VARIANT)} {_edges('images', of.IMAGE)}"
    ),
    "customers": _edges(f"customers(query: {_FILTER})", of.CUSTOMER),
    # A bulk operation cannot reach a connection inside a list: refunds are named here and read by id afterwards.
    "orders": _edges(
        f"orders(query: {_FILTER})",
        f"{of.ORDER} refund_ids: refunds {{ id }}"
        f" {_edges('lineItems', of.LINE_ITEM)} {_edges('shippingLines', of.SHIPPING_LINE)}",
    ),
    "inventory": _edges("inventoryItems", f"id updatedAt {_edges('inventoryLevels', of.LEVEL)}"),
    "inventory-census": _edges("inventoryItems", f"id {_edges('inventoryLevels', 'id')}"),
}

RUN_BULK = """mutation ($query: String!) {
  run: bulkOperationRunQuery(query: $query, groupObjects: false) {
    bulkOperation { id status }
    userErrors { code field message }
  }
}"""
POLL_BULK = """query ($id: ID!) {
  node: bulkOperation(id: $id) { id status errorCode objectCount rootObjectCount fileSize url }
}"""
BEGUN_BULKS = """query {
  page: bulkOperations(first: 10, sortKey: CREATED_AT, reverse: true) { nodes { id status query createdAt } }
}"""
CANCEL_BULK = """mutation ($id: ID!) {
  run: bulkOperationCancel(id: $id) { bulkOperation { id status } userErrors { field message } }
}"""

EVENTS = f"""query ($query: String, $first: Int!, $after: String) {{
  page: events(query: $query, first: $first, after: $after, sortKey: ID) {{
    nodes {{ id createdAt ... on BasicEvent {{ action subjectId subjectType }} }} {_PAGE_INFO}
  }}
}}"""

CHECK = """query {
  shop { name currencyCode ianaTimezone }
  app: currentAppInstallation { accessScopes { handle } }
  versions: publicApiVersions { handle supported }
}"""
EARLIEST_ORDER = "query { page: orders(first: 1, sortKey: CREATED_AT) { nodes { id createdAt } } }"


def bulk_query(stream: str, filter: str | None = None) -> str:
    """The text of a bulk operation, with its search filter quoted into it."""
    return "{ " + _BULK[stream].replace(_FILTER, json.dumps(filter or "")) + " }"


def query_hash(stream: str) -> str:
    """SHA-256 over the API version and the documents that give a stream its records; moves when the selection does."""
    parts = [API_VERSION, PAGE.get(stream, ""), _BULK.get(stream, "")]
    parts += {"shop": [SHOP], "inventory": [LEVELS], "orders": [NODES["refunds"], NODES["agreements"]]}.get(stream, [])
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


DOCUMENTS: Mapping[str, str] = {
    "shop": SHOP,
    **{f"page {name}": text for name, text in PAGE.items()},
    **{f"census {name}": text for name, text in CENSUS.items()},
    **{f"count {name}": text for name, text in COUNT.items()},
    **{f"nodes {name}": text for name, text in NODES.items()},
    **{f"drain {name}": text for name, text in DRAIN.items()},
    **{f"bulk {name}": bulk_query(name, "updated_at:<'2026-11-01T00:00:00Z'") for name in _BULK},
    "agreements": AGREEMENTS,
    "levels": LEVELS,
    "levels census": LEVELS_CENSUS,
    "run bulk": RUN_BULK,
    "poll bulk": POLL_BULK,
    "begun bulks": BEGUN_BULKS,
    "cancel bulk": CANCEL_BULK,
    "events": EVENTS,
    "check": CHECK,
    "earliest order": EARLIEST_ORDER,
}
"""Every document, by name."""
