"""A shop of the world as WooCommerce keeps it: spec in, one shop file of the simulated WooCommerce with its truth ledger out.

Amounts of lines are without tax, whether prices contain it or not, and are written in whole cents. The parts of an order come to its total.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sandbox.vendors.records import Body, Records
from sandbox.world.baskets import Line, Sale, untaxed
from sandbox.world.build import random_of, trade
from sandbox.world.frames import Product, Variant
from sandbox.world.people import Person
from sandbox.world.returns import Return, ReturnLine
from sandbox.world.spec import WorldSpec
from sandbox.world.truth import Truth
from sandbox.world.wire import cents
from sandbox.world.woocommerce_defects import Planted, plant

_SHIPPING, _REFUNDED, _TAX = 6, 7, 8
"""Last digits of the ids of what WooCommerce numbers in one sequence with lines."""


def build(path: Path, spec: WorldSpec) -> Truth:
    """Write the shop of `spec` to `path` and its ledger beside it; returns the ledger. Equal specs give equal rows."""
    products, people, sales, returns = trade(spec)
    truth = Truth(spec.name)
    planted = plant(products, spec.defects, truth, random_of(spec, "defects"))
    writer = _Writer(spec, planted)
    with Records(path) as records:
        records.set_facts(writer.facts())
        for product in products:
            writer.product(records, product)
        for person in people:
            writer.customer(records, person)
        for sale in sales:
            writer.order(records, sale, returns.get(sale.id))
    truth.save(path)
    return truth


class _Writer:
    def __init__(self, spec: WorldSpec, planted: Planted) -> None:
        self._spec, self._planted = spec, planted
        self._zone = ZoneInfo(spec.timezone)
        self._url = f"https://{spec.domain}"

    def facts(self) -> dict[str, str]:
        spec = self._spec
        return {
            "name": spec.name,
            "url": self._url,
            "currency": spec.currency,
            "timezone": spec.timezone,
            "country": spec.country,
            "prices_include_tax": "yes" if spec.taxes_included else "no",
            "consumer_key": spec.client_id,
            "consumer_secret": spec.client_secret,
        }

    def product(self, records: Records, product: Product) -> None:
        alone = self._alone(product)
        created, modified = _utc(product.created), _utc(product.updated)
        body: Body = {
            "id": product.id,
            "name": product.title,
            "slug": product.handle,
            **self._dates(product.created, product.updated),
            "type": "simple" if alone else "variable",
            "status": "publish",
            "description": f"<p>{product.title}, {product.material}.</p>",
            "short_description": "",
            "categories": [{"id": 1, "name": product.kind, "slug": product.kind}],
            "tags": [{"id": 2, "name": product.kind, "slug": product.kind}],
            "brands": [{"id": 3, "name": product.brand, "slug": product.brand.lower()}],
            "images": [
                {"id": product.id * 10 + view, "src": f"{self._url}/{product.handle}-{view}.jpg", "name": "", "alt": product.title}
                for view in range(2)
            ],
            "attributes": [
                _attribute("Frame shape", product.shape),
                _attribute("Rim", product.rim),
                _attribute("Material", product.material),
                *([] if alone else self._choices(product.variants)),
            ],
            "variations": [] if alone else [variant.id for variant in product.variants],
            "meta_data": _metas(
                rx_able=str(product.rx_able).lower(), polarised=str(product.polarised).lower(), uv_category=product.uv_category,
                _gift_card="yes" if product.kind == "gift_card" else None,
            ),
            **(self._sold(alone) if alone else {"sku": "", "price": "", "regular_price": "", "sale_price": "", "manage_stock": False}),
        }  # fmt: skip
        if alone:
            body["meta_data"] += self._measures(alone)
        self._planted.spoil_product(body)
        records.put("products", body, created=created, modified=modified)
        for variant in [] if alone else product.variants:
            choice: Body = {
                "id": variant.id,
                **self._dates(product.created, product.updated),
                "status": "publish",
                **self._sold(variant),
                "attributes": [
                    {"id": 1, "name": "Colour", "slug": "pa_colour", "option": variant.colour},
                    {"id": 2, "name": "Size", "slug": "pa_size", "option": variant.size},
                ],
                "menu_order": variant.position,
                "meta_data": self._measures(variant),
                "parent_id": product.id,
            }
            self._planted.spoil_variant(choice, variant.id)
            records.put("variations", choice, created=created, modified=modified, parent=product.id)

    def _alone(self, product: Product) -> Variant | None:
        """What a product without a choice sells. One that has a defect keeps a number of its own, by which the ledger knows it."""
        first = product.variants[0]
        return first if len(product.variants) == 1 and self._planted.spares(first.id) else None

    @staticmethod
    def _choices(variants: Sequence[Variant]) -> list[Body]:
        named = (("Colour", [one.colour for one in variants]), ("Size", [one.size for one in variants]))
        return [
            {**_attribute(name, ""), "options": list(dict.fromkeys(values)), "variation": True}
            for name, values in named
        ]

    @staticmethod
    def _sold(variant: Variant) -> Body:
        regular = variant.compare_at or variant.price
        return {
            "sku": variant.sku,
            "global_unique_id": variant.gtin or "",
            "price": cents(variant.price),
            "regular_price": cents(regular),
            "sale_price": cents(variant.price) if variant.compare_at else "",
            "on_sale": variant.compare_at is not None,
            "manage_stock": True,
            "stock_quantity": sum(variant.stock.values()),
            "stock_status": "instock",
            "weight": str(variant.weight_g),
        }

    @staticmethod
    def _measures(variant: Variant) -> list[Body]:
        return _metas(
            lens_width_mm=variant.lens_width,
            bridge_mm=variant.bridge,
            temple_mm=variant.temple,
            lens_height_mm=variant.lens_height,
            frame_width_mm=variant.frame_width,
            weight_g=variant.weight_g,
        )

    def customer(self, records: Records, person: Person) -> None:
        body: Body = {
            "id": person.id,
            **self._dates(person.joined, person.joined),
            "email": person.email,
            "first_name": person.first,
            "last_name": person.last,
            "role": "customer",
            "username": person.email,
            "billing": _address(person, contact=True),
            "shipping": _address(person, contact=False),
            "is_paying_customer": True,
            "avatar_url": "",
            "meta_data": [],
        }
        records.put("customers", body, created=_utc(person.joined), modified=_utc(person.joined))

    def order(self, records: Records, sale: Sale, back: Return | None) -> None:
        touched = max(
            filter(
                None,
                (min(sale.when + timedelta(days=2), self._spec.anchor), sale.cancelled, back.when if back else None),
            )
        )
        lines = [self._line(sale, line) for line in sale.lines]
        delivery_tax = sale.shipping_tax
        delivery = sale.shipping - (delivery_tax if sale.taxes_included else 0)
        cancelled = sale.cancelled is not None
        whole = back is not None and back.total >= sale.total
        body: Body = {
            "id": sale.id,
            "parent_id": 0,
            "status": "cancelled" if cancelled and not back else "refunded" if whole else "completed",
            "currency": self._spec.currency,
            "prices_include_tax": sale.taxes_included,
            **self._dates(sale.when, touched),
            "discount_total": _sum(lines, "subtotal", "total"),
            "discount_tax": "0.00",
            "shipping_total": cents(delivery),
            "shipping_tax": cents(delivery_tax),
            "cart_tax": cents(sale.tax - delivery_tax),
            "total": cents(sale.total),
            "total_tax": cents(sale.tax),
            "customer_id": 0 if sale.guest else sale.buyer.id,
            "order_key": f"wc_order_{sale.id}",
            "billing": _address(sale.buyer, contact=True),
            "shipping": _address(sale.buyer, contact=False),
            "payment_method": "paypal" if sale.id % 4 == 0 else "card",
            "transaction_id": f"t{sale.id}",
            "customer_ip_address": "192.0.2.1",
            "customer_user_agent": "",
            "created_via": "checkout",
            "customer_note": "",
            "date_paid_gmt": _utc(sale.when),
            "number": str(sale.number),
            "meta_data": [],
            "line_items": lines,
            "tax_lines": [self._rate(sale)] if sale.tax else [],
            "shipping_lines": [
                {"id": sale.id * 100 + _SHIPPING, "method_title": sale.shipping_title, "method_id": "flat_rate", "total": cents(delivery),
                 "total_tax": cents(delivery_tax), "taxes": _taxes(delivery_tax), "meta_data": []}
            ] if sale.shipping_title else [],
            "fee_lines": [],
            "coupon_lines": [{"id": sale.id * 100 + 90 + one.index, "code": one.title} for one in sale.discounts if not one.automatic],
            "refunds": [{"id": back.id, "reason": back.note, "total": f"-{cents(back.total)}"}] if back else [],
        }  # fmt: skip
        records.put("orders", body, created=_utc(sale.when), modified=_utc(touched))
        if back:
            refund = self._refund(sale, back)
            records.put("refunds", refund, created=_utc(back.when), modified=_utc(back.when), parent=sale.id)

    @staticmethod
    def _rate(sale: Sale) -> Body:
        percent = f"{sale.tax_rate // 1000}.{sale.tax_rate % 1000:03}"
        return {
            "id": sale.id * 100 + _TAX,
            "rate_id": 1,
            "rate_code": sale.tax_title,
            "label": sale.tax_title,
            "rate_percent": float(percent),
            "tax_total": cents(sale.tax - sale.shipping_tax),
            "shipping_tax_total": cents(sale.shipping_tax),
        }

    def _line(self, sale: Sale, line: Line) -> Body:
        before, total = untaxed(sale, line)
        return {
            "id": line.id,
            "name": line.product.title,
            "product_id": line.product.id,
            "variation_id": 0 if self._alone(line.product) else line.variant.id,
            "quantity": line.quantity,
            "tax_class": "",
            "subtotal": cents(before),
            "subtotal_tax": cents(line.tax),
            "total": cents(total),
            "total_tax": cents(line.tax),
            "taxes": _taxes(line.tax),
            "meta_data": [
                {"id": line.id * 10 + place, "key": key, "value": value, "display_key": key, "display_value": value}
                for place, (key, value) in enumerate(line.properties)
            ],
            "sku": line.variant.sku,
            "price": before / line.quantity / 100,
        }

    def _refund(self, sale: Sale, back: Return) -> Body:
        delivery = back.shipping - (back.shipping_tax if back.taxes_included else 0)
        return {
            "id": back.id,
            "parent_id": sale.id,
            "date_created": self._local(back.when),
            "date_created_gmt": _utc(back.when),
            "amount": cents(back.total),
            "reason": back.note,
            "refunded_by": 1,
            "refunded_payment": True,
            "meta_data": [],
            "line_items": [self._given_back(back, one) for one in back.lines],
            "shipping_lines": [
                {"id": back.id * 100 + _REFUNDED, "method_title": sale.shipping_title, "total": f"-{cents(delivery)}",
                 "total_tax": f"-{cents(back.shipping_tax)}", "taxes": [], "meta_data": []}
            ] if back.shipping else [],
            "fee_lines": [],
            "tax_lines": [],
        }  # fmt: skip

    def _given_back(self, back: Return, one: ReturnLine) -> Body:
        net = one.subtotal - (one.tax if back.taxes_included else 0)
        return {
            "id": one.id,
            "name": one.line.product.title,
            "product_id": one.line.product.id,
            "variation_id": 0 if self._alone(one.line.product) else one.line.variant.id,
            "quantity": -one.quantity,
            "subtotal": f"-{cents(net)}",
            "total": f"-{cents(net)}",
            "total_tax": f"-{cents(one.tax)}",
            "taxes": [],
            "meta_data": [{"id": one.id, "key": "_refunded_item_id", "value": str(one.line.id)}],
            "sku": one.line.variant.sku,
        }

    def _dates(self, created: datetime, modified: datetime) -> Body:
        return {
            "date_created": self._local(created),
            "date_created_gmt": _utc(created),
            "date_modified": self._local(modified),
            "date_modified_gmt": _utc(modified),
        }

    def _local(self, at: datetime) -> str:
        return at.astimezone(self._zone).strftime("%Y-%m-%dT%H:%M:%S")


def _utc(at: datetime) -> str:
    return at.astimezone(ZoneInfo("UTC")).strftime("%Y-%m-%dT%H:%M:%S")


def _attribute(name: str, value: str) -> Body:
    return {
        "id": 0,
        "name": name,
        "slug": name.lower(),
        "position": 0,
        "visible": True,
        "variation": False,
        "options": [value],
    }


def _metas(**values: object) -> list[Body]:
    return [
        {"id": place, "key": name, "value": str(value)}
        for place, (name, value) in enumerate(values.items())
        if value is not None
    ]


def _taxes(amount: int) -> list[Body]:
    return [{"id": 1, "total": cents(amount), "subtotal": cents(amount)}] if amount else []


def _sum(lines: Sequence[Body], before: str, after: str) -> str:
    def total(name: str) -> int:
        return sum(int(line[name].replace(".", "")) for line in lines)

    return cents(total(before) - total(after))


def _address(person: Person, *, contact: bool) -> Body:
    found = {
        "first_name": person.first,
        "last_name": person.last,
        "company": "",
        "address_1": person.street,
        "address_2": "",
        "city": person.city,
        "state": person.province_code,
        "postcode": person.postcode,
        "country": person.country,
    }
    return {**found, "email": person.email, "phone": person.phone} if contact else found
