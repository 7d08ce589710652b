"""How each stream is read: in go a client and a window, out come pages of lines, and then the counts that prove them whole.

A product's variations and an order's refunds are lines of their own (`__parentId`). An order that gets a refund need not change: the shop
may leave its date of change as it was (https://github.com/woocommerce/woocommerce/issues/34798), and its list of refunds empty
(https://github.com/woocommerce/woocommerce/issues/65488). So refunds are asked for themselves, and the orders of new ones read with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec
import pyarrow as pa

from varai.kernel import Gone, Window
from varai.sources.contract import Listing, Page
from varai.sources.decoding import decode
from varai.sources.ndjson import children, roots
from varai.sources.proof import Proof, Record
from varai.sources.seen import Seen
from varai.sources.woocommerce.client import Client, Numbered, changed_in, created_in
from varai.sources.woocommerce.site import site

ALL: Final = {"products": {"status": "any"}, "customers": {"role": "all"}, "orders": {"status": "any"}}
_IDS: Final = {"_fields": "id"}
_NEVER_PAID: Final = ("checkout-draft", "auto-draft", "pending", "failed")
_FEW_ORDERS: Final = 100
"""Up to so many orders are each asked for their refunds; of more, all refunds of the shop are listed once."""


class _Product(msgspec.Struct):
    type: str = ""


class _Order(msgspec.Struct):
    currency: str = ""
    status: str = ""
    refunds: list[Any] = []


class _Refund(msgspec.Struct):
    parent_id: int


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
        self._refunded: Seen | None = None

    def pages(self) -> Iterator[Page]:
        """The pages. Raises what `Client.get` raises, and Unbalanced."""
        if self._stream == "shop":
            yield self._told(roots([site(self._client, self._window.end)]))
            self.vendor_count = 1
            return
        listed = Numbered(self._client, self._stream, self._filter)
        proof = Proof(listed)
        count = proof.begin() or 0
        self._client.session.progress("counted", count)
        if self._stream == "orders" and count > _FEW_ORDERS:
            self._refunded = self._owners_of_refunds()
        for records in proof.pages():
            yield self._told(roots([record.node for record in records]))
            yield from self._hanging_on(records)
        self.vendor_count = proof.vendor_count
        if self._stream == "orders" and self._window.start is not None:
            yield from self._refunded_since(proof.seen)

    def listing(self) -> Listing:
        """Every id of the stream now."""
        proof = Proof(Numbered(self._client, self._stream, {**ALL[self._stream], **_IDS}))
        pages = [pa.array([str(record.id) for record in records], pa.string()) for records in proof.pages()]
        return Listing(pa.concat_arrays([pa.array([], pa.string()), *pages]), proof.vendor_count)

    def _told(self, page: Page) -> Page:
        self.records += page.records
        self._client.session.progress("landing", self.records)
        return page

    def _hanging_on(self, records: list[Record]) -> Iterator[Page]:
        """Variations of products that have some, refunds of orders that may have some: page by page, so that many are not held at once."""
        for record in records:
            if self._stream == "products" and decode(record.node, _Product).type.startswith("variable"):
                yield from self._children(f"products/{record.id}/variations", record.id)
            elif self._stream == "orders":
                order = decode(record.node, _Order)
                if self._may_be_refunded(record.id, order):
                    yield from self._refunds_of(record.id, order)

    def _refunds_of(self, number: int, order: _Order) -> Iterator[Page]:
        yield from self._children(f"orders/{number}/refunds", number, __currency=order.currency)

    def _children(self, path: str, parent: int, **more: str) -> Iterator[Page]:
        for records in Proof(Numbered(self._client, path, {})).pages():
            yield children([record.node for record in records], parent, **more)

    def _may_be_refunded(self, number: int, order: _Order) -> bool:
        if order.refunds:
            return True
        if self._refunded is not None:
            return number in self._refunded
        return order.status not in _NEVER_PAID

    def _owners_of_refunds(self) -> Seen | None:
        """Ids of all orders that have a refund; None where the shop lists none by themselves (WooCommerce before 9.0)."""
        owners = Seen()
        for records in self._refunds({"_fields": "id,parent_id"}):
            if records is None:
                return None
            for record in records:
                owners.meet(decode(record.node, _Refund).parent_id)
        return owners

    def _refunded_since(self, met: Seen) -> Iterator[Page]:
        """Orders that were refunded in the window without being changed in it; each is a record more."""
        owners = set[int]()
        for records in self._refunds({**created_in(self._window), "_fields": "id,parent_id"}):
            if records is not None:
                owners |= {decode(record.node, _Refund).parent_id for record in records}
        missing = sorted(owner for owner in owners if owner not in met)
        for start in range(0, len(missing), 50):
            some = ",".join(map(str, missing[start : start + 50]))
            proof = Proof(Numbered(self._client, "orders", {**ALL["orders"], "include": some}))
            for records in proof.pages():
                yield self._told(roots([record.node for record in records]))
                for record in records:
                    yield from self._refunds_of(record.id, decode(record.node, _Order))
            self.vendor_count = (self.vendor_count or 0) + (proof.vendor_count or 0)

    def _refunds(self, filter: dict[str, str]) -> Iterator[list[Record] | None]:
        """Pages of the shop's list of refunds; None where it has no such list."""
        proof = Proof(Numbered(self._client, "refunds", filter))
        try:
            proof.begin()
        except Gone:
            yield None
            return
        yield from proof.pages()
