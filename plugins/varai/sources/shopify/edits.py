"""Edits of orders: pages of orders in, the same pages out and then the edits of those that say they were edited, as child lines.

Orders are edited seldom, and agreements with their sales cost as much as all lines of an order: so they are asked for by the ids of
those orders alone, whichever way the orders themselves came. They are no vendor records of the stream.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from varai.kernel import Malformed
from varai.sources.contract import Page
from varai.sources.decoding import decode
from varai.sources.shopify import queries
from varai.sources.shopify.client import Client
from varai.sources.shopify.lines import Connection, PageInfo
from varai.sources.shopify.pages import by_ids
from varai.sources.shopify.reading import Reading

_AT_ONCE: Final = 25
_EDIT: Final = "OrderEditAgreement"
# Within a JSON string every quote is escaped, so these find keys; only an order has this one.
_EDITED = re.compile(rb'"edited"\s*:\s*true')
_ORDER = re.compile(rb'\{\s*"id"\s*:\s*"gid://shopify/Order/(\d{1,18})"')


class _Agreement(msgspec.Struct, rename="camel"):
    id: str
    happened_at: str
    sales: Connection
    kind: str = msgspec.field(name="__typename")
    reason: str = ""


class _Agreements(msgspec.Struct, rename="camel"):
    nodes: list[_Agreement]
    page_info: PageInfo


class _Order(msgspec.Struct):
    id: str
    agreements: _Agreements

    @property
    def complete(self) -> bool:
        """True when neither its agreements nor their sales go on beyond what came."""
        rests = [self.agreements.page_info, *(one.sales.page_info for one in self.agreements.nodes)]
        return not any(rest.has_next_page for rest in rests)


class _Data(msgspec.Struct):
    node: _Order | None = None


def edited_orders(lines: bytes) -> Iterator[int]:
    """Numbers of the orders among these lines that say they were edited."""
    for met in _EDITED.finditer(lines):
        found = _ORDER.match(lines, lines.rfind(b"\n", 0, met.start()) + 1)
        if found is not None:
            yield int(found[1])


def with_edits(reading: Reading, pages: Iterable[Page]) -> Iterator[Page]:
    """The pages, then those of the edits. An order that is gone by then took its edits with it."""
    edited = array("Q")
    for page in pages:
        edited.extend(edited_orders(page.lines))
        yield page
    gids = [f"gid://shopify/Order/{key}" for key in sorted(set(edited))]
    for nodes in by_ids(reading.client, queries.NODES["agreements"], gids, _AT_ONCE):
        lines = [line for node in nodes for line in _edits(reading.client, decode(node, _Order))]
        yield Page(b"".join(lines), 0, len(lines))


def _edits(client: Client, order: _Order) -> Iterator[bytes]:
    """The edits of an order as lines that name it, as the lines of a bulk file name their parents."""
    for one in order.agreements.nodes if order.complete else _drained(client, order.id):
        if one.kind == _EDIT:
            line = {"__typename": one.kind, "id": one.id, "happenedAt": one.happened_at, "reason": one.reason}
            yield msgspec.json.encode({**line, "sales": {"nodes": one.sales.nodes}, "__parentId": order.id}) + b"\n"


def _drained(client: Client, order: str) -> Iterator[_Agreement]:
    """Every agreement of an order with every sale, one agreement after the other."""
    after: str | None = None
    sales: str | None = None
    held: list[msgspec.Raw] = []
    while True:
        node = client.ask(queries.AGREEMENTS, {"id": order, "after": after, "sales": sales}, _Data).node
        if node is None or not node.agreements.nodes:
            return
        one = node.agreements.nodes[0]
        held += one.sales.nodes
        sales = _next(one.sales.page_info, sales)
        if sales is not None:
            continue
        one.sales.nodes, held = held, []
        yield one
        after = _next(node.agreements.page_info, after)
        if after is None:
            return


def _next(page: PageInfo, before: str | None) -> str | None:
    """The cursor to go on from; None at the end. Raises Malformed for one that does not move on."""
    if not page.has_next_page:
        return None
    if page.end_cursor is None or page.end_cursor == before:
        raise Malformed("Shopify says that more of an order's agreements follow and gives no way to them.")
    return page.end_cursor
