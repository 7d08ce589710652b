"""A world repeats from its seed; its catalogue, people and tastes are what they claim to be."""

from __future__ import annotations

import hashlib
import sqlite3
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from sandbox.world import build
from sandbox.world.demo import shops
from sandbox.world.truth import truth_path
from varai.settings import load
from varai.sources import connectors


def digest(path: Path) -> str:
    """SHA-256 over every node and the ledger."""
    found = hashlib.sha256(truth_path(path).read_bytes())
    with sqlite3.connect(path) as db:
        for row in db.execute("SELECT * FROM node ORDER BY gid"):
            found.update(repr(row).encode())
    return found.hexdigest()


def test_a_seed_repeats_and_another_seed_differs(shop: Any, tmp_path: Path) -> None:
    build(tmp_path / "again.sqlite", shop.spec)
    assert digest(tmp_path / "again.sqlite") == digest(shop.path)
    build(tmp_path / "other.sqlite", replace(shop.spec, seed=8))
    assert digest(tmp_path / "other.sqlite") != digest(shop.path)


def test_building_twice_over_a_file_gives_the_same_shop(shop: Any, tmp_path: Path) -> None:
    path = tmp_path / "twice.sqlite"
    build(path, replace(shop.spec, seed=8))
    build(path, shop.spec)
    assert digest(path) == digest(shop.path)


def test_millimetres_agree(american: Any) -> None:
    for variant in american.of("ProductVariant"):
        mm = {key.removeprefix("eyewear."): value for key, value in variant.body["metafields"].items()}
        if not mm:
            assert variant.body["sku"].startswith("GIFT-")
            continue
        lens, bridge, width = (int(mm[key]) for key in ("lens_width_mm", "bridge_mm", "frame_width_mm"))
        assert 4 <= width - (2 * lens + bridge) <= 24
        assert 40 <= lens <= 62
        assert 14 <= bridge <= 24
        assert 120 <= int(mm["temple_mm"]) <= 150
        assert 20 <= int(mm["lens_height_mm"]) <= 60
        assert 110 <= width <= 160
        assert 8 <= int(mm["weight_g"]) <= 60


def test_prices_costs_and_stock_make_sense(american: Any) -> None:
    levels = american.by_parent("InventoryLevel")
    places = {place.gid for place in american.of("Location")}
    assert len(places) in (2, 3)
    for variant in american.of("ProductVariant"):
        body = variant.body
        cost, price = body["inventoryItem"]["unitCost"], Decimal(body["price"])
        if cost is None:
            continue
        assert 0 < Decimal(cost["amount"]) < price
        mine = levels[body["inventoryItem"]["id"]]
        assert {level.body["location"]["id"] for level in mine} == places
        available = [q["quantity"] for level in mine for q in level.body["quantities"] if q["name"] == "available"]
        assert sum(available) == body["inventoryQuantity"]


def test_rimless_frames_are_of_metal_and_suns_have_a_category(either: Any) -> None:
    for product in either.of("Product"):
        facts = product.body["metafields"]
        if facts.get("eyewear.rim") == "rimless":
            assert facts["eyewear.material"] in {"metal", "titanium"}
        assert ("eyewear.uv_category" in facts) == (product.body["productType"] == "Sunglasses")


def test_people_are_nobody(either: Any) -> None:
    people = [customer.body for customer in either.of("Customer")]
    assert {person["email"].rsplit("@", 1)[1] for person in people} <= {"example.com", "example.org"}
    assert len({person["phone"] for person in people}) == len(people)
    for person in people:
        fiction = ("+493023125", "+496990009", "+494066969", "+492214710", "+498999998")
        assert person["phone"].startswith(fiction) or person["phone"][5:10] == "55501"


def test_one_canary_that_buys(either: Any) -> None:
    marked = [person for person in either.of("Customer") if either.spec.canary in person.body["email"]]
    assert [person.body["lastName"] for person in marked] == [either.spec.canary]
    orders = [order for order in either.of("Order") if order.body["customer"] == {"id": marked[0].gid}]
    assert orders
    assert all(order.body["email"] == marked[0].body["email"] for order in orders)


def test_what_people_bought_tells_what_they_buy_next(american: Any) -> None:
    """The shape a person bought most often is bought again more often than its share of all sales would give."""
    shapes = {p.gid: p.body["metafields"].get("eyewear.frame_shape") for p in american.of("Product")}
    owner = {o.gid: (o.body["customer"] or {}).get("id") for o in american.of("Order")}
    history: dict[str, list[str]] = {}
    for line in sorted(american.of("LineItem"), key=lambda row: (row.created_at, row.gid)):
        person, shape = owner[line.parent or ""], shapes[line.body["product"]["id"]]
        if person and shape:
            history.setdefault(person, []).append(shape)
    popular = [shape for shape, _ in Counter(s for bought in history.values() for s in bought).most_common(1)]
    tries, by_person, by_fame = 0, 0, 0
    for bought in history.values():
        for place in range(2, len(bought)):
            tries += 1
            by_person += Counter(bought[:place]).most_common(1)[0][0] == bought[place]
            by_fame += bought[place] in popular
    assert tries > 200
    assert by_person > 1.3 * by_fame


def test_the_demo_has_shops_of_every_vendor_in_two_regions() -> None:
    specs = {spec.name: spec for spec in shops(lambda shop, vendor: (f"id-{shop}", f"secret-{vendor}"))}
    assert specs.keys() == {seed.tenant.name for seed in load({}).seeds}
    assert {spec.country for spec in specs.values()} >= {"DE", "US"}
    assert len({spec.seed for spec in specs.values()}) == len({spec.canary for spec in specs.values()}) == len(specs)
    assert {spec.vendor for spec in specs.values()} == set(connectors())
    assert all("secret" not in repr(spec) for spec in specs.values())
