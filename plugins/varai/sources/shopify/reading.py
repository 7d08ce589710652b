"""One read of a stream: what it has met so far, and how nodes become its pages.

In: a client, a stream, a window. Out: pages of NDJSON lines, each record once per version, with all its children; and
the products that were destroyed. Which nodes are asked for is told in `ways`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Final

import msgspec

from varai.kernel import Malformed, Window
from varai.sources.contract import Deletion, Page
from varai.sources.decoding import decode
from varai.sources.seen import Seen
from varai.sources.shopify import queries
from varai.sources.shopify.client import Client, instant
from varai.sources.shopify.lines import (
    Complete,
    Glance,
    Head,
    glance,
    head_of,
    line_of,
    number,
)
from varai.sources.shopify.pages import LARGEST_BODY, LARGEST_PAGE, Pager, by_ids

WHOLE_LISTS: Final[Mapping[str, Mapping[str, str | None]]] = {
    "locations": {"query": None},
    "payouts": {},
    "disputes": {},
}
"""Streams of which every read gives all there is, and with which variables they are asked for."""


class _Id(msgspec.Struct):
    id: str


class _Refund(msgspec.Struct):
    order: _Id


class _Event(msgspec.Struct, rename="camel"):
    created_at: datetime
    action: str = ""
    subject_id: str = ""
    subject_type: str = ""


class Reading:
    """What one read has met so far, and the ways to meet more. Lives as long as its client."""

    def __init__(self, client: Client, stream: str, window: Window) -> None:
        self.client = client
        self.stream = stream
        self.window = window
        self.seen = Seen()
        self.again = 0
        self.records = 0
        self.vendor_count: int | None = None
        self.pager = Pager(client, int(client.session.feed.settings.get("page_size", LARGEST_PAGE)))
        # Not a method of this reading: it would hold itself, and what it has met would stay in memory while the batch is mapped.
        self._complete = Complete(partial(_drain, client))

    @property
    def in_bulk(self) -> bool:
        """True when a bulk operation reads this window; a feed's setting `bulk = false` pages even whole streams."""
        return self.window.whole and bool(self.client.session.feed.settings.get("bulk", True))

    @property
    def changed_since(self) -> str:
        """What has left the window by changing after its end."""
        return f"updated_at:>='{instant(self.window.end)}'"

    @property
    def filter(self) -> str:
        """The window as Shopify's search writes it, half-open."""
        end = f"updated_at:<'{instant(self.window.end)}'"
        if self.window.start is None:
            return end
        return f"updated_at:>='{instant(self.window.start)}' AND {end}"

    def pages(self, nodes: list[msgspec.Raw]) -> Iterator[Page]:
        """Nodes as lines; those met before in the same version are left out, unfinished ones completed.

        A record may grow a hundredfold when it is completed, so many of them come as several pages.
        """
        glanced = glance(nodes)
        if glanced is not None:
            yield self.told(self._whole(nodes, glanced))
            return
        lines: list[bytes] = []
        size = 0
        for node in nodes:
            head = _head(node)
            met = self.seen.meet(number(head.id), head.updated_at.encode())
            if met == "same":
                continue
            self.again += met == "again"
            lines.append(line_of(node if head.complete else self._complete(node)))
            size += len(lines[-1])
            if size >= LARGEST_BODY:
                yield self.told(Page(b"".join(lines), len(lines), len(lines)))
                lines, size = [], 0
        yield self.told(Page(b"".join(lines), len(lines), len(lines)))

    def _whole(self, nodes: list[msgspec.Raw], glanced: Glance) -> Page:
        """The page of nodes that needed no closer look."""
        meetings = self.seen.meet_each(glanced.numbers, glanced.versions)
        self.again += meetings.count("again")
        if "same" not in meetings:
            return Page(glanced.lines, len(nodes), len(nodes))
        kept = [line_of(node) for node, met in zip(nodes, meetings, strict=True) if met != "same"]
        return Page(b"".join(kept), len(kept), len(kept))

    def told(self, page: Page) -> Page:
        """Pass a page on and say how far the read is."""
        self.records += page.records
        self.client.session.progress("landing", self.records)
        return page

    def paged(self, document: str) -> Iterator[Page]:
        """The window by pages."""
        for nodes in self.pager.pages(document, {"query": self.filter}):
            yield from self.pages(nodes)

    def refunds(self, ids: list[str]) -> Iterator[Page]:
        """Refunds as child lines of their orders; they are no vendor records of the stream."""
        for nodes in by_ids(self.client, queries.NODES["refunds"], ids):
            lines = [line_of(_with_parent(node if _head(node).complete else self._complete(node))) for node in nodes]
            yield Page(b"".join(lines), 0, len(lines))


def _drain(client: Client, connection: str, owner: str, cursor: str) -> list[msgspec.Raw]:
    """The nodes of an owner's connection after a cursor."""
    rest = Pager(client).pages(queries.DRAIN[connection], {"id": owner}, after=cursor)
    return [node for nodes in rest for node in nodes]


def _with_parent(refund: msgspec.Raw | bytes) -> bytes:
    """A refund that names its order as the lines of a bulk file name their parents."""
    parent = msgspec.json.encode(decode(refund, _Refund).order.id)
    return bytes(refund).rstrip()[:-1] + b',"__parentId":' + parent + b"}"


def _head(node: msgspec.Raw) -> Head:
    try:
        return head_of(node)
    except msgspec.DecodeError as error:
        raise Malformed(f"A record of Shopify's has another shape than its schema promises ({error}).") from error


def location_ids(reading: Reading) -> list[str]:
    """Ids of all locations."""
    pages = reading.pager.pages(queries.CENSUS["locations"], {"query": None})
    return [decode(node, _Id).id for nodes in pages for node in nodes]


def destroyed_products(reading: Reading) -> tuple[Deletion, ...]:
    """Products destroyed in the window, by the shop's events. A whole read asks for none: what it lacks does not exist.

    For stock, customers and orders Shopify promises no such events: theirs are found by `listing.list_ids`.
    """
    if reading.window.start is None:
        return ()
    query = (
        "action:destroy AND subject_type:PRODUCT"
        f" AND created_at:>='{instant(reading.window.start)}' AND created_at:<'{instant(reading.window.end)}'"
    )
    found = {}
    for nodes in reading.pager.pages(queries.EVENTS, {"query": query}):
        for node in nodes:
            event = decode(node, _Event)
            if event.action == "destroy" and event.subject_type == "PRODUCT":
                source_id = str(number(event.subject_id))
                found[source_id] = Deletion("product", source_id, event.created_at)
    return tuple(found.values())
