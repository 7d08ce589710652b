"""Lists of V3, by page numbers or by cursors, each beside the store's count of all (`meta.pagination.total`).

Lists that know cursors say one with their first page; from then on there is no number and no count, so the count is taken anew at the
end. https://developer.bigcommerce.com/docs/rest-management/customers, https://developer.bigcommerce.com/docs/rest-catalog/products
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from varai.kernel import Malformed, Window
from varai.sources.bigcommerce.client import Client
from varai.sources.decoding import decode, told
from varai.sources.proof import Part, Record, number_of

_BY_ID: Final = {"sort": "id", "direction": "asc"}
_FEW: Final = 100
Parameters = Mapping[str, str]


class _Pagination(msgspec.Struct):
    total: int | None = None
    per_page: int | None = None


class _Cursors(msgspec.Struct):
    end_cursor: str | None = None


class _Meta(msgspec.Struct):
    pagination: _Pagination | None = None
    cursor_pagination: _Cursors | None = None


class _Page(msgspec.Struct):
    data: list[msgspec.Raw]
    # PHP writes an object that has nothing as an empty list.
    meta: _Meta | list[Any] = msgspec.field(default_factory=_Meta)

    @property
    def pagination(self) -> _Pagination:
        found = self.meta.pagination if isinstance(self.meta, _Meta) else None
        return found or _Pagination()

    @property
    def cursor(self) -> str | None:
        found = self.meta.cursor_pagination if isinstance(self.meta, _Meta) else None
        return found.end_cursor if found else None


class _Head(msgspec.Struct):
    id: int
    date_modified: str | None = None


class _Identity(msgspec.Struct):
    sku: str | None = None
    variant_id: int | None = None
    product_id: int | None = None


class _Item(msgspec.Struct):
    identity: _Identity


@dataclass(frozen=True)
class Kind:
    """A kind of record: its path, what is always asked with it, and whether its records are told by what they stand for, not by an id."""

    path: str
    asked: Parameters = field(default_factory=dict)
    placed: bool = False


PRODUCTS: Final = Kind("v3/catalog/products", {**_BY_ID, "include": "variants,images,custom_fields"})
PRODUCT_IDS: Final = Kind("v3/catalog/products", {**_BY_ID, "include_fields": "id"})
BRANDS: Final = Kind("v3/catalog/brands", _BY_ID)
CATEGORIES: Final = Kind("v3/catalog/categories", _BY_ID)
CUSTOMERS: Final = Kind("v3/customers", {"include": "addresses"})
CUSTOMER_IDS: Final = Kind("v3/customers")
REFUNDS: Final = Kind("v3/orders/payment_actions/refunds")
LOCATIONS: Final = Kind("v3/inventory/locations")


def stock_at(location: int) -> Kind:
    """What lies at a location."""
    return Kind(f"v3/inventory/locations/{location}/items", placed=True)


class Listing:
    """One such list, see `varai.sources.proof.Walked`.

    Args:
        client: asks.
        kind: what is listed.
        filter: what restricts it.
    """

    def __init__(self, client: Client, kind: Kind, filter: Parameters | None = None) -> None:
        self._client, self._kind, self._filter = client, kind, filter or {}

    def walk(self) -> Iterator[Part]:
        """See `varai.sources.proof.Walked`.

        A last page that is full is not taken at the count's word: where the next one brings other records, the count is too low.
        """
        page = self._ask(page="1")
        total, records = self._total(page), self._records(page)
        yield Part(records, total)
        if page.cursor is not None:
            yield from self._follow(page, records, total)
            return
        number, size = 1, page.pagination.per_page or self._client.size
        while number * size < total or len(records) >= size:
            last, met, number = number * size >= total, records, number + 1
            page = self._ask(page=str(number))
            records = self._records(page)
            if last and _nothing_new(records, met):
                return  # what is said to be beyond the end counts nothing
            # The size is the store's, which may give less than was asked for.
            total, size = self._total(page), page.pagination.per_page or size
            yield Part(records, total)

    def still_listed(self, ids: list[int]) -> set[int]:
        """See `varai.sources.proof.Walked`. What has no id cannot be asked for: it counts as gone."""
        found = set[int]()
        for start in range(0, 0 if self._kind.placed else len(ids), _FEW):
            some = ",".join(map(str, ids[start : start + _FEW]))
            asked = Listing(self._client, self._kind, {**self._filter, "id:in": some})
            found |= {record.id for part in asked.walk() for record in part.records}
        return found

    def count(self) -> int:
        """How many records it has now."""
        return self._total(self._ask(page="1", limit="1"))

    def _follow(self, page: _Page, records: list[Record], total: int) -> Iterator[Part]:
        came, size, cursor = len(records), page.pagination.per_page or self._client.size, page.cursor
        while cursor is not None and (came < total or len(records) >= size):
            last, met = came >= total, records
            page = self._ask(after=cursor)
            records = self._records(page)
            if last and _nothing_new(records, met):
                break
            came += len(records)
            yield Part(records, total)
            cursor = None if page.cursor == cursor else page.cursor
        yield Part([], self.count())

    def _ask(self, **asked: str) -> _Page:
        parameters = {**self._kind.asked, **self._filter, "limit": str(self._client.size), **asked}
        found = self._client.get(self._kind.path, parameters, _Page)
        return _Page([], _Meta(_Pagination(total=0))) if found is None else found

    def _total(self, page: _Page) -> int:
        total = page.pagination.total
        if total is None:
            raise Malformed("BigCommerce's answer lacks its count, without which nothing proves that all came.")
        return total

    def _records(self, page: _Page) -> list[Record]:
        return [self._record(node) for node in page.data]

    def _record(self, node: msgspec.Raw) -> Record:
        try:
            if self._kind.placed:
                found = decode(node, _Item).identity
                number = number_of(str(found.product_id), str(found.variant_id), found.sku or "")
                return Record(number, str(bytes(node)), node)
            head = told(node, _Head)
        except msgspec.DecodeError:
            raise Malformed("BigCommerce's list holds something that has no id.") from None
        return Record(head.id, head.date_modified or "", node)


def _nothing_new(records: list[Record], met: list[Record]) -> bool:
    return {record.id for record in records} <= {record.id for record in met}


def changed_in(window: Window) -> dict[str, str]:
    """The window as parameters of V3, for records by their last change."""
    return {f"date_modified:{name}": value for name, value in bounds(window).items()}


def created_in(window: Window) -> dict[str, str]:
    """The same for records that are never changed."""
    return {f"created:{name}": value for name, value in bounds(window).items()}


def bounds(window: Window) -> dict[str, str]:
    """`min` and `max`. The store keeps whole seconds, and its documents say of a bound both that it belongs to what is found and that it
    does not: so a second more is asked for at the beginning, and none less at the end. What two windows share is read twice.
    """
    found = {"max": _instant(window.end)}
    if window.start is not None:
        found["min"] = _instant(window.start - timedelta(seconds=1))
    return found


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
