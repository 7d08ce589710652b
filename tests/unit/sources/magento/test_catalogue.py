"""What Magento's products and stock say comes out as canonical rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from sandbox.world.magento import build
from sandbox.world.spec import DefectRates, WorldSpec
from tests.unit.sources.magento.conftest import Body, product_of
from tests.unit.sources.magento.rows import WORLD, custom, mapped
from varai.canonical.mapping import UNMAPPABLE


def test_the_catalogue_comes_out_as_families(world: dict[str, list[Body]]) -> None:
    rows = mapped("products", world["products"])
    assert not rows[UNMAPPABLE]
    roots = [body for body in world["products"] if "__parentId" not in body]
    assert {row["source_id"] for row in rows["product"]} == {str(body["id"]) for body in roots}
    sold = {str(body["id"]): body for body in world["products"] if body["type_id"] != "configurable"}
    assert {row["source_id"] for row in rows["variant"]} == sold.keys()
    for row in rows["variant"]:
        body = sold[row["source_id"]]
        special, regular = custom(body, "special_price"), Decimal(str(body["price"]))
        assert row["product_id"] == row["root_id"] == body.get("__parentId", str(body["id"]))
        assert (row["price"], row["compare_at"]) == ((Decimal(special), regular) if special else (regular, None))
        assert (row["gtin"], row["inventory_item_id"]) == (custom(body, "gtin"), body["sku"])
        assert row["lens_width_mm"] == Decimal(custom(body, "lens_width_mm"))
        labels = {one["code"]: one["label"] for one in body["__labels"]}
        assert (row["colour"], row["size_label"]) == (labels.get("color"), labels.get("size"))
    assert {row["brand"] for row in rows["product"]} == {
        one["label"] for body in roots for one in body["__labels"] if one["code"] == "manufacturer"
    }
    assert len(rows["image"]) == 2 * len(roots)
    assert sum(row["gift_card"] for row in rows["product"]) == 1


@pytest.mark.parametrize(
    ("days", "reduced"),
    [
        ((None, None), True),
        (("2026-10-01", "2026-10-31"), True),
        (("2026-11-02", None), False),
        ((None, "2026-10-09"), False),
    ],
)
def test_a_special_price_holds_on_its_days(days: tuple[str | None, str | None], reduced: bool) -> None:
    body = product_of(1) | {"__seen_at": "2026-10-31 20:00:00"}
    body["custom_attributes"] = [{"attribute_code": "special_price", "value": "99.500000"}]
    body["custom_attributes"] += [
        {"attribute_code": f"special_{name}_date", "value": f"{day} 00:00:00"}
        for name, day in zip(("from", "to"), days, strict=True)
        if day
    ]
    [row] = mapped("products", [body])["variant"]
    assert (row["price"], row["compare_at"]) == (
        (Decimal("99.5"), Decimal("129.9")) if reduced else (Decimal("129.9"), None)
    )


def test_stock_comes_out_by_item_and_source(world: dict[str, list[Body]]) -> None:
    rows = mapped("stock", [*world["stock"], {"sku": "X", "source_code": "s", "quantity": 4.5, "status": 0}])
    assert not rows[UNMAPPABLE]
    found = {
        (row["inventory_item_id"], row["location_id"]): (row["on_hand"], row["available"])
        for row in rows["inventory_level"]
    }
    assert found.pop(("X", "s")) == (4, 0)
    assert found == {(one["sku"], one["source_code"]): (one["quantity"],) * 2 for one in world["stock"]} != {}


def documented(folder: Path) -> Iterator[Body]:
    """Products that the vendor's documentation shows."""
    for path in sorted((folder / "payloads" / "magento").glob("*.json")):
        try:
            value = json.loads(path.read_text())
        except json.JSONDecodeError:
            continue
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict) and {"id", "sku", "name", "type_id"} <= one.keys():
                yield one


def test_documented_products_map(shared_data: Path) -> None:
    records = list(documented(shared_data))
    assert len(records) > 3
    rows = mapped("products", records)
    assert not rows[UNMAPPABLE]
    assert len(rows["product"]) == len(records)
    assert not [row["faults"] for row in rows["product"] if row["faults"]]


def test_a_shop_without_defects_has_none(tmp_path: Path) -> None:
    spec = WorldSpec(
        "o", "o.example.com", 1, "EUR", "Europe/Paris", "FR", "k", "s", 5, 5, 5, defects=DefectRates.none()
    )
    assert not list(build(tmp_path / "o.sqlite", spec))
    assert list(build(tmp_path / "p.sqlite", WORLD))
