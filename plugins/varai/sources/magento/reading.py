"""How each stream is read: in go a client and a window, out come pages of lines, and then the counts that prove them whole.

An order's refunds (credit memos) are lines of their own (`__parentId`). One that is made brings its order with it, changed or not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
import pyarrow as pa

from varai.kernel import Malformed, Window
from varai.sources.contract import Listing, Page
from varai.sources.decoding import decode
from varai.sources.magento.client import Client
from varai.sources.magento.families import Families
from varai.sources.magento.lines import line, lines
from varai.sources.magento.lists import CUSTOMERS, ORDERS, REFUNDS, STOCK, Numbered
from varai.sources.magento.search import Filter, among, changed_in, of_owners
from varai.sources.magento.site import site, sources
from varai.sources.proof import Proof, Record
from varai.sources.seen import Seen

KINDS: Final = {"customers": CUSTOMERS, "orders": ORDERS, "stock": STOCK}
_GIVEN: Final = Filter("state", "neq", "3")
"""Credit memos that were not cancelled."""
_FEW: Final = 50
_TOGETHER: Final = 500
"""Orders, and up to a page more, whose refunds are asked for together."""


class _Item(msgspec.Struct):
    item_id: int
    parent_item_id: int | None = None


class _Order(msgspec.Struct):
    base_currency_code: Any = None
    items: list[_Item] | None = None


class _Refund(msgspec.Struct):
    order_id: int


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

    def pages(self) -> Iterator[Page]:
        """The pages. Raises what `Client.get` raises, and Unbalanced."""
        if self._stream == "shop":
            yield self._told(self._shop())
            self.vendor_count = 1
        elif self._stream == "products":
            families = Families(self._client, self._window)
            for page in families.whole() if self._whole else families.changed():
                yield self._told(page)
            self.vendor_count = families.vendor_count
        else:
            yield from self._list()

    def listing(self) -> Listing:
        """Every id of the stream now."""
        if self._stream == "products":
            return Families(self._client, self._window).listing()
        fields = "id" if self._stream == "customers" else "entity_id"
        proof = Proof(Numbered(self._client, KINDS[self._stream], (), fields))
        pages = [pa.array([str(record.id) for record in records], pa.string()) for records in proof.pages()]
        return Listing(pa.concat_arrays([pa.array([], pa.string()), *pages]), proof.vendor_count)

    def _shop(self) -> Page:
        """The shop, and as its children the sources that hold its stock."""
        name, shop = site(self._client, self._window.end)
        found = [line(shop), *(line(place, __parentId=name) for place in sources(self._client))]
        return Page(b"".join(found), 1, len(found))

    def _list(self) -> Iterator[Page]:
        filters: tuple[Filter, ...] = ()
        if self._stream != "stock":
            # Closed at its end even where all is read: what changes meanwhile can only leave it, so that its count comes to stand still.
            filters = changed_in(Window(start=None, end=self._window.end) if self._whole else self._window)
        listed = Numbered(self._client, KINDS[self._stream], filters)
        proof = Proof(listed)
        self._client.session.progress("counted", proof.begin() or 0)
        yield from self._landed(proof)
        self.vendor_count = proof.vendor_count
        if self._stream == "orders" and not self._whole:
            yield from self._refunded_since(proof.seen)

    def _landed(self, proof: Proof) -> Iterator[Page]:
        """A list's records; behind some pages of orders, the refunds of these orders."""
        orders = list[Record]()
        for records in proof.pages():
            if self._stream == "orders":
                orders += records
                text = lines(records)
            else:
                text = b"".join([line(record.node) for record in records])
            yield self._told(Page(text, len(records), len(records)))
            if len(orders) >= _TOGETHER:
                yield from self._refunds_of(orders)
                orders.clear()
        if orders:
            yield from self._refunds_of(orders)

    def _refunds_of(self, orders: Sequence[Record]) -> Iterator[Page]:
        """The refunds of these orders. Each is told which items of its order lie in others (`__inside`), and the books' currency."""
        read = {record.id: record.node for record in orders}
        for owners in of_owners("order_id", read):
            for records in Proof(Numbered(self._client, REFUNDS, [*owners, _GIVEN])).pages():
                found = []
                for record in records:
                    owner = _owner_of(record)
                    if owner not in read:
                        continue
                    order = _order(owner, read[owner])
                    inside = {
                        str(one.item_id): str(one.parent_item_id) for one in order.items or () if one.parent_item_id
                    }
                    more = {"__parentId": str(owner), "__currency": str(order.base_currency_code or "")}
                    found.append(line(record.node, **more, __inside=inside))
                yield Page(b"".join(found), 0, len(found))

    def _refunded_since(self, met: Seen) -> Iterator[Page]:
        """Orders that were refunded in the window without being changed in it; each is a record more."""
        listed = Numbered(self._client, REFUNDS, changed_in(self._window), "entity_id,order_id,updated_at")
        owners = {_owner_of(record) for records in Proof(listed).pages() for record in records}
        missing = sorted(owner for owner in owners if owner not in met)
        for start in range(0, len(missing), _FEW):
            proof = Proof(Numbered(self._client, ORDERS, [among("entity_id", missing[start : start + _FEW])]))
            yield from self._landed(proof)
            self.vendor_count = (self.vendor_count or 0) + (proof.vendor_count or 0)

    def _told(self, page: Page) -> Page:
        self._records += page.records
        self._client.session.progress("landing", self._records)
        return page


def _owner_of(refund: Record) -> int:
    try:
        return decode(refund.node, _Refund).order_id
    except msgspec.DecodeError:
        raise Malformed(f"Magento gave credit memo {refund.id}, which names no order.") from None


def _order(number: int, node: msgspec.Raw) -> _Order:
    """What tells which items lie in which: without it the parts of a bundle would be given back beside the bundle."""
    try:
        return decode(node, _Order)
    except msgspec.DecodeError:
        raise Malformed(f"Magento gave order {number}, which was refunded, with items that cannot be read.") from None
