"""A shop of the world as BigCommerce keeps it: spec in, one store file of the simulated BigCommerce with its truth ledger out.

A product without choices has one variant all the same. Frames write their size as opticians do, "52-18-140".
"""

from __future__ import annotations

from pathlib import Path

from sandbox.vendors.records import Body, Records
from sandbox.world.bigcommerce_defects import Planted, plant
from sandbox.world.bigcommerce_sales import Books
from sandbox.world.build import random_of, trade
from sandbox.world.frames import BRANDS, Product, Variant, places_of
from sandbox.world.people import Person
from sandbox.world.spec import WorldSpec
from sandbox.world.truth import Truth
from sandbox.world.wire import instant

_CATEGORIES = ("optical", "sun", "gift_card")
_FIRST_BRAND, _FIRST_CATEGORY = 35, 20


def build(path: Path, spec: WorldSpec) -> Truth:
    """Write the shop of `spec` to `path` and its ledger beside it; returns the ledger. Equal specs give equal rows."""
    products, people, sales, returns = trade(spec)
    truth = Truth(spec.name)
    planted = plant(products, spec.defects, truth, random_of(spec, "defects"))
    with Records(path) as records:
        records.set_facts(_facts(spec))
        shelf = _Shelf(spec, planted)
        shelf.write_lists(records)
        for product in products:
            shelf.write(records, product)
        for person in people:
            _write_person(records, person)
        books = Books(spec)
        for sale in sales:
            books.enter(records, sale, returns.get(sale.id))
    truth.save(path)
    return truth


def _facts(spec: WorldSpec) -> dict[str, str]:
    return {
        "hash": spec.name,
        "name": spec.name,
        "domain": spec.domain,
        "currency": spec.currency,
        "timezone": spec.timezone,
        "country": spec.country,
        "prices_include_tax": "yes" if spec.taxes_included else "no",
        "access_token": spec.client_secret,
        "client_secret": spec.token_secret,
    }


class _Shelf:
    """Writes brands, categories, locations, products and stock."""

    def __init__(self, spec: WorldSpec, planted: Planted) -> None:
        self._spec, self._planted, self._stocked = spec, planted, 0
        self._brands = {name: place for place, name in enumerate((*BRANDS, spec.name), _FIRST_BRAND)}

    def write_lists(self, records: Records) -> None:
        for name, number in self._brands.items():
            records.put("brands", {"id": number, "name": name}, created="", modified="")
        for number, name in enumerate(_CATEGORIES, _FIRST_CATEGORY):
            records.put("categories", {"id": number, "parent_id": 0, "name": name}, created="", modified="")
        for number in places_of(self._spec):
            place: Body = {
                "id": number,
                "code": f"BC-LOCATION-{number % 10}",
                "label": f"Shop floor {number % 10}",
                "type_id": "PHYSICAL",
                "enabled": True,
                "address": {"city": "", "country_code": self._spec.country, "email": "", "phone": ""},
            }
            records.put("locations", place, created="", modified="")

    def write(self, records: Records, product: Product) -> None:
        first = product.variants[0]
        body: Body = {
            "id": product.id,
            "name": product.title,
            "type": "digital" if product.kind == "gift_card" else "physical",
            "sku": first.sku if len(product.variants) == 1 else "",
            "description": f"<p>{product.title}, {product.material}.</p>",
            "price": _regular(first),
            "cost_price": 0,
            "retail_price": 0,
            "sale_price": 0,
            "calculated_price": first.price / 100,
            "brand_id": self._brands[product.brand],
            "categories": [_CATEGORIES.index(product.kind) + _FIRST_CATEGORY],
            "inventory_tracking": "variant",
            "is_visible": True,
            "availability": "available",
            "meta_keywords": [product.kind],
            "custom_url": {"url": f"/{product.handle}/", "is_customized": False},
            "date_created": instant(product.created),
            "date_modified": instant(product.updated),
            "base_variant_id": first.id if len(product.variants) == 1 else None,
            "upc": "",
            "gtin": "",
            "images": [
                {"id": product.id * 10 + view, "product_id": product.id, "is_thumbnail": view == 0, "sort_order": view,
                 "description": product.title, "url_zoom": f"https://{self._spec.domain}/{product.handle}-{view}.jpg"}
                for view in range(2)
            ],
            "custom_fields": _fields(
                frame_shape=product.shape, rim=product.rim, material=product.material, rx_able=str(product.rx_able).lower(),
                polarised=str(product.polarised).lower(), uv_category=product.uv_category,
                gift_card="true" if product.kind == "gift_card" else None,
            ),
            "variants": [_variant(product, one) for one in product.variants],
        }  # fmt: skip
        self._planted.spoil_product(body)
        for variant in body["variants"]:
            self._planted.spoil_variant(variant)
        records.put("products", body, created=body["date_created"], modified=body["date_modified"])
        for one in product.variants:
            self._stock(records, product, one)

    def _stock(self, records: Records, product: Product, variant: Variant) -> None:
        for place, pieces in variant.stock.items():
            self._stocked += 1
            item: Body = {
                "id": self._stocked,
                "identity": {"sku": variant.sku, "variant_id": variant.id, "product_id": product.id, "sku_id": None},
                "available_to_sell": pieces,
                "total_inventory_onhand": pieces,
                "settings": {
                    "safety_stock": 0,
                    "is_in_stock": pieces > 0,
                    "warning_level": 0,
                    "bin_picking_number": "",
                },
            }
            records.put("stock", item, created="", modified="", parent=place)


