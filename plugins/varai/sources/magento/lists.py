"""Lists of the shop by numbered pages, sorted by id, each page with the shop's count of all.

Beyond its end the shop gives the last page again, for ever (https://github.com/magento/magento2/issues/3787): readers stop by the count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from varai.kernel import Malformed, Unavailable
from varai.sources.decoding import decode, told
from varai.sources.magento.client import Client, PageTooLarge
from varai.sources.magento.search import Filter, among, criteria
from varai.sources.proof import Listed, Record, number_of


class _Found(msgspec.Struct):
    total_count: int
    items: list[msgspec.Raw] | None = None


class _Head(msgspec.Struct):
    id: int | None = None
    entity_id: int | None = None
    attribute_id: int | None = None
    updated_at: str | None = None


class _Place(msgspec.Struct):
    source_code: str
    sku: str = ""


def _numbered(node: msgspec.Raw) -> Record:
    head = told(node, _Head)
    number = next((one for one in (head.entity_id, head.id, head.attribute_id) if one is not None), None)
    if number is None:
        raise msgspec.ValidationError
    return Record(number, head.updated_at or "", node)


def _placed(node: msgspec.Raw) -> Record:
    place = decode(node, _Place)
    return Record(number_of(place.source_code, place.sku), str(bytes(node)), node)


@dataclass(frozen=True)
class Kind:
    """A kind of record: where it is listed, what its list is sorted by, and what tells one."""

    path: str
    order: str = "entity_id"
    record: Callable[[msgspec.Raw], Record] = _numbered


PRODUCTS: Final = Kind("products")
CUSTOMERS: Final = Kind("customers/search")
ORDERS: Final = Kind("orders")
REFUNDS: Final = Kind("creditmemos")
ATTRIBUTES: Final = Kind("products/attributes", "attribute_id")
CATEGORIES: Final = Kind("categories/list")
SOURCES: Final = Kind("inventory/sources", "source_code", _placed)
STOCK: Final = Kind("inventory/source-items", "source_item_id", _placed)


class Numbered:
    """One such list, see `varai.sources.proof.Numbered`.

    Args:
        client: asks.
        kind: what is listed.
        filters: what restricts it.
        fields: what of each record is given; all where it is empty.
    """

    def __init__(self, client: Client, kind: Kind, filters: Sequence[Filter] = (), fields: str = "") -> None:
        self._client, self._kind, self._filters = client, kind, tuple(filters)
        self._fields = {"fields": f"items[{fields}],total_count"} if fields else {}

    @property
    def size(self) -> int:
        """Records on a full page."""
        return self._client.size

    def page(self, number: int) -> Listed:
        """See `varai.sources.proof.Numbered`."""
        while True:
            try:
                found = self._ask(self._filters, self.size, number, self._fields)
            except PageTooLarge as refused:
                if not self._client.lower(refused.most):
                    raise Malformed("Magento takes no page, however small.") from None
                if number > 1:
                    raise Unavailable("The shop lowered its largest page while a list was read.") from None
                continue
            return Listed([self._record(node) for node in found.items or ()], found.total_count)

    def still_listed(self, ids: list[int]) -> set[int]:
        """See `varai.sources.proof.Numbered`. What has no number cannot be asked for: it counts as gone."""
        found = set[int]()
        if self._kind.record is _placed:
            return found
        for start in range(0, len(ids), self.size):
            some = ids[start : start + self.size]
            asked = Numbered(self._client, self._kind, (*self._filters, among(self._kind.order, some)))
            found |= {record.id for record in asked.page(1).records}
        return found

    def count(self) -> int:
        """How many records it has now."""
        return self._ask(self._filters, 1, 1, {}).total_count

    def _ask(self, filters: Sequence[Filter], size: int, number: int, fields: dict[str, str]) -> _Found:
        asked: dict[str, Any] = criteria(filters, size=size, page=number, order=self._kind.order)
        return self._client.get(self._kind.path, {**asked, **fields}, _Found)

    def _record(self, node: msgspec.Raw) -> Record:
        try:
            return self._kind.record(node)
        except msgspec.DecodeError:
            raise Malformed("Magento's list holds something that has no id.") from None
