"""How each stream is read: in go a client and a window, out come pages of lines, and then the counts that prove them whole.

A refund that is made brings its order with it, changed or not. Stock is read location by location: a record is an item at one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pyarrow as pa

from varai.kernel import Window
from varai.sources import contract
from varai.sources.bigcommerce import lists, orders
from varai.sources.bigcommerce.client import Client
from varai.sources.bigcommerce.labels import Labels
from varai.sources.bigcommerce.lines import line, page
from varai.sources.bigcommerce.lists import Listing, stock_at
from varai.sources.bigcommerce.orders import WHOLE, Orders
from varai.sources.bigcommerce.sales import refunded_in, sales
from varai.sources.bigcommerce.site import locations, place, site
from varai.sources.contract import Page
from varai.sources.decoding import decode
from varai.sources.proof import Proof, Record
from varai.sources.seen import Seen


class _State(msgspec.Struct):
    is_deleted: Any = None


class Reading:
    """One read of one stream; the counts are final when `pages` is exhausted.

    Args:
        client: asks.
        stream: its name.
        window: what is read.
        whole: read all there is, whatever the window's start.
    """

    def __init__(self, client: Client, stream: str, window: Window, *, whole: bool) -> None:
        self._client, self._stream, self._window, self._whole = client, stream, window, whole
        self.vendor_count: int | None = None
        self._records = 0
        self._labels: Labels | None = None

    def pages(self) -> Iterator[Page]:
        """The pages. Raises what `Client.get` raises, and Unbalanced."""
        if self._stream == "shop":
            yield self._told(self._shop())
            self.vendor_count = 1
        elif self._stream == "inventory":
            yield from self._stock()
        else:
            yield from self._list()

    def listing(self) -> contract.Listing:
        """Every id of the stream now. Orders that were archived are no more."""
        kinds = {"products": lists.PRODUCT_IDS, "customers": lists.CUSTOMER_IDS}
        proof = Proof(
            Orders(self._client, {}) if self._stream == "orders" else Listing(self._client, kinds[self._stream])
        )
        pages, archived = [pa.array([], pa.string())], 0
        for records in proof.pages():
            kept = [str(one.id) for one in records if not _is_deleted(one)]
            archived += len(records) - len(kept)
            pages.append(pa.array(kept, pa.string()))
        count = None if proof.vendor_count is None else proof.vendor_count - archived
        return contract.Listing(pa.concat_arrays(pages), count)

    def _shop(self) -> Page:
        """The store, and as its children the locations of its stock."""
        name, store = site(self._client, self._window.end)
        found = [line(store), *(line(place(one), __parentId=name) for one in locations(self._client))]
        return Page(b"".join(found), 1, len(found))

    def _stock(self) -> Iterator[Page]:
        self.vendor_count = 0
        for one in locations(self._client):
            proof = Proof(Listing(self._client, stock_at(one.id)))
            for records in proof.pages():
                yield self._told(page(line(record.node, location_id=str(one.id)) for record in records))
            self.vendor_count += proof.vendor_count or 0

    def _list(self) -> Iterator[Page]:
        window = Window(start=None, end=self._window.end) if self._whole else self._window
        found = listed(self._client, self._stream, window)
        proof = Proof(found)
        count = proof.begin()
        if count is not None:
            self._client.session.progress("counted", count)
        for records in proof.pages():
            yield self._landed(records)
        self.vendor_count = proof.vendor_count
        if isinstance(found, Orders) and not self._whole:
            yield from self._refunded_since(found, proof.seen)

    def _landed(self, records: Sequence[Record]) -> Page:
        if self._stream == "orders":
            return self._told(page(sales(self._client, records)))
        if self._stream == "products":
            labels = self._labels = self._labels or Labels(self._client)
            return self._told(page(line(record.node, **labels.of(record.node)) for record in records))
        return self._told(page(line(record.node) for record in records))

    def _refunded_since(self, found: Orders, met: Seen) -> Iterator[Page]:
        """Orders that were refunded in the window without being changed in it; each is a record more."""
        for owner in sorted(owner for owner in refunded_in(self._client, self._window) if owner not in met):
            record = found.one(owner)
            if record is not None:
                self.vendor_count = (self.vendor_count or 0) + 1
                yield self._landed([record])

    def _told(self, page: Page) -> Page:
        self._records += page.records
        self._client.session.progress("landing", self._records)
        return page


def listed(client: Client, stream: str, window: Window) -> Listing | Orders:
    """The records of a stream that were last changed in a window: products, customers or orders.

    Closed at its end even where all is read: what changes meanwhile can only leave it, so that its count comes to stand still.
    """
    if stream == "orders":
        return Orders(client, orders.changed_in(window), WHOLE)
    return Listing(client, lists.PRODUCTS if stream == "products" else lists.CUSTOMERS, lists.changed_in(window))


def _is_deleted(order: Record) -> bool:
    """As the mapping reads it, whatever type it comes in."""
    return str(decode(order.node, _State).is_deleted).lower() in ("true", "1", "yes")