def _variant(product: Product, variant: Variant) -> Body:
    chosen = {"Colour": variant.colour, "Size": f"{variant.lens_width}-{variant.bridge}-{variant.temple}"}
    if product.kind == "gift_card":
        chosen = {"Value": str(variant.price // 100)}
    regular = _regular(variant)
    return {
        "id": variant.id,
        "product_id": product.id,
        "sku": variant.sku,
        # A variant that says no price has its product's.
        "price": None if regular == _regular(product.variants[0]) else regular,
        "sale_price": variant.price / 100 if variant.compare_at else None,
        "calculated_price": variant.price / 100,
        "cost_price": variant.cost / 100,
        "retail_price": None,
        "weight": None,
        "upc": "",
        "gtin": variant.gtin or "",
        "mpn": "",
        "inventory_level": sum(variant.stock.values()),
        "purchasing_disabled": False,
        "option_values": [
            {"id": variant.id * 10 + place, "label": label, "option_id": place, "option_display_name": name}
            for place, (name, label) in enumerate(chosen.items())
        ],
    }


def _regular(variant: Variant) -> float:
    return (variant.compare_at or variant.price) / 100


def _fields(**values: object) -> list[Body]:
    """Custom fields, which never are without a value."""
    return [
        {"id": place, "name": name.replace("frame_shape", "Frame shape"), "value": str(value)}
        for place, (name, value) in enumerate(values.items())
        if value not in (None, "")
    ]


def _write_person(records: Records, person: Person) -> None:
    joined = instant(person.joined)
    body: Body = {
        "id": person.id,
        "email": person.email,
        "first_name": person.first,
        "last_name": person.last,
        "company": "",
        "phone": person.phone,
        "notes": "",
        "customer_group_id": 0,
        "registration_ip_address": "192.0.2.1",
        "date_created": joined,
        "date_modified": joined,
        "address_count": 1,
        "accepts_product_review_abandoned_cart_emails": person.marketing,
        "origin_channel_id": 1,
        "channel_ids": None,
        "addresses": [
            {
                "id": person.id,
                "customer_id": person.id,
                "first_name": person.first,
                "last_name": person.last,
                "company": "",
                "address1": person.street,
                "address2": "",
                "city": person.city,
                "state_or_province": person.province,
                "postal_code": person.postcode,
                "country_code": person.country,
                "phone": person.phone,
                "address_type": "residential",
            }
        ],
    }
    records.put("customers", body, created=joined, modified=joined)
