"""Orders, which only V2 has: bare arrays without a count, in the order of ids, read on from the last id.

`/orders/count` takes the filters of the list (https://developer.bigcommerce.com/docs/rest-management/orders#get-a-count-of-orders), and is
believed where it does: asked for orders that cannot be, it must say that there are none. Elsewhere two readings prove each other, as they
do where the feed says `orders_counted = false`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from varai.kernel import Gone, Malformed, Window
from varai.sources.bigcommerce.client import Client
from varai.sources.bigcommerce.lists import bounds
from varai.sources.decoding import told
from varai.sources.proof import Part, Record

WHOLE: Final = {"include": "consignments.line_items,fees", "consignment_structure": "object"}
"""With each order come its lines, deliveries and fees: asked for one by one they would be several requests per order."""
_PATH: Final = "v2/orders"
_NEVER: Final = {"min_date_modified": "2100-01-01T00:00:00Z", "max_date_modified": "1990-01-01T00:00:00Z"}


class _Head(msgspec.Struct):
    id: int
    date_modified: str | None = None


class _Count(msgspec.Struct):
    count: int


def changed_in(window: Window) -> dict[str, str]:
    """The window as parameters of V2."""
    return {f"{name}_date_modified": value for name, value in bounds(window).items()}


class Orders:
    """The orders of a store, see `varai.sources.proof.Walked`.

    Args:
        client: asks.
        filter: what restricts them, see `changed_in`.
        asked: what comes with each order, see `WHOLE`.
    """

    def __init__(self, client: Client, filter: Mapping[str, str], asked: Mapping[str, str] | None = None) -> None:
        self._client, self._filter, self._asked = client, dict(filter), dict(asked or {})
        self._counted: bool | None = None

    def walk(self) -> Iterator[Part]:
        """See `varai.sources.proof.Walked`. Only an empty page is the end: the store may give less than was asked for."""
        total, last = self.count(), 0
        while records := self._page({"min_id": str(last + 1)}):
            yield Part(records, total)
            furthest = max(record.id for record in records)
            if furthest <= last:
                break
            last = furthest
        yield Part([], self.count())

    def still_listed(self, ids: list[int]) -> set[int]:
        """See `varai.sources.proof.Walked`."""
        found = set[int]()
        for one in ids:
            found |= {record.id for record in self._page({"min_id": str(one), "max_id": str(one)})}
        return found

    def count(self) -> int | None:
        """How many there are now; None where the store's count is not one of these orders."""
        if self._counted is None:
            self._counted = bool(self._client.session.feed.settings.get("orders_counted", True)) and all(
                self._count(self._filter | {name: _NEVER[name]}) == 0 for name in self._filter
            )
        return self._count(self._filter) if self._counted else None

    def one(self, number: int) -> Record | None:
        """An order by its id; None where it is gone."""
        try:
            node = self._client.get(f"{_PATH}/{number}", self._asked, msgspec.Raw)
        except Gone:
            return None
        return None if node is None else _record(node)

    def _count(self, filter: Mapping[str, str]) -> int | None:
        try:
            found = self._client.get(f"{_PATH}/count", filter, _Count)
        except Gone:
            return None
        return None if found is None else found.count

    def _page(self, between: Mapping[str, str]) -> list[Record]:
        asked = {**self._filter, **self._asked, **between, "sort": "id:asc", "limit": str(self._client.size)}
        return [_record(node) for node in self._client.get(_PATH, asked, list[msgspec.Raw]) or ()]


def _record(node: msgspec.Raw) -> Record:
    try:
        head = told(node, _Head)
    except msgspec.DecodeError:
        raise Malformed("BigCommerce's list of orders holds something that has no id.") from None
    return Record(head.id, head.date_modified or "", node)
