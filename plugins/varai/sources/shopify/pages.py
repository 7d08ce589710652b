"""Pages of a connection: in goes a document, out come its nodes page by page, sized by what they cost.

Guards against what pages do in the field: a page that repeats, a cursor that leads nowhere, a query that is too dear.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from varai.kernel import Malformed
from varai.sources.shopify.client import Client, TooDear
from varai.sources.shopify.lines import Connection

LARGEST_PAGE: Final = 250
LARGEST_QUERY: Final = 1000.0
LARGEST_BODY: Final = 8 << 20
"""Bytes of a page beyond which the next one is asked for smaller, so that memory stays constant."""
_REPEATS = 5


class _Owner(msgspec.Struct):
    page: Connection | None = None


class _PageData(msgspec.Struct):
    """The page is either at the top or on the node that was asked for."""

    page: Connection | None = None
    node: _Owner | None = None


class Pager:
    """Pages through connections of one shop and remembers, per document, how large a page may be."""

    def __init__(self, client: Client, first: int = LARGEST_PAGE) -> None:
        self._client = client
        self._largest = min(first, LARGEST_PAGE)
        self._size: dict[str, int] = {}

    def pages(
        self, document: str, variables: Mapping[str, Any], after: str | None = None
    ) -> Iterator[list[msgspec.Raw]]:
        """Nodes page by page until the connection ends; an owner that is gone has none.

        Raises Malformed for a cursor that does not move on; besides, what `Client.ask` raises.
        """
        met: set[int] = set()
        repeats = 0
        while True:
            page = self._page(document, {**variables, "after": after})
            if page is None:
                return
            cursor = page.page_info.end_cursor
            if cursor is not None and (cursor == after or hash(cursor) in met):
                repeats += 1
                if repeats > _REPEATS:
                    raise Malformed("Shopify keeps sending the same page instead of the next one.")
                if cursor == after:
                    continue  # the page before, once more: what follows it has not come yet
            yield page.nodes
            if not page.page_info.has_next_page:
                return
            if cursor is None:
                raise Malformed("Shopify says that more pages follow and gives no cursor.")
            met.add(hash(cursor))
            after = cursor

    def _page(self, document: str, variables: dict[str, Any]) -> Connection | None:
        while True:
            size = self._size.get(document, self._largest)
            try:
                data, sent = self._client.ask_sized(document, {**variables, "first": size}, _PageData)
            except TooDear:
                if size == 1:
                    raise
                self._resize(document, size // 2)
                continue
            if sent > LARGEST_BODY and size > 1:
                self._resize(document, max(1, size // 2))
            return data.page or (data.node.page if data.node else None)

    def _resize(self, document: str, size: int) -> None:
        self._size[document] = size
        self._client.pace.forget(document)


class _Nodes(msgspec.Struct):
    nodes: list[msgspec.Raw]


def by_ids(client: Client, document: str, ids: list[str], size: int = 100) -> Iterator[list[msgspec.Raw]]:
    """Nodes by their ids, a query for every `size` of them; those that are gone are left out."""
    at = 0
    while at < len(ids):
        try:
            found = client.ask(document, {"ids": ids[at : at + size]}, _Nodes).nodes
        except TooDear:
            if size == 1:
                raise
            size = size // 2
            client.pace.forget(document)
            continue
        at += size
        yield [node for node in found if bytes(node) not in (b"null", b"{}")]
