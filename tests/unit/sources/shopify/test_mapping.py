"""Laws of Shopify's mapping: both line shapes give the same rows, amounts are exact, days are the shop's, and any line is survived."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.sources.shopify.records import (
    BULK_ORDER,
    BULK_PRODUCT,
    EDIT,
    ENTITIES,
    FACTS,
    ITEM,
    KINDS,
    ORDER,
    PAGED_ORDER,
    PAGED_PRODUCT,
    REFUND,
    Rows,
    allocation,
    bag,
    delivery_back,
    feed,
    gid,
    rows_of,
)
from varai.canonical import entity
from varai.canonical.mapping import UNMAPPABLE
from varai.kernel import Malformed, Misconfigured
from varai.sources import EarlierZone, ShopFacts, connector
from varai.sources.shopify import CONNECTOR

CARD = {**ITEM, "id": gid("LineItem", 33), "isGiftCard": True, "taxLines": [], "discountAllocations": []}
LINES_WITH_CARD = {"nodes": [*PAGED_ORDER["lineItems"]["nodes"], CARD]}


def without(rows: Rows, *names: str) -> Rows:
    """Rows without run fields, sorted by identity."""
    return {
        kind: sorted(
            ({k: v for k, v in row.items() if k not in names} for row in found), key=lambda row: row["source_id"]
        )
        for kind, found in rows.items()
    }


@pytest.mark.parametrize(
    ("stream", "paged", "bulk"),
    [
        (
            "orders",
            ({**PAGED_ORDER, "lineItems": LINES_WITH_CARD}, EDIT),
            (*BULK_ORDER, {**CARD, "__parentId": ORDER["id"]}),
        ),
        ("products", (PAGED_PRODUCT,), BULK_PRODUCT),
    ],
)
def test_both_line_shapes_give_the_same_rows(
    stream: str, paged: tuple[dict[str, Any], ...], bulk: tuple[dict[str, Any], ...]
) -> None:
    inside = without(rows_of(stream, *paged), "position", "source_updated_at")
    alone = without(rows_of(stream, *bulk), "position", "source_updated_at")
    if stream == "orders":  # a line without an id of its own is named by its place, in either shape
        assert [row["source_id"] for row in inside["refund_line"]] == ["51#line/0"]
    assert inside == alone
    assert not inside[UNMAPPABLE]
    assert all(inside[name] for name in ENTITIES[stream])


@pytest.mark.parametrize(
    ("stream", "paged", "bulk"), [("orders", PAGED_ORDER, BULK_ORDER), ("products", PAGED_PRODUCT, BULK_PRODUCT)]
)
def test_a_record_reads_the_same_beside_child_lines_as_without(
    stream: str, paged: dict[str, Any], bulk: tuple[dict[str, Any], ...]
) -> None:
    """Keys that only child lines have are not read where there is none."""
    beside, alone = rows_of(stream, paged, *bulk), rows_of(stream, paged)
    assert {name: [row for row in rows if row["position"] == 0] for name, rows in beside.items()} == alone
    assert CONNECTOR.mapping(stream, feed(), FACTS).alone


def test_children_carry_their_record_and_its_time() -> None:
    rows = rows_of("orders", PAGED_ORDER)
    for name in ENTITIES["orders"]:
        assert rows[name] or name == "order_edit", name
        for row in rows[name]:
            assert row["root_id"] == "2", name
            assert row["source_updated_at"] == datetime(2026, 7, 3, tzinfo=UTC), name
            assert row["position"] == 0
            assert row["faults"] == []
            assert row.get("order_id", "2") == "2"


def test_an_order_line_is_rounded_once_and_sums_its_discounts_and_taxes() -> None:
    line = rows_of("orders", PAGED_ORDER)["order_line"][0]
    assert line["unit_price"] == Decimal("10.005000")
    assert line["gross_minor"] == 3002  # 30.015 is a tie; rounding each piece would give 3000
    assert line["discount_minor"] == 100 + 2  # 0.015 is a tie between 1 and 2
    assert line["tax_minor"] == 100 + 50  # 1.005 is a tie between 100 and 101
    assert (line["quantity"], line["currency"], line["line_kind"]) == (3, "GBP", "product")
    assert (line["rx"], line["lens_type"]) == (True, "progressive")
    manual = rows_of("orders", PAGED_ORDER)["order_line"][1]
    assert (manual["gross_minor"], manual["discount_minor"], manual["tax_minor"]) == (1000, 0, 0)  # 10.005 goes to even
    assert (manual["rx"], manual["lens_type"], manual["line_kind"], manual["sku"]) == (False, None, "manual", None)


def test_an_order_speaks_of_the_shops_day_and_currency() -> None:
    rows = rows_of("orders", PAGED_ORDER)
    order, refund = rows["order"][0], rows["refund"][0]
    assert order["processed_at"] == datetime(2026, 6, 30, 23, 30, tzinfo=UTC)
    assert order["processed_on"] == date(2026, 7, 1)
    assert refund["processed_on"] == date(2026, 7, 3)
    assert rows_of("orders", PAGED_ORDER, facts=ShopFacts("USD", "America/New_York"))["order"][0][
        "processed_on"
    ] == date(2026, 6, 30)
    amounts = [order[f"{name}_minor"] for name in ("subtotal", "tax", "shipping", "discount", "total")]
    assert amounts == [3002, 230, 500, 102, 3400]
    assert (order["subject"], order["ship_country"], order["channel"]) == ("7", "GB", "web")


def test_a_shop_that_moved_dates_each_sale_in_the_zone_it_had_then() -> None:
    """Sold on 30 June, 23:30 UTC; the refund is of 2 July, 23:30 UTC."""
    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    moved = ShopFacts("GBP", "Europe/London", (EarlierZone("America/New_York", noon),))
    rows = rows_of("orders", PAGED_ORDER, facts=moved)
    assert (rows["order"][0]["processed_on"], rows["refund"][0]["processed_on"]) == (
        date(2026, 6, 30),
        date(2026, 7, 3),
    )
    twice = moved._replace(earlier=(EarlierZone("Asia/Tokyo", noon - timedelta(days=9)), *moved.earlier))
    assert rows_of("orders", PAGED_ORDER, facts=twice)["order"][0]["processed_on"] == date(2026, 6, 30)


def test_rows_without_ids_of_their_own_are_named_by_their_line() -> None:
    rows = rows_of("orders", PAGED_ORDER)
    assert [(row["source_id"], row["line_id"], row["amount_minor"]) for row in rows["tax_line"]] == [
        ("31#tax/0", "31", 100),
        ("31#tax/1", "31", 50),
        ("41#shipping-tax/0", "41", 80),
    ]
    assert [(row["source_id"], row["line_id"], row["kind"]) for row in rows["discount_allocation"]] == [
        ("31#discount/0", "31", "code"),
        ("31#discount/1", "31", "automatic"),
    ]
    refund = rows["refund_line"][0]
    assert (refund["refund_id"], refund["line_id"], refund["reason"]) == ("51", "31", "return")


def _parts(refund: dict[str, Any]) -> list[Any]:
    names = ("shipping", "shipping_tax", "adjustment", "adjustment_tax")
    (row,) = rows_of("orders", {**PAGED_ORDER, "refunds": [{**REFUND, **refund}]})["refund"]
    return [row[f"{name}_minor"] for name in names] + row["faults"]


def test_a_refund_says_what_of_it_is_delivery_and_what_is_given_or_kept_besides() -> None:
    assert _parts({}) == [402, 80, 500 - 800, -160]
    nothing: dict[str, Any] = {"nodes": []}
    assert _parts({"refundShippingLines": nothing, "orderAdjustments": nothing}) == [0, 0, 0, 0]
    assert _parts({"refundShippingLines": None, "orderAdjustments": None}) == [None] * 4
    spoiled = {"nodes": [delivery_back("4.00", "0.80"), delivery_back("four", "0.80")]}
    assert _parts({"refundShippingLines": spoiled})[4:] == ["malformed_number:shipping_minor"]


@pytest.mark.parametrize(
    ("sku", "product", "gift", "kind"),
    [
        ("R-1", True, False, "product"),
        ("R-1", False, False, "manual"),
        ("POST", False, False, "postage"),
        ("POSTER", False, False, "manual"),
        ("POST", True, False, "postage"),
        ("BANK CHARGES", False, False, "fee"),
        ("85110B", False, False, "adjustment"),
        ("POST", True, True, "gift_card"),
        ("", True, True, "gift_card"),
    ],
)
def test_the_kind_of_a_line(sku: str, product: bool, gift: bool, kind: str) -> None:
    bought = {"product": ITEM["product"], "variant": ITEM["variant"]} if product else {"product": None, "variant": None}
    item = {**ITEM, **bought, "sku": sku, "isGiftCard": gift}
    rows = rows_of("orders", {**ORDER, "lineItems": {"nodes": [item]}}, line_kinds=KINDS)
    assert rows["order_line"][0]["line_kind"] == kind


def test_settings_that_are_wrong_are_sentences() -> None:
    for kinds in ({"POST": "parcel"}, {"(": "fee"}):
        with pytest.raises(Misconfigured, match="line_kinds"):
            CONNECTOR.mapping("orders", feed(line_kinds=kinds), FACTS)
    with pytest.raises(Misconfigured):
        CONNECTOR.mapping("wishes", feed(), FACTS)
    with pytest.raises(Malformed, match="Middle-Earth"):
        CONNECTOR.mapping("orders", feed(), ShopFacts("GBP", "Middle-Earth/Shire"))


def test_a_variant() -> None:
    variant = rows_of("products", PAGED_PRODUCT)["variant"][0]
    expected = {
        "source_id": "11",
        "product_id": "1",
        "sku": "R-1",
        "gtin": "9520000000017",
        "price": Decimal(129),
        "compare_at": Decimal(150),
        "currency": "GBP",
        "unit_cost": Decimal(50),
        "unit_cost_currency": "USD",
        "inventory_item_id": "21",
        "sort_order": 2,
        "colour": "Black",
        "size_label": "M",
        "lens_width_mm": Decimal(52),
        "bridge_mm": Decimal("18.5"),
        "temple_mm": None,
        "weight_g": Decimal(25),
    }
    assert {name: variant[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"title": "a\x00b"}, "nul_byte:title"),
        ({"publishedAt": "2026-13-45T99:61:00Z"}, "malformed_date:published_at"),
        ({"uv_category": {"value": "high"}}, "malformed_number:uv_category"),
    ],
)
def test_a_defect_of_a_product_is_one_fault(change: dict[str, Any], fault: str) -> None:
    row = rows_of("products", {**PAGED_PRODUCT, **change})["product"][0]
    assert row["faults"] == [fault]


def test_an_unknown_currency_leaves_amounts_empty_and_is_named() -> None:
    unknown = {"currencyCode": "XXX", "totalPriceSet": bag("34.00", "XXX")}
    order = rows_of("orders", {**PAGED_ORDER, **unknown})["order"][0]
    assert order["faults"] == ["unknown_currency:currency"]
    assert order["currency"] == "XXX"
    assert order["total_minor"] is None


def test_an_amount_that_cannot_be_read_is_not_left_out_of_a_sum_in_silence() -> None:
    item = {**ITEM, "discountAllocations": [allocation("1.00"), allocation("free")]}
    rows = rows_of("orders", {**ORDER, "lineItems": {"nodes": [item]}})
    assert rows["order_line"][0]["faults"] == ["malformed_number:discount_minor"]
    assert rows["discount_allocation"][1]["faults"] == ["malformed_number:amount_minor"]


def test_the_other_streams() -> None:
    shop = rows_of(
        "shop",
        {
            "id": gid("Shop", 9),
            "name": "N",
            "myshopifyDomain": "n.example",
            "currencyCode": "GBP",
            "taxesIncluded": True,
        }
        | {
            "ianaTimezone": "Europe/London",
            "plan": {"publicDisplayName": "Basic"},
            "updatedAt": "2026-01-01T00:00:00Z",
        },
        facts=ShopFacts("XXX", "UTC"),
    )["shop"][0]
    assert (shop["source_id"], shop["currency"], shop["timezone"], shop["taxes_included"]) == (
        "9",
        "GBP",
        "Europe/London",
        True,
    )
    place = rows_of(
        "locations", {"id": gid("Location", 3), "name": "A", "isActive": True, "address": {"countryCode": "GB"}}
    )
    assert (place["location"][0]["active"], place["location"][0]["country"]) == (True, "GB")
    level = rows_of(
        "inventory",
        {"id": "gid://shopify/InventoryLevel/5?inventory_item_id=21", "item": {"id": gid("InventoryItem", 21)}}
        | {"location": {"id": gid("Location", 3)}, "updatedAt": "2026-01-01T00:00:00Z"}
        | {"quantities": [{"name": "on_hand", "quantity": 4}, {"name": "available", "quantity": -1}]},
    )["inventory_level"][0]
    assert (level["source_id"], level["inventory_item_id"], level["location_id"]) == (
        "5?inventory_item_id=21",
        "21",
        "3",
    )
    assert (level["available"], level["on_hand"], level["committed"]) == (-1, 4, None)


def test_a_customer_is_its_own_subject() -> None:
    customer = {
        "id": gid("Customer", 7),
        "firstName": "Ada",
        "lastName": "Amsel",
        "defaultEmailAddress": {"emailAddress": "ada@example.com", "marketingState": "SUBSCRIBED"},
        "defaultPhoneNumber": None,
        "defaultAddress": {"city": "Leeds", "countryCodeV2": "GB"},
        "dataSaleOptOut": True,
        "numberOfOrders": "3",
    }
    row = rows_of("customers", customer)["customer"][0]
    assert (row["source_id"], row["root_id"], row["subject"]) == ("7", "7", "7")
    assert (row["email"], row["phone"], row["country"]) == ("ada@example.com", None, "GB")
    assert json.loads(row["address"])["city"] == "Leeds"
    assert (row["marketing_consent"], row["training_consent"], row["orders_count"]) == (True, False, 3)
    assert rows_of("customers", {**customer, "defaultAddress": "somewhere"})["customer"][0]["country"] is None


def paths(value: Any) -> list[tuple[Any, ...]]:
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [(), *((key, *rest) for key, part in parts for rest in paths(part))]


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


ODD: list[Any] = [
    None,
    True,
    0,
    -1,
    10**30,
    1.5,
    "",
    "x",
    "a\x00b",
    "1e999",
    "99999999999999999999",
    "2026-13-01",
    [],
    [[]],
]
ODD += [[None], {}, {"id": 5}, {"nodes": [None]}, {"amount": "5"}, "gid://shopify/Order/abc"]
odd = st.sampled_from(ODD)


@pytest.mark.parametrize(("stream", "record"), [("orders", PAGED_ORDER), ("products", PAGED_PRODUCT)])
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_a_record_with_anything_anywhere_gives_one_row_or_is_unmappable(
    stream: str, record: dict[str, Any], data: st.DataObject
) -> None:
    places = paths(record)[1:]
    strange = [
        changed(record, path, data.draw(odd))
        for path in data.draw(st.lists(st.sampled_from(places), min_size=8, max_size=30))
    ]
    rows = rows_of(stream, *strange)
    primary = ENTITIES[stream][0]
    lost = [row for row in rows[UNMAPPABLE] if not row["reason"].startswith("child_")]
    assert sorted(row["position"] for row in [*rows[primary], *lost]) == list(range(len(strange)))
    assert all(row["reason"] != "mapping_failed" for row in lost)


def test_the_connector_and_the_mapping_name_the_same_entities() -> None:
    shopify = connector("shopify")
    for spec in shopify.streams:
        assert shopify.mapping(spec.name, feed(), FACTS).primary == spec.primary
        assert all(entity(name) for name in spec.entities)
