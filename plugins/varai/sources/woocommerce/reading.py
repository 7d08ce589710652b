"""How each stream is read: in go a client and a window, out come pages of lines, and then the counts that prove them whole.

A product's variations are lines of their own (`__parentId`), and so are an order's refunds (see refunds.py), which bring their order with
them where it was not changed in the window.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec
import pyarrow as pa

from varai.kernel import Window
from varai.sources.contract import Listing, Page
from varai.sources.decoding import told
from varai.sources.ndjson import children, roots
from varai.sources.proof import Proof, Record
from varai.sources.woocommerce.client import Client, Head, Numbered, changed_in, each
from varai.sources.woocommerce.refunds import Order, Refunds
from varai.sources.woocommerce.site import site

ALL: Final = {"products": {"status": "any"}, "customers": {"role": "all"}, "orders": {"status": "any"}}
_IDS: Final = {"_fields": "id"}
_OWNERS: Final = 50
"""Orders that are asked for by their ids at once: more make an address that some hosts refuse."""


class _Product(msgspec.Struct):
    type: str = ""


class Reading:
    """One read of one stream; the counts are final when `pages` is exhausted.

    Args:
        client: asks.
        stream: its name.
        window: what is read.
        whole: read all there is, whatever the window's start.
    """

    def __init__(self, client: Client, stream: str, window: Window, *, whole: bool) -> None:
        self._client, self._stream, self._window = client, stream, window
        self._filter = dict(ALL.get(stream, {}))
        if stream in ("products", "orders"):
            # Closed at its end even where all is read: what changes meanwhile can only leave it, so that its count comes to stand still.
            self._filter |= changed_in(Window(start=None, end=window.end) if whole else window)
        self.vendor_count: int | None = None
        self.records = 0

    def pages(self) -> Iterator[Page]:
        """The pages. Raises what `Client.get` raises, and Unbalanced."""
        if self._stream == "shop":
            yield self._told(roots([site(self._client, self._window.end)]))
            self.vendor_count = 1
            return
        listed = Numbered(self._client, self._stream, self._filter, Order if self._stream == "orders" else Head)
        proof = Proof(listed)
        count = proof.begin() or 0
        self._client.session.progress("counted", count)
        if self._stream == "orders":
            yield from self._orders(proof)
            return
        for records in proof.pages():
            yield self._told(roots([record.node for record in records]))
            if self._stream == "products":
                yield from self._variations(records)
        self.vendor_count = proof.vendor_count

    def listing(self) -> Listing:
        """Every id of the stream now."""
        proof = Proof(Numbered(self._client, self._stream, {**ALL[self._stream], **_IDS}))
        pages = [pa.array([str(record.id) for record in records], pa.string()) for records in proof.pages()]
        return Listing(pa.concat_arrays([pa.array([], pa.string()), *pages]), proof.vendor_count)

    def _told(self, page: Page) -> Page:
        self.records += page.records
        self._client.session.progress("landing", self.records)
        return page

    def _variations(self, records: list[Record]) -> Iterator[Page]:
        """Of products that have some, page by page, so that many are not held at once."""
        parents = [record.id for record in records if told(record.node, _Product).type.startswith("variable")]
        for parent, listed in each(self._client, parents, "products/{}/variations"):
            for found in Proof(listed).pages():
                yield children([one.node for one in found], parent)

    def _orders(self, proof: Proof) -> Iterator[Page]:
        """Those of the list with their refunds, and those that were refunded in the window without being changed in it."""
        refunds = Refunds(self._client, self._window if self._window.start is not None else None)
        yield from self._met(proof, refunds)
        yield from refunds.pages()
        owners, others = sorted(refunds.owners), Refunds(self._client)
        for start in range(0, len(owners), _OWNERS):
            some = {**ALL["orders"], "include": ",".join(map(str, owners[start : start + _OWNERS]))}
            yield from self._met(Proof(Numbered(self._client, "orders", some, Order)), others)
        yield from others.pages()

    def _met(self, proof: Proof, refunds: Refunds) -> Iterator[Page]:
        """Orders of a list, each a record that the vendor counts."""
        for records in proof.pages():
            yield self._told(roots([record.node for record in records]))
            refunds.meet(records)
        self.vendor_count = (self.vendor_count or 0) + (proof.vendor_count or 0)
