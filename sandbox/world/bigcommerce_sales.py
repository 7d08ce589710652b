"""Orders, coupons and refunds as BigCommerce keeps them: sales and returns in, records out.

Amounts of V2 are texts of four decimals, those of V3 are JSON numbers. Lines lie in what is delivered; gift certificates are sent by
e-mail. A fee that is kept back makes a refund's total less than its items are worth; what is given besides is an item of the order.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from sandbox.vendors.records import Body, Records
from sandbox.world.baskets import Line, Sale, untaxed
from sandbox.world.people import COUNTRIES, Person
from sandbox.world.returns import Return
from sandbox.world.spec import WorldSpec
from sandbox.world.wire import cents, instant

_LEFT = 40
"""One in so many orders is left before it is paid."""
_NAMES = {0: "Incomplete", 4: "Refunded", 5: "Cancelled", 10: "Completed", 14: "Partially Refunded"}
_PAID = {4: "refunded", 5: "void", 10: "captured", 14: "partially refunded"}


class Books:
    """Writes orders with their coupons and refunds."""

    def __init__(self, spec: WorldSpec) -> None:
        self._spec = spec

    def enter(self, records: Records, sale: Sale, back: Return | None) -> None:
        """One order, and what hangs on it."""
        after = (min(sale.when + timedelta(days=2), self._spec.anchor), sale.cancelled, back.when if back else None)
        touched = max(one for one in after if one is not None)
        records.put("orders", self._order(sale, back, touched), created=instant(sale.when), modified=instant(touched))
        for one in sale.discounts:
            if not one.automatic:
                coupon: Body = {
                    "id": sale.id * 10 + one.index,
                    "coupon_id": one.index,
                    "order_id": sale.id,
                    "code": one.title,
                    "amount": cents(one.amount) if one.amount else str(one.percent),
                    "type": 2 if one.amount else 1,
                    "discount": _taken(sale.lines, automatic=False) / 100,
                }
                records.put("coupons", coupon, created="", modified="", parent=sale.id)
        if back:
            refund = _refund(sale, back)
            at = {"created": refund["created"], "modified": refund["created"]}
            records.put("refunds", refund, parent=sale.id, **at)

    def _order(self, sale: Sale, back: Return | None, touched: datetime) -> Body:
        status, before = _status(sale, back), sum(untaxed(sale, line)[0] for line in sale.lines)
        delivery = sale.shipping - (sale.shipping_tax if sale.taxes_included else 0)
        address = _address(sale.buyer)
        return {
            "id": sale.id,
            "customer_id": 0 if sale.guest else sale.buyer.id,
            "date_created": _rfc(sale.when),
            "date_modified": _rfc(touched),
            "date_shipped": "",
            "status_id": status,
            "status": _NAMES[status],
            "subtotal_ex_tax": _four(before),
            "subtotal_inc_tax": _four(sum(_whole(sale, line) for line in sale.lines)),
            "base_shipping_cost": _four(sale.shipping),
            "shipping_cost_ex_tax": _four(delivery),
            "shipping_cost_inc_tax": _four(delivery + sale.shipping_tax),
            "shipping_cost_tax": _four(sale.shipping_tax),
            "handling_cost_ex_tax": "0.0000",
            "handling_cost_tax": "0.0000",
            "wrapping_cost_ex_tax": "0.0000",
            "wrapping_cost_tax": "0.0000",
            "total_ex_tax": _four(sale.total - sale.tax),
            "total_inc_tax": _four(sale.total),
            "total_tax": _four(sale.tax),
            "is_tax_inclusive_pricing": sale.taxes_included,
            "items_total": sum(line.quantity for line in sale.lines),
            "items_shipped": 0,
            "payment_method": "Test Payment Gateway" if sale.test else "PayPal" if sale.id % 4 == 0 else "Credit Card",
            "payment_provider_id": f"t{sale.id}",
            "payment_status": _PAID.get(status, ""),
            "refunded_amount": "0.0000",
            "order_is_digital": not sale.shipping_title,
            "store_credit_amount": "0.0000",
            "gift_certificate_amount": "0.0000",
            "ip_address": "192.0.2.1",
            "ip_address_v6": "",
            "geoip_country": "",
            "geoip_country_iso2": "",
            "currency_code": self._spec.currency,
            "default_currency_code": self._spec.currency,
            "store_default_currency_code": self._spec.currency,
            "store_default_to_transactional_exchange_rate": "1.0000000000",
            "discount_amount": _four(_taken(sale.lines, automatic=True)),
            "coupon_discount": _four(_taken(sale.lines, automatic=False)),
            "staff_notes": "",
            "customer_message": "",
            "is_deleted": False,
            "order_source": "www",
            "channel_id": 1,
            "billing_address": address,
            "consignments": _consignments(sale, address, delivery),
            "fees": [],
        }


def _status(sale: Sale, back: Return | None) -> int:
    """Now and then somebody leaves before paying: the order stays incomplete."""
    if back:
        return 4 if back.total >= sale.total else 14
    return 5 if sale.cancelled else 0 if sale.number % _LEFT == 0 else 10


def _consignments(sale: Sale, address: Body, delivery: int) -> Body:
    goods = [_line(sale, line) for line in sale.lines if not line.gift_card]
    cards = [_line(sale, line) for line in sale.lines if line.gift_card]
    shipped: Body = {
        "id": sale.id,
        **address,
        "shipping_method": sale.shipping_title,
        "base_cost": sale.shipping / 100,
        "cost_ex_tax": delivery / 100,
        "cost_inc_tax": (delivery + sale.shipping_tax) / 100,
        "cost_tax": sale.shipping_tax / 100,
        "line_items": goods,
    }
    sent = [{"recipient_email": sale.buyer.email, "line_items": cards}] if cards else []
    return {
        "pickups": [],
        "shipping": [shipped] if goods else [],
        "downloads": [],
        "email": {"gift_certificates": sent},
    }


def _line(sale: Sale, line: Line) -> Body:
    before, _ = untaxed(sale, line)
    whole = _whole(sale, line)
    each = [(one, amount) for one, amount in line.allocations if amount]
    return {
        "id": line.id,
        "order_id": sale.id,
        "product_id": 0 if line.gift_card else line.product.id,
        "variant_id": 0 if line.gift_card else line.variant.id,
        "name": line.product.title,
        "sku": "" if line.gift_card else line.variant.sku,
        "type": "giftcertificate" if line.gift_card else "physical",
        "quantity": line.quantity,
        "base_price": _four(line.unit_price),
        "price_ex_tax": f"{before / line.quantity / 100:.4f}",
        "total_ex_tax": _four(before),
        "total_inc_tax": _four(whole),
        "total_tax": _four(line.tax),
        "discounted_total_inc_tax": _four(whole - line.discount),
        "is_refunded": False,
        "quantity_refunded": 0,
        "parent_order_product_id": None,
        "applied_discounts": [
            {
                "id": "automatic" if one.automatic else "coupon",
                "amount": _four(amount),
                "name": one.title,
                "code": None if one.automatic else one.title,
                "target": "product" if one.automatic else "order",
            }
            for one, amount in each
        ],
        "product_options": [
            {"id": line.id * 10 + place, "order_product_id": line.id, "display_name": key, "display_value": value, "type": "Text field"}
            for place, (key, value) in enumerate(line.properties)
        ],
    }  # fmt: skip


def _whole(sale: Sale, line: Line) -> int:
    """A line before discounts, with its tax."""
    return line.gross + (0 if sale.taxes_included else line.tax)


def _taken(lines: Sequence[Line], *, automatic: bool) -> int:
    return sum(amount for line in lines for one, amount in line.allocations if one.automatic == automatic)


def _refund(sale: Sale, back: Return) -> Body:
    items: list[Body] = [
        {"item_type": "PRODUCT", "item_id": one.line.id, "quantity": one.quantity, "requested_amount": None}
        for one in back.lines
    ]
    if back.shipping:
        items.append(
            {"item_type": "SHIPPING", "item_id": sale.id, "quantity": None, "requested_amount": back.shipping / 100}
        )
    extra = back.adjustment
    if extra and extra.amount > 0:
        items.append(
            {"item_type": "ORDER", "item_id": sale.id, "quantity": None, "requested_amount": extra.amount / 100}
        )
    return {
        "id": back.id,
        "order_id": sale.id,
        "user_id": 1,
        "created": instant(back.when),
        "reason": back.note,
        "total_amount": back.total / 100,
        "total_tax": (back.tax + (extra.tax if extra else 0)) / 100,
        "uses_merchant_override_values": bool(extra and extra.amount < 0),
        "items": items,
        "payments": [
            {"id": back.id, "provider_id": "custom", "amount": back.total / 100, "offline": True, "is_declined": False}
        ],
    }


def _four(amount: int) -> str:
    """Cents as a text of four decimals."""
    return f"{cents(amount)}00"


def _rfc(at: datetime) -> str:
    return format_datetime(at.astimezone(UTC).replace(microsecond=0))


def _address(person: Person) -> Body:
    return {
        "first_name": person.first,
        "last_name": person.last,
        "company": "",
        "street_1": person.street,
        "street_2": "",
        "city": person.city,
        "state": person.province,
        "zip": person.postcode,
        "country": COUNTRIES[person.country],
        "country_iso2": person.country,
        "phone": person.phone,
        "email": person.email,
        "form_fields": [],
    }
