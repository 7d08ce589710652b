"""A shop of the world as Magento keeps it: spec in, one shop file of the simulated Magento with its truth ledger out.

Amounts are JSON numbers. Those of lines are without tax; where prices contain it, a discount does too, and the tax in it is told as its
compensation. The parts of an order come to its total.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from sandbox.vendors.records import Body, Records
from sandbox.world.build import random_of, trade
from sandbox.world.frames import Product, Variant, places_of
from sandbox.world.magento_defects import Planted, plant
from sandbox.world.magento_sales import Books
from sandbox.world.people import Person
from sandbox.world.spec import WorldSpec
from sandbox.world.truth import Truth

_ATTRIBUTES = ("color", "size", "manufacturer", "frame_shape", "rim", "material")
"""Attributes whose values are options, told by numbers."""
_CATEGORIES = ("optical", "sun", "gift_card")


def build(path: Path, spec: WorldSpec) -> Truth:
    """Write the shop of `spec` to `path` and its ledger beside it; returns the ledger. Equal specs give equal rows."""
    products, people, sales, returns = trade(spec)
    truth = Truth(spec.name)
    planted = plant(products, spec.defects, truth, random_of(spec, "defects"))
    with Records(path) as records:
        records.set_facts(_facts(spec))
        shelf = _Shelf(spec, planted, products)
        shelf.write_lists(records)
        for product in products:
            shelf.write(records, product)
        for person in people:
            _write_person(records, person)
        books = Books(spec, shelf.alone)
        for sale in sales:
            books.enter(records, sale, returns.get(sale.id))
    truth.save(path)
    return truth


def _facts(spec: WorldSpec) -> dict[str, str]:
    return {
        "url": f"https://{spec.domain}/",
        "currency": spec.currency,
        "timezone": spec.timezone,
        "locale": f"{spec.country.lower()}_{spec.country}",
        "consumer_key": spec.client_id,
        "consumer_secret": spec.client_secret,
        "access_token": spec.token,
        "access_token_secret": spec.token_secret,
    }


class _Shelf:
    """Writes attributes, categories, sources, products and stock."""

    def __init__(self, spec: WorldSpec, planted: Planted, products: list[Product]) -> None:
        self._spec, self._planted, self._stocked = spec, planted, 0
        told: dict[str, dict[str, None]] = {code: {} for code in _ATTRIBUTES}
        for product in products:
            for variant in product.variants:
                for code, value in _values(product, variant).items():
                    if value:
                        told[code][value] = None
        self._options = {
            code: {value: str(100 * place + number) for number, value in enumerate(values, 1)}
            for place, (code, values) in enumerate(told.items(), 1)
        }

    def write_lists(self, records: Records) -> None:
        for place, (code, options) in enumerate(self._options.items(), 1):
            body: Body = {
                "id": 90 + place,
                "attribute_id": 90 + place,
                "attribute_code": code,
                "frontend_input": "select",
                "options": [{"label": " ", "value": ""}, *({"label": label, "value": value} for label, value in options.items())],
            }  # fmt: skip
            records.put("attributes", body, created="", modified="", status="select")
        for place, name in enumerate(_CATEGORIES, 3):
            records.put(
                "categories", {"id": place, "parent_id": 2, "name": name, "is_active": True}, created="", modified=""
            )
        for place in places_of(self._spec):
            source: Body = {
                "id": place,
                "source_code": f"source_{place}",
                "name": f"Stock {place % 10}",
                "enabled": True,
                "country_id": self._spec.country,
                "postcode": "75001",
            }
            records.put("sources", source, created="", modified="", status=source["source_code"])

    def alone(self, product: Product) -> Variant | None:
        """What a product without a choice sells. One that has a defect keeps a number of its own, by which the ledger knows it."""
        first = product.variants[0]
        return first if len(product.variants) == 1 and self._planted.spares(first.id) else None

    def write(self, records: Records, product: Product) -> None:
        alone = self.alone(product)
        body = self._product(product, alone)
        choices = [] if alone else product.variants
        if not alone:
            body["extension_attributes"]["configurable_product_links"] = [variant.id for variant in choices]
        self._planted.spoil_product(body)
        at = {"created": body["created_at"], "modified": body["updated_at"]}
        records.put("products", body, status=body["type_id"], **at)
        for variant in choices:
            choice = self._choice(product, variant)
            self._planted.spoil_variant(choice, variant.id)
            records.put("products", choice, status="simple", **at)
        for variant in product.variants:
            self._stock(records, variant)

    def _product(self, product: Product, alone: Variant | None) -> Body:
        virtual = product.kind == "gift_card"
        return {
            "id": product.id,
            "sku": alone.sku if alone else product.handle,
            "name": product.title,
            "attribute_set_id": 4,
            **({"price": _regular(alone)} if alone else {"price": 0}),
            "status": 1,
            "visibility": 4,
            "type_id": ("virtual" if virtual else "simple") if alone else "configurable",
            "created_at": utc(product.created),
            "updated_at": utc(product.updated),
            "extension_attributes": {
                "website_ids": [1],
                "category_links": [{"position": 0, "category_id": str(_CATEGORIES.index(product.kind) + 3)}],
            },
            "product_links": [],
            "options": [],
            "media_gallery_entries": [
                {"id": product.id * 10 + view, "media_type": "image", "label": product.title, "position": view + 1, "disabled": False,
                 "types": ["image"] if view == 0 else [], "file": f"/{product.handle[0]}/{product.handle}-{view}.jpg"}
                for view in range(2)
            ],
            "tier_prices": [],
            "custom_attributes": [
                *_customs(
                    url_key=product.handle, description=f"<p>{product.title}, {product.material}.</p>", category_ids=[str(2)],
                    rx_able=str(int(product.rx_able)), polarised=str(int(product.polarised)),
                    uv_category=None if product.uv_category is None else str(product.uv_category),
                    gift_card="1" if virtual else None,
                ),
                *self._chosen(product, alone),
                *(_measures(alone) if alone else []),
            ],
        }  # fmt: skip

    def _choice(self, product: Product, variant: Variant) -> Body:
        return {
            "id": variant.id,
            "sku": variant.sku,
            "name": f"{product.title}-{variant.colour}-{variant.size}",
            "attribute_set_id": 4,
            "price": _regular(variant),
            "status": 1,
            "visibility": 1,
            "type_id": "virtual" if product.kind == "gift_card" else "simple",
            "created_at": utc(product.created),
            "updated_at": utc(product.updated),
            "weight": variant.weight_g / 1000,
            "extension_attributes": [],
            "product_links": [],
            "options": [],
            "media_gallery_entries": [],
            "tier_prices": [],
            "custom_attributes": [*self._chosen(product, variant), *_measures(variant)],
        }

    def _chosen(self, product: Product, variant: Variant | None) -> list[Body]:
        """Values that are options, by their numbers."""
        found = (
            _values(product, variant) if variant else {**_values(product, product.variants[0]), "color": "", "size": ""}
        )
        return _customs(**{code: self._options[code].get(value) for code, value in found.items()})

    def _stock(self, records: Records, variant: Variant) -> None:
        for place, pieces in variant.stock.items():
            self._stocked += 1
            item: Body = {
                "id": self._stocked,
                "sku": variant.sku,
                "source_code": f"source_{place}",
                "quantity": pieces,
                "status": int(pieces > 0),
            }
            records.put("stock", item, created="", modified="")


def _values(product: Product, variant: Variant) -> dict[str, str]:
    return {
        "color": variant.colour,
        "size": variant.size,
        "manufacturer": product.brand,
        "frame_shape": product.shape,
        "rim": product.rim,
        "material": product.material,
    }


def _regular(variant: Variant) -> float:
    return (variant.compare_at or variant.price) / 100


def _measures(variant: Variant) -> list[Body]:
    special = f"{variant.price / 100:.6f}" if variant.compare_at else None
    return _customs(
        special_price=special,
        gtin=variant.gtin,
        lens_width_mm=str(variant.lens_width),
        bridge_mm=str(variant.bridge),
        temple_mm=str(variant.temple),
        lens_height_mm=str(variant.lens_height),
        frame_width_mm=str(variant.frame_width),
        weight_g=str(variant.weight_g),
    )


def _customs(**values: object) -> list[Body]:
    return [{"attribute_code": code, "value": value} for code, value in values.items() if value is not None]


def _write_person(records: Records, person: Person) -> None:
    address: Body = {
        "id": person.id,
        "customer_id": person.id,
        "region": {"region_code": person.province_code, "region": person.province, "region_id": 0},
        "country_id": person.country,
        "street": [person.street],
        "telephone": person.phone,
        "postcode": person.postcode,
        "city": person.city,
        "firstname": person.first,
        "lastname": person.last,
        "default_shipping": True,
        "default_billing": True,
    }
    body: Body = {
        "id": person.id,
        "group_id": 1,
        "default_billing": str(person.id),
        "default_shipping": str(person.id),
        "created_at": utc(person.joined),
        "updated_at": utc(person.joined),
        "email": person.email,
        "firstname": person.first,
        "lastname": person.last,
        "store_id": 1,
        "website_id": 1,
        "addresses": [address],
        "disable_auto_group_change": 0,
        "extension_attributes": {"is_subscribed": person.marketing},
    }
    records.put("customers", body, created=utc(person.joined), modified=utc(person.joined))


def utc(at: datetime) -> str:
    """An instant as Magento writes it: UTC without a zone."""
    return at.astimezone(ZoneInfo("UTC")).strftime("%Y-%m-%d %H:%M:%S")
