"""Build a shop: spec in, one shop file with its truth ledger out. Same spec, same rows."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from functools import partial
from pathlib import Path
from random import Random

from sandbox.vendors.shopify.store import ShopWriter
from sandbox.world import catalogue_bodies as catalogue
from sandbox.world.baskets import Sale, Till
from sandbox.world.books import Books
from sandbox.world.defects import Plan, plan, spoil_product, spoil_variant
from sandbox.world.frames import Product, Variant, make_products, places_of
from sandbox.world.people import Person, make_people
from sandbox.world.people_bodies import Spent, customer_body
from sandbox.world.returns import Counter, Return
from sandbox.world.seasons import make_instants
from sandbox.world.spec import WorldSpec
from sandbox.world.truth import Truth
from sandbox.world.wire import gid, instant, level_gid


def build(path: Path, spec: WorldSpec) -> Truth:
    """Write the shop of `spec` to `path` (an old file there is replaced) and its ledger beside it; returns the ledger.

    Promises: equal specs give equal rows; every row that is not in the ledger is clean; order totals equal their
    parts to the cent; all instants lie before the anchor.
    """
    for old in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
        old.unlink(missing_ok=True)
    products, people, sales, returns = trade(spec)
    truth = Truth(spec.name)
    chosen = plan(products, sales, spec.defects, truth, random_of(spec, "defects"))
    with ShopWriter(
        path,
        name=spec.name,
        domain=spec.domain,
        currency=spec.currency,
        timezone=spec.timezone,
        created_at=instant(spec.opened),
        client_id=spec.client_id,
        client_secret=spec.client_secret,
        facts={"taxes_included": str(spec.taxes_included).lower(), "weight_unit": "GRAMS"},
    ) as writer:
        _Shelf(writer, spec, chosen).stock(products)
        _write_people(writer, spec, people, sales, returns)
        ledger = Books(writer, spec, chosen, partial(random_of, spec))
        for sale in sales:
            ledger.enter(sale, returns.get(sale.id))
        ledger.close()
    truth.save(path)
    return truth


def random_of(spec: WorldSpec, purpose: str) -> Random:
    """A generator per purpose, so that a change in one part does not shift the others."""
    return Random(f"{spec.name}:{spec.seed}:{purpose}")


def trade(spec: WorldSpec) -> tuple[list[Product], list[Person], list[Sale], dict[int, Return]]:
    """What happens in a shop before anything is written: its products, people, sales, and returns by the sale's id."""
    products = make_products(spec, random_of(spec, "products"))
    people = make_people(spec, random_of(spec, "people"))
    till = Till(spec, people, products, random_of(spec, "till"))
    counter = Counter(spec.seed, spec.anchor, random_of(spec, "returns"), random_of(spec, "settling"))
    sales = [till.ring(place, when) for place, when in enumerate(make_instants(spec, random_of(spec, "instants")))]
    returns = {}
    for sale in sales:
        back = counter.take_back(sale)
        if back is not None:
            returns[sale.id] = back
    return products, people, sales, returns


class _Shelf:
    """Writes locations, products and stock."""

    def __init__(self, writer: ShopWriter, spec: WorldSpec, chosen: Plan) -> None:
        self.writer, self.spec, self.chosen = writer, spec, chosen

    def stock(self, products: list[Product]) -> None:
        opened = instant(self.spec.opened)
        for position, place in enumerate(places_of(self.spec)):
            body = catalogue.location_body(self.spec, place, position)
            self.writer.put(body["id"], "Location", body, created_at=opened, updated_at=opened)
        for product in products:
            self._product(product)

    def _product(self, product: Product) -> None:
        created, updated = instant(product.created), instant(product.updated)
        body = catalogue.product_body(product)
        spoil_product(body, product.id, self.chosen)
        parent = body["id"]
        self.writer.put(parent, "Product", body, created_at=created, updated_at=updated)
        for position in range(len(catalogue.VIEWS)):
            image = catalogue.image_body(self.spec, product, position)
            self.writer.put(
                image["id"],
                "Image",
                image,
                parent=parent,
                connection="images",
                position=position + 1,
                created_at=created,
                updated_at=updated,
            )
        for variant in product.variants:
            self._variant(product, variant, created, updated)

    def _variant(self, product: Product, variant: Variant, created: str, updated: str) -> None:
        put, currency = self.writer.put, self.spec.currency
        body = catalogue.variant_body(product, variant, currency)
        item = catalogue.item_body(product, variant, currency)
        spoil_variant(body, item, variant.id, self.chosen)
        put(
            body["id"],
            "ProductVariant",
            body,
            parent=gid("Product", product.id),
            connection="variants",
            position=variant.position,
            created_at=created,
            updated_at=updated,
        )
        put(item["id"], "InventoryItem", item, created_at=created, updated_at=updated)
        for position, (place, available) in enumerate(variant.stock.items()):
            level = level_gid(variant.item_id * 10 + position, variant.item_id)
            put(
                level,
                "InventoryLevel",
                catalogue.level_body(level, variant.item_id, place, available),
                parent=item["id"],
                connection="inventoryLevels",
                position=position,
                created_at=created,
                updated_at=updated,
            )


def _write_people(
    writer: ShopWriter, spec: WorldSpec, people: list[Person], sales: list[Sale], returns: dict[int, Return]
) -> None:
    counts: dict[int, int] = defaultdict(int)
    paid: dict[int, int] = defaultdict(int)
    last: dict[int, datetime] = {}
    for sale in sales:
        if sale.guest or sale.test:
            continue
        back = returns.get(sale.id)
        counts[sale.buyer.id] += 1
        paid[sale.buyer.id] += sale.total - (back.total if back else 0)
        last[sale.buyer.id] = sale.when
    for person in people:
        body = customer_body(person, Spent(counts[person.id], paid[person.id]), spec.currency)
        touched = max(person.joined, last.get(person.id, person.joined))
        writer.put(body["id"], "Customer", body, created_at=instant(person.joined), updated_at=instant(touched))
