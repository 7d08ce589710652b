"""Orders with what hangs on them: in go orders as V2 gives them, out come lines with their refunds and coupons (`__refunds`, `__coupons`).

Refunds are asked for by the page. Coupons cost a request per order, so they are asked for where the order says that they took something
off. https://developer.bigcommerce.com/docs/rest-management/orders/order-refunds
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from varai.kernel import Malformed, Window
from varai.sources.bigcommerce.client import Client
from varai.sources.bigcommerce.lines import line
from varai.sources.bigcommerce.lists import REFUNDS, Listing, created_in
from varai.sources.decoding import decode
from varai.sources.proof import Proof, Record

_FEW: Final = 50


class _Item(msgspec.Struct):
    id: int


class _Consignment(msgspec.Struct):
    line_items: list[_Item] | None = None


class _Mailed(msgspec.Struct):
    gift_certificates: list[_Consignment] | None = None


class _Consignments(msgspec.Struct):
    shipping: list[_Consignment] | None = None
    pickups: list[_Consignment] | None = None
    downloads: list[_Consignment] | None = None
    # PHP writes an object that has nothing as an empty list.
    email: _Mailed | list[Any] | None = None

    def count(self) -> int:
        """How many lines lie in them."""
        mailed = self.email.gift_certificates if isinstance(self.email, _Mailed) else None
        parts = (self.shipping, self.pickups, self.downloads, mailed)
        return sum(len(one.line_items or ()) for part in parts for one in part or ())


class _Order(msgspec.Struct):
    coupon_discount: str | float | None = None
    items_total: str | float | None = None
    consignments: _Consignments | list[Any] | None = None


class _Refund(msgspec.Struct):
    order_id: int


def sales(client: Client, records: Sequence[Record]) -> Iterator[bytes]:
    """The lines of these orders. Raises Malformed where one came without what was bought: it would look like nothing."""
    for start in range(0, len(records), _FEW):
        some = records[start : start + _FEW]
        refunds = _refunds(client, some)
        for record in some:
            coupons = _coupons(client, record.id) if _has_coupons(_checked(record)) else []
            yield line(record.node, __refunds=refunds.get(record.id, []), __coupons=coupons)


def refunded_in(client: Client, window: Window) -> set[int]:
    """Ids of the orders for which a refund was made in the window."""
    made = Proof(Listing(client, REFUNDS, created_in(window)))
    return {_owner_of(record) for records in made.pages() for record in records}


def _checked(record: Record) -> _Order:
    try:
        order = decode(record.node, _Order)
    except msgspec.DecodeError:
        order = None
    if order is None or (_amount(order.items_total) and not _lines(order)):
        raise Malformed(
            f"BigCommerce gave order {record.id} without its lines, or in another shape than was asked for.",
            "If it stays so, the store's API no longer takes `consignment_structure=object`.",
        )
    return order


def _lines(order: _Order) -> int:
    return order.consignments.count() if isinstance(order.consignments, _Consignments) else 0


def _has_coupons(order: _Order) -> bool:
    return bool(_amount(order.coupon_discount))


def _amount(told: str | float | None) -> Decimal:
    """What is no number may be any: one."""
    try:
        return Decimal(str(told or 0))
    except InvalidOperation:
        return Decimal(1)


def _coupons(client: Client, number: int) -> list[msgspec.Raw]:
    return client.get(f"v2/orders/{number}/coupons", {"limit": "250"}, list[msgspec.Raw]) or []


def _refunds(client: Client, orders: Sequence[Record]) -> dict[int, list[msgspec.Raw]]:
    asked = {"order_id:in": ",".join(str(record.id) for record in orders)}
    found = defaultdict[int, list[msgspec.Raw]](list)
    for records in Proof(Listing(client, REFUNDS, asked)).pages():
        for record in records:
            found[_owner_of(record)].append(record.node)
    return found


def _owner_of(refund: Record) -> int:
    try:
        return decode(refund.node, _Refund).order_id
    except msgspec.DecodeError:
        raise Malformed(f"BigCommerce gave refund {refund.id}, which names no order.") from None
