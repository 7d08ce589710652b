"""Orders and credit memos as Magento keeps them: sales and returns in, records out.

A sale of a choice is two lines: that of the product, which has the price and the choice's SKU, and within it that of the choice, which
repeats the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sandbox.vendors.records import Body, Records
from sandbox.world.baskets import Line, Sale, untaxed
from sandbox.world.frames import Product, Variant
from sandbox.world.people import Person
from sandbox.world.returns import Return, ReturnLine
from sandbox.world.spec import WorldSpec

_INSIDE = 1_000_000_000_000
"""Lies between the numbers of a line and of the one within it."""


class Books:
    """Writes orders with their credit memos.

    Args:
        spec: the shop.
        alone: what a product without a choice sells.
    """

    def __init__(self, spec: WorldSpec, alone: Callable[[Product], Variant | None]) -> None:
        self._spec, self._alone = spec, alone

    def enter(self, records: Records, sale: Sale, back: Return | None) -> None:
        """One order, and its credit memo if goods came back."""
        after = (min(sale.when + timedelta(days=2), self._spec.anchor), sale.cancelled, back.when if back else None)
        touched = max(one for one in after if one is not None)
        body = self._order(sale, back, touched)
        records.put(
            "orders",
            body | {"id": sale.id},
            created=body["created_at"],
            modified=body["updated_at"],
            status=body["state"],
        )
        if back:
            memo = self._memo(sale, back)
            at = {"created": memo["created_at"], "modified": memo["updated_at"]}
            records.put("refunds", memo | {"id": back.id}, parent=sale.id, status="2", **at)

    def _order(self, sale: Sale, back: Return | None, touched: datetime) -> Body:
        lines = [_amounts(sale, line) for line in sale.lines]
        delivery = sale.shipping - (sale.shipping_tax if sale.taxes_included else 0)
        state = "closed" if back and back.total >= sale.total else "complete"
        if sale.cancelled and not back:
            state = "canceled"
        discount = sum(one["discount"] for one in lines)
        place = _address(sale.buyer)
        return {
            "entity_id": sale.id,
            "increment_id": f"{sale.number:09d}",
            "state": state,
            "status": state,
            "store_name": "Main Website\nMain Website Store\nDefault Store View",
            "base_currency_code": self._spec.currency,
            "order_currency_code": self._spec.currency,
            "base_to_order_rate": 1,
            "created_at": _utc(sale.when),
            "updated_at": _utc(touched),
            **({"customer_is_guest": 1} if sale.guest else {"customer_is_guest": 0, "customer_id": sale.buyer.id}),
            "customer_email": sale.buyer.email,
            "customer_firstname": sale.buyer.first,
            "customer_lastname": sale.buyer.last,
            "remote_ip": "192.0.2.1",
            "is_virtual": int(not sale.shipping_title),
            **(
                {"coupon_code": code}
                if (code := next((one.title for one in sale.discounts if not one.automatic), ""))
                else {}
            ),
            **({"shipping_description": sale.shipping_title} if sale.shipping_title else {}),
            **_both("subtotal", sum(one["before"] for one in lines)),
            **_both("discount_amount", -discount),
            **_both("discount_tax_compensation_amount", sum(one["inside"] for one in lines)),
            **_both("shipping_amount", delivery),
            **_both("shipping_tax_amount", sale.shipping_tax),
            **_both("shipping_discount_amount", 0),
            "base_shipping_discount_tax_compensation_amnt": 0,
            **_both("tax_amount", sale.tax),
            **_both("grand_total", sale.total),
            **({} if state == "canceled" else _both("total_paid", sale.total)),
            **(_both("total_refunded", back.total) if back else {}),
            "items": [item for line in sale.lines for item in self._items(sale, line)],
            "billing_address": place,
            "payment": {
                "method": "paypal_express" if sale.id % 4 == 0 else "checkmo",
                "additional_information": ["Card", sale.buyer.last],
                "base_amount_paid": sale.total / 100,
            },
            "status_histories": [],
            "extension_attributes": {
                "shipping_assignments": [{"shipping": {"address": place, "method": "flatrate_flatrate"}, "items": []}],
                "item_applied_taxes": self._taxes(sale),
            },
        }

    def _items(self, sale: Sale, line: Line) -> list[Body]:
        one, alone = _amounts(sale, line), self._alone(line.product)
        item: Body = {
            "item_id": line.id,
            "order_id": sale.id,
            "product_id": line.product.id,
            "product_type": "simple" if alone else "configurable",
            "sku": line.variant.sku,
            "name": line.product.title,
            "qty_ordered": line.quantity,
            **_both("price", one["before"] / line.quantity),
            **_both("row_total", one["before"]),
            **_both("discount_amount", one["discount"]),
            **_both("discount_tax_compensation_amount", one["inside"]),
            **_both("tax_amount", line.tax),
            "tax_percent": sale.tax_rate / 1000,
            "additional_data": "; ".join(f"{key}: {value}" for key, value in line.properties) or None,
        }
        if alone:
            return [item]
        inner: Body = {
            "item_id": line.id + _INSIDE,
            "parent_item_id": line.id,
            "order_id": sale.id,
            "product_id": line.variant.id,
            "product_type": "simple",
            "sku": line.variant.sku,
            "name": f"{line.product.title}-{line.variant.colour}-{line.variant.size}",
            "qty_ordered": line.quantity,
            **_both("price", 0),
            **_both("row_total", 0),
            **_both("discount_amount", 0),
            **_both("tax_amount", 0),
            "parent_item": item,
        }
        return [item, inner]

    @staticmethod
    def _taxes(sale: Sale) -> list[Body]:
        def applied(amount: int) -> list[Body]:
            code = {"code": sale.tax_title, "title": sale.tax_title, "percent": sale.tax_rate / 1000}
            return [{**code, **_both("amount", amount)}]

        taxed = [
            {"type": "product", "item_id": line.id, "applied_taxes": applied(line.tax)}
            for line in sale.lines
            if line.tax
        ]
        if sale.shipping_tax:
            taxed.append({"type": "shipping", "applied_taxes": applied(sale.shipping_tax)})
        return taxed

    def _memo(self, sale: Sale, back: Return) -> Body:
        given: Sequence[tuple[ReturnLine, dict[str, int]]] = [(one, _shares(sale, one)) for one in back.lines]
        delivery = back.shipping - (back.shipping_tax if back.taxes_included else 0)
        extra = back.adjustment.amount + back.adjustment.tax if back.adjustment else 0
        return {
            "entity_id": back.id,
            "order_id": sale.id,
            "increment_id": f"{back.id % 1_000_000_000:09d}",
            "state": 2,
            "created_at": _utc(back.when),
            "updated_at": _utc(back.when),
            "base_currency_code": self._spec.currency,
            **_both("subtotal", sum(shares["before"] for _, shares in given)),
            **_both("discount_amount", -sum(shares["discount"] for _, shares in given)),
            **_both("discount_tax_compensation_amount", sum(shares["inside"] for _, shares in given)),
            **_both("tax_amount", back.tax),
            **_both("shipping_amount", delivery),
            **_both("shipping_tax_amount", back.shipping_tax),
            **_both("adjustment_positive", max(extra, 0)),
            **_both("adjustment_negative", max(-extra, 0)),
            **_both("grand_total", back.total),
            "comments": [{"comment": back.note, "parent_id": back.id}] if back.note else [],
            "items": [item for one, shares in given for item in self._given_back(one, shares)],
        }

    def _given_back(self, one: ReturnLine, shares: dict[str, int]) -> list[Body]:
        item: Body = {
            "entity_id": one.id,
            "order_item_id": one.line.id,
            "product_id": one.line.product.id,
            "sku": one.line.variant.sku,
            "name": one.line.product.title,
            "qty": one.quantity,
            **_both("price", shares["before"] / one.quantity),
            **_both("row_total", shares["before"]),
            **_both("discount_amount", shares["discount"]),
            **_both("discount_tax_compensation_amount", shares["inside"]),
            **_both("tax_amount", one.tax),
        }
        if self._alone(one.line.product):
            return [item]
        inner = {
            "entity_id": one.id + _INSIDE,
            "order_item_id": one.line.id + _INSIDE,
            "product_id": one.line.variant.id,
        }
        return [
            item,
            {**inner, "sku": one.line.variant.sku, "qty": one.quantity, **_both("price", 0), **_both("row_total", 0)},
        ]


def _amounts(sale: Sale, line: Line) -> dict[str, int]:
    """In cents: before discounts without tax; the discount, with tax where prices have it; and the tax that is in the discount."""
    before, net = untaxed(sale, line)
    return {"before": before, "discount": line.discount, "inside": net - before + line.discount}


def _shares(sale: Sale, one: ReturnLine) -> dict[str, int]:
    """The same of pieces that came back."""
    net = one.subtotal - (one.tax if sale.taxes_included else 0)
    whole = _amounts(sale, one.line)
    before, discount = (whole[name] * one.quantity // one.line.quantity for name in ("before", "discount"))
    return {"before": before, "discount": discount, "inside": net - before + discount}


def _both(name: str, amount: float) -> dict[str, float]:
    """An amount of cents in the currency of the books and in that of the order, which are one here; up to four decimals."""
    value = round(amount / 100, 4)
    return {name: value, f"base_{name}": value}


def _utc(at: datetime) -> str:
    return at.astimezone(ZoneInfo("UTC")).strftime("%Y-%m-%d %H:%M:%S")


def _address(person: Person) -> Body:
    return {
        "address_type": "billing",
        "firstname": person.first,
        "lastname": person.last,
        "street": [person.street],
        "city": person.city,
        "postcode": person.postcode,
        "region": person.province,
        "region_code": person.province_code,
        "country_id": person.country,
        "telephone": person.phone,
        "email": person.email,
    }
