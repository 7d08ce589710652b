"""What is asked, what is read and what the simulator answers are in Adobe's own schema of Magento 2.4.9."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.sources.magento.conftest import SECRETS, WHOLE, Body, MagentoShop, MakeShop
from varai.sources.magento import lists, shapes
from varai.sources.magento.client import open_shop
from varai.sources.magento.lines import AMOUNTS
from varai.sources.magento.search import changed_in, criteria

Schema = dict[str, Any]
KINDS = (
    lists.PRODUCTS, lists.CUSTOMERS, lists.ORDERS, lists.REFUNDS, lists.ATTRIBUTES, lists.CATEGORIES, lists.SOURCES, lists.STOCK,
)  # fmt: skip
ITEM = "sales-data-order-item-interface"
REFUND_ITEM = "sales-data-creditmemo-item-interface"


@pytest.fixture(scope="module")
def schema(shared_data: Path) -> Schema:
    """The schema."""
    with gzip.open(shared_data / "specs" / "magento_admin_2.4.9.openapi.yaml.gz") as file:
        found: Schema = yaml.load(file, Loader=yaml.CSafeLoader)
    return found


def keys(schema: Schema, *names: str) -> set[str]:
    return {key for name in names for key in schema["definitions"][name]["properties"]}


def test_what_is_asked_is_offered(schema: Schema) -> None:
    for kind in KINDS:
        asked = criteria(changed_in(WHOLE), size=1, page=1, order="entity_id")
        offered = {one.get("name") for one in schema["paths"][f"/V1/{kind.path}"]["get"]["parameters"]}
        assert asked.keys() <= offered, kind.path


@pytest.mark.parametrize(
    ("shape", "names"),
    [
        (shapes.COLUMNS["products"], ["catalog-data-product-interface"]),
        (shapes.COLUMNS["stock"], ["inventory-api-data-source-item-interface"]),
        (shapes.COLUMNS["customers"], ["customer-data-customer-interface"]),
        (shapes.COLUMNS["orders"].keys() - {"id"}, ["sales-data-order-interface"]),
        (shapes.ITEM, [ITEM, REFUND_ITEM]),
    ],
)
def test_what_is_read_exists(schema: Schema, shape: Any, names: list[str]) -> None:
    assert {key for key in shape if not key.startswith("__")} <= keys(schema, *names)


def test_what_is_an_amount_is_a_number_somewhere(schema: Schema) -> None:
    numbers = {
        key
        for one in schema["definitions"].values()
        for key, value in one.get("properties", {}).items()
        if value.get("type") == "number"
    }
    assert set(AMOUNTS) <= numbers


def faults(schema: Schema, rule: Any, value: Any, at: str = "") -> list[str]:
    """Where a value is not what the schema says; what is empty may be an empty list, as PHP writes it.

    The schema says that custom attributes are texts; the vendor's examples have lists (`category_ids`).
    """
    if "$ref" in rule:
        rule = schema["definitions"][rule["$ref"].rpartition("/")[2]]
    if value is None or value == [] or "type" not in rule or at.endswith("custom_attributes[].value"):
        return []
    kinds = {"integer": int, "number": (int, float), "string": str, "boolean": bool, "array": list, "object": dict}
    if not isinstance(value, kinds[rule["type"]]):
        return [f"{at}: {value!r} is no {rule['type']}"]
    if isinstance(value, list):
        return [fault for one in value for fault in faults(schema, rule["items"], one, f"{at}[]")]
    if isinstance(value, dict):
        known = rule.get("properties", {})
        unknown = [f"{at}.{key} is unknown" for key in value if key not in known]
        return unknown + [
            fault for key in value if key in known for fault in faults(schema, known[key], value[key], f"{at}.{key}")
        ]
    return []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.path)
def test_the_generated_shop_answers_as_the_schema_says(
    schema: Schema, magento_shop: MakeShop, world_path: Path, kind: lists.Kind
) -> None:
    shop = magento_shop()
    shop.path.with_name(f"{shop.path.stem}-world.sqlite").write_bytes(world_path.read_bytes())
    shop = MagentoShop(f"{shop.url}-world", shop.path.with_name(f"{shop.path.stem}-world.sqlite"))
    with shop.records() as records:
        records.set_facts(SECRETS)
    items = answered(shop, kind)
    assert items
    rule = schema["paths"][f"/V1/{kind.path}"]["get"]["responses"]["200"]["schema"]
    body = schema["definitions"][rule["$ref"].rpartition("/")[2]]["properties"]["items"]["items"]
    assert sorted({fault for item in items for fault in faults(schema, body, item, kind.path)}) == []


def answered(shop: MagentoShop, kind: lists.Kind) -> list[Body]:
    """Records as the simulator sends them."""
    with open_shop(shop.session()) as client:
        page = lists.Numbered(client, kind).page(1)
    return [json.loads(bytes(record.node)) for record in page.records]
