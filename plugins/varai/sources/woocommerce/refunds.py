"""Refunds of orders that were read: in go the orders, out come their refunds, lines that name their order (`__parentId`).

An order that gets a refund need not change: the shop may leave its date of change as it was
(https://github.com/woocommerce/woocommerce/issues/34798), and its list of refunds empty
(https://github.com/woocommerce/woocommerce/issues/65488). So refunds are asked for themselves, all orders' in one list, which can be cut
by when they were made and by nothing else: it begins where the earliest order was made, for no refund is older than its order. Orders are
asked one by one where the shop has no such list (WooCommerce before 9.0), where that takes fewer requests, and where one names a refund
that the list did not give.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec

from varai.kernel import Malformed, Window
from varai.sources.contract import Page
from varai.sources.decoding import decode
from varai.sources.ndjson import line_of
from varai.sources.proof import Proof, Record
from varai.sources.seen import Seen
from varai.sources.woocommerce.client import Client, Head, NoRoute, Numbered, created_in, each

_NEVER_PAID: Final = ("checkout-draft", "auto-draft", "pending", "failed")
_UNDATED: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Order(Head):
    """What is read of every order."""

    currency: str = ""
    status: str = ""
    date_created_gmt: str | None = None
    refunds: Any = None


class _Refund(msgspec.Struct):
    parent_id: int
    date_created_gmt: str | None = None


class _Sort(NamedTuple):
    """Orders of a currency, of which each may have refunds or none is known to: they were never paid, and name none."""

    currency: str
    may_have: bool


class Refunds:
    """Let every order `meet`, then take the `pages`.

    Args:
        client: asks.
        window: refunds made in it are looked through for orders that were not met; None: none are.

    Attributes:
        owners: orders that were refunded in the window and not met; final when the pages are exhausted.
    """

    def __init__(self, client: Client, window: Window | None = None) -> None:
        self._client, self._window = client, window
        self._orders = defaultdict[_Sort, Seen](Seen)
        self._named: dict[int, int] = {}
        self._earliest = client.now()
        self.owners = set[int]()

    def meet(self, records: Iterable[Record]) -> None:
        """Note orders that were read, each with its `Order` as head."""
        sorts, made = defaultdict[_Sort, list[int]](list), list[str | None]()
        for record in records:
            order: Order = record.head
            named = _ids_of(order.refunds)
            if named:
                self._named.update(dict.fromkeys(named, record.id))
            sorts[_Sort(order.currency, bool(named) or order.status not in _NEVER_PAID)].append(record.id)
            made.append(order.date_created_gmt)
        for sort, ids in sorts.items():
            self._orders[sort].meet_each(ids)
        self._earliest = min(self._earliest, *map(_instant, made))

    def pages(self) -> Iterator[Page]:
        """All refunds of the orders. Raises what `Client.get` raises, and Unbalanced."""
        try:
            came = yield from self._listed()
        except NoRoute:
            came = None
        asked: Iterable[int] = self._that_may_have()
        if came is not None:
            asked = sorted({owner for refund, owner in self._named.items() if refund not in came})
        for number, listed in each(self._client, asked, "orders/{}/refunds"):
            for records in Proof(listed).pages():
                yield self._page((one, number) for one in records if came is None or one.id not in came)

    def _listed(self) -> Generator[Page, None, Seen | None]:
        """What the shop's list gives of the orders; then the ids of what came, or None where the orders are to be asked."""
        orders = sum(len(ids) for sort, ids in self._orders.items() if sort.may_have)
        if orders > (self._window is None):  # where no list has to be asked, one order is asked at once
            listed = Numbered(self._client, "refunds", created_in(self._span()))
            proof = Proof(listed)
            if (proof.begin() or 0) <= (orders + 1) * listed.size:
                for records in proof.pages():
                    yield self._page(self._met(records))
                return proof.seen
        if self._window is not None:
            for records in Proof(Numbered(self._client, "refunds", created_in(self._window))).pages():
                for _, order in self._met(records):
                    self._orders[_Sort(self._currency_of(order) or "", True)].meet(order)
        return None

    def _span(self) -> Window:
        """From when on refunds of these orders were made, and of the window. Closed at its end, so that its count stands still."""
        start = self._earliest
        if self._window is not None and self._window.start is not None:
            start = min(start, self._window.start)
        end = self._client.now()
        return Window(start=start if start < end else None, end=end)

    def _met(self, records: Iterable[Record]) -> list[tuple[Record, int]]:
        """Refunds of orders that were met, with the order; of others that were made in the window, the owner is noted."""
        found = []
        for record in records:
            refund = _refund_of(record)
            if self._currency_of(refund.parent_id) is not None:
                found.append((record, refund.parent_id))
            elif self._is_new(_instant(refund.date_created_gmt)):
                self.owners.add(refund.parent_id)
        return found

    def _is_new(self, made: datetime) -> bool:
        window = self._window
        return window is not None and window.start is not None and window.start <= made < window.end

    def _currency_of(self, order: int) -> str | None:
        # One that was met twice may have been met before it had a currency.
        return max((sort.currency for sort, ids in self._orders.items() if order in ids), default=None)

    def _that_may_have(self) -> Iterator[int]:
        """Orders that may have refunds, each once, whatever it was when it was met again."""
        given = list[Seen]()
        for ids in [ids for sort, ids in self._orders.items() if sort.may_have]:
            yield from (one for one in ids if not any(one in others for others in given))
            given.append(ids)

    def _page(self, refunds: Iterable[tuple[Record, int]]) -> Page:
        lines = [
            line_of(one.node, __parentId=str(order), __currency=self._currency_of(order) or "")
            for one, order in refunds
        ]
        return Page(b"".join(lines), 0, len(lines))


def _ids_of(refunds: Any) -> list[int]:
    """Ids of the refunds that an order names; plugins put other things there too."""
    named = refunds if isinstance(refunds, list) else []
    return [one["id"] for one in named if isinstance(one, dict) and isinstance(one.get("id"), int)]


def _refund_of(record: Record) -> _Refund:
    try:
        return decode(record.node, _Refund)
    except msgspec.DecodeError:
        raise Malformed("WooCommerce's list of refunds holds one that names no order.") from None


def _instant(text: str | None) -> datetime:
    """What the shop writes as UTC without saying so; before all others where it is no instant."""
    try:
        return datetime.fromisoformat(text or "").replace(tzinfo=UTC)
    except ValueError:
        return _UNDATED
