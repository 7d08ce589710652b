"""What BigCommerce's records say comes out as canonical rows, to the cent: recounted here in Python's decimals from the same records."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC
from decimal import ROUND_HALF_EVEN, Decimal
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sandbox.world.bigcommerce import build
from sandbox.world.spec import WorldSpec
from tests.unit.sources.bigcommerce.conftest import Body, item_of, order_of, product_of, refund_of, rfc
from tests.unit.sources.bigcommerce.rows import (
    AMERICAN,
    FRENCH,
    Rows,
    World,
    generated,
    items_of,
    landed_text,
    mapped,
    mapped_lines,
    minor,
)
from varai.canonical.mapping import UNMAPPABLE
from varai.sources import ShopFacts


@pytest.fixture(scope="module", params=[AMERICAN, FRENCH], ids=["tax beside prices", "tax in prices"])
def sold(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Rows, WorldSpec]:
    """A generated shop's records, the rows of its orders, and what it was made from."""
    spec: WorldSpec = request.param
    path = tmp_path_factory.mktemp("world") / "shop.sqlite"
    build(path, spec)
    world = generated(path)
    return world, mapped("orders", world["orders"], ShopFacts(spec.currency, spec.timezone)), spec


def test_orders_come_out_as_the_store_s_own_totals(sold: tuple[World, Rows, WorldSpec]) -> None:
    world, rows, spec = sold
    assert not rows[UNMAPPABLE]
    assert not [row["faults"] for entity in rows.values() for row in entity if row["faults"]]
    orders = {row["source_id"]: row for row in rows["order"]}
    assert len(orders) == len(world["orders"]) > 0
    gross, discount, tax, delivery = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for row in rows["order_line"]:
        gross[row["order_id"]] += row["gross_minor"]
        discount[row["order_id"]] += row["discount_minor"]
    for row in rows["tax_line"]:
        tax[row["order_id"]] += row["amount_minor"]
    for row in rows["shipping_line"]:
        delivery[row["order_id"]] += row["discounted_minor"]
    for body in world["orders"]:
        key, row = str(body["id"]), orders[str(body["id"])]
        assert (
            row["total_minor"] == minor(body["total_inc_tax"]) == gross[key] - discount[key] + tax[key] + delivery[key]
        )
        assert row["subtotal_minor"] == gross[key] - discount[key]
        assert (row["tax_minor"], row["shipping_minor"]) == (tax[key], delivery[key])
        assert row["discount_minor"] == minor(body["discount_amount"]) + minor(body["coupon_discount"])
        at = parsedate_to_datetime(body["date_created"])
        assert row["processed_at"] == at.astimezone(UTC)
        assert row["processed_on"] == at.astimezone(ZoneInfo(spec.timezone)).date()
        if not spec.taxes_included:
            assert row["discount_minor"] == discount[key]


def test_lines_keep_their_four_decimals_and_cost_what_was_paid(sold: tuple[World, Rows, WorldSpec]) -> None:
    world, rows, _ = sold
    lines = {str(item["id"]): item for body in world["orders"] for item in items_of(body)}
    assert {row["source_id"] for row in rows["order_line"]} == lines.keys()
    for row in rows["order_line"]:
        item = lines[row["source_id"]]
        assert (row["unit_price"], row["quantity"]) == (Decimal(item["price_ex_tax"]), item["quantity"])
        assert (row["gross_minor"], row["tax_minor"]) == (minor(item["total_ex_tax"]), minor(item["total_tax"]))
        paid = row["gross_minor"] - row["discount_minor"] + row["tax_minor"]
        assert paid == minor(item["discounted_total_inc_tax"])
        assert (row["line_kind"] == "gift_card") == (item["type"] == "giftcertificate")
    assert {row["line_id"] for row in rows["discount_allocation"]} == {
        row["source_id"] for row in rows["order_line"] if row["discount_minor"]
    }
    assert {row["kind"] for row in rows["discount_allocation"]} == {"code", "automatic"}
    assert [row["lens_type"] for row in rows["order_line"] if row["rx"]]


def test_refunds_come_out_with_all_their_parts(sold: tuple[World, Rows, WorldSpec]) -> None:
    world, rows, _ = sold
    refunds = {row["source_id"]: row for row in rows["refund"]}
    assert len(refunds) == len(world["refunds"]) > 0
    lines = {row["source_id"]: row for row in rows["order_line"]}
    given = Counter[str]()
    for row in rows["refund_line"]:
        given[row["refund_id"]] += row["subtotal_minor"] + row["tax_minor"]
        line = lines[row["line_id"]]
        share = Decimal(row["quantity"]) / line["quantity"]
        assert 0 < share <= 1
        net = line["gross_minor"] - line["discount_minor"]
        for had, back in ((net, row["subtotal_minor"]), (line["tax_minor"], row["tax_minor"])):
            assert abs((had * share).quantize(Decimal(1), ROUND_HALF_EVEN) - back) <= 1
            assert share < 1 or had == back
    for body in world["refunds"]:
        row = refunds[str(body["id"])]
        parts = given[row["source_id"]] + row["shipping_minor"] + row["shipping_tax_minor"]
        assert row["total_minor"] == minor(body["total_amount"]) == parts + row["adjustment_minor"]
        shipped = sum(minor(one["requested_amount"]) for one in body["items"] if one["item_type"] == "SHIPPING")
        assert row["shipping_minor"] + row["shipping_tax_minor"] == shipped
        extra = [one for one in body["items"] if one["item_type"] == "ORDER"]
        if extra or not body["uses_merchant_override_values"]:
            assert abs(row["adjustment_minor"] - sum(minor(one["requested_amount"]) for one in extra)) <= len(
                body["items"]
            )


def test_the_catalogue_and_its_stock_come_out_whole(sold: tuple[World, Rows, WorldSpec]) -> None:
    world, _, spec = sold
    products = [{**body, "__brand": "Brisa", "__category": "sun"} for body in world["products"]]
    rows = mapped("products", products, ShopFacts(spec.currency, spec.timezone))
    assert not rows[UNMAPPABLE]
    assert len(rows["product"]) == len(products)
    variants = {str(one["id"]): (body, one) for body in products for one in body["variants"]}
    assert {row["source_id"] for row in rows["variant"]} == variants.keys()
    for row in rows["variant"]:
        body, one = variants[row["source_id"]]
        regular = Decimal(str(one["price"] if one["price"] is not None else body["price"]))
        assert row["price"] == Decimal(str(one["calculated_price"]))
        assert row["compare_at"] == (regular if regular > row["price"] else None)
        assert row["unit_cost"] == Decimal(str(one["cost_price"]))
        assert row["currency"] == spec.currency
        if "Size" in {option["option_display_name"] for option in one["option_values"]}:
            assert row["size_label"] == f"{row['lens_width_mm']:.0f}-{row['bridge_mm']:.0f}-{row['temple_mm']:.0f}"
            assert row["colour"] in row["title"]
    assert len(rows["image"]) == 2 * len(products)
    stock = [{**body, "location_id": "7"} for body in world["stock"]]
    levels = mapped("inventory", stock)["inventory_level"]
    assert [row["available"] for row in levels] == [body["available_to_sell"] for body in stock]
    assert {row["inventory_item_id"] for row in levels} <= variants.keys()


def test_customers_come_out_whole(sold: tuple[World, Rows, WorldSpec]) -> None:
    world, _, spec = sold
    for settings, expected in (({}, None), ({"training_consent": True}, True)):
        rows = mapped("customers", world["customers"], **settings)
        assert not rows[UNMAPPABLE]
        assert {row["training_consent"] for row in rows["customer"]} == {expected}
        assert {row["country"] for row in rows["customer"]} == {spec.country}
        assert {row["source_id"] for row in rows["customer"]} == {str(body["id"]) for body in world["customers"]}


def test_what_was_never_paid_or_was_given_up_is_no_sale() -> None:
    states = [(status, gone) for status in range(15) for gone in (False, True)]
    orders = [order_of(place, status_id=status, is_deleted=gone) for place, (status, gone) in enumerate(states, 1)]
    placed = [row["placed"] for row in mapped("orders", orders)["order"]]
    assert placed == [status not in (0, 1, 5, 6, 7) and not gone for status, gone in states]


def test_what_the_test_gateway_paid_is_a_test() -> None:
    methods = ("Test Payment Gateway", "Credit Card", None)
    rows = mapped("orders", [order_of(place, payment_method=method) for place, method in enumerate(methods, 1)])
    for entity in ("order", "transaction"):
        assert [row["test"] for row in rows[entity]] == [True, False, False]


def test_dates_of_v2_are_read_as_the_instants_they_are_or_are_a_fault() -> None:
    dates = {
        "Tue, 05 Mar 2019 21:40:11 +0000": "2019-03-05T21:40:11+00:00",
        "Thu, 20 Apr 2017 11:32:00 -0400": "2017-04-20T15:32:00+00:00",
        "2019-03-05T21:40:11+00:00": "2019-03-05T21:40:11+00:00",
        "Tue, 35 Mar 2019 21:40:11 +0000": None,
        "yesterday": None,
    }
    rows = mapped("orders", [order_of(place) | {"date_created": text} for place, text in enumerate(dates, 1)])["order"]
    assert [row["processed_at"] and row["processed_at"].isoformat() for row in rows] == list(dates.values())
    assert ["malformed_date:processed_at" in row["faults"] for row in rows] == [at is None for at in dates.values()]


def test_numbers_of_v3_are_taken_digit_for_digit() -> None:
    """None of them loses a digit to a double."""
    digits = ["20.0000", "0.1234", "12345678901.2345", "123456789012.345678", "1e2", "0.10"]
    lines = [landed_text(json.dumps(product_of(1)).replace("129.9", one)) for one in digits]
    prices = [row["price"] for row in mapped_lines("products", b"".join(lines))["variant"]]
    assert prices == [Decimal(one) for one in digits for _ in range(2)]


def test_half_a_cent_is_rounded_once_per_line_and_makes_no_discount() -> None:
    """Rounded one by one, the parts of this line are a cent less than its whole."""
    item = item_of(10, quantity=3, price_ex_tax="4.1150", total_ex_tax="12.3450", total_tax="1.2345")
    item |= {"total_inc_tax": "13.5795", "discounted_total_inc_tax": "13.5795"}
    body = order_of(1)
    body["consignments"]["shipping"][0]["line_items"] = [item]
    rows = mapped("orders", [body])
    [line] = rows["order_line"]
    assert (line["unit_price"], line["gross_minor"], line["discount_minor"]) == (Decimal("4.1150"), 1234, 0)
    assert not rows["discount_allocation"]


def test_lines_are_found_wherever_they_lie_and_bundles_are_sold_once() -> None:
    body = order_of(1)
    inner = item_of(11, parent_order_product_id=10, price_ex_tax="0.0000", total_ex_tax="0.0000", total_tax="0.0000")
    body["consignments"]["shipping"][0]["line_items"].append(inner)
    for kind, number in (("pickups", 20), ("downloads", 30)):
        body["consignments"][kind] = [{"line_items": [item_of(number)]}]
    card = item_of(40, type="giftcertificate", product_id=0, variant_id=0, sku="")
    body["consignments"]["email"] = {"gift_certificates": [{"recipient_email": "", "line_items": [card]}]}
    rows = mapped("orders", [body])["order_line"]
    assert [(row["source_id"], row["line_kind"]) for row in rows] == [
        ("10", "product"), ("20", "product"), ("30", "product"), ("40", "gift_card"),
    ]  # fmt: skip


def test_charges_beside_goods_are_lines_of_their_own() -> None:
    fees = [{"id": 4, "display_name_customer": "Insurance", "cost_ex_tax": 8.5, "cost_inc_tax": 10, "cost_tax": 1.5}]
    body = order_of(
        1, fees=fees, handling_cost_ex_tax="2.0000", handling_cost_tax="0.2000", wrapping_cost_ex_tax="1.0000"
    )
    rows = mapped("orders", [body])
    found = {row["source_id"]: (row["line_kind"], row["gross_minor"], row["tax_minor"]) for row in rows["order_line"]}
    assert found == {
        "10": ("product", 10000, 888),
        "1#fee/4": ("fee", 850, 150),
        "1#handling": ("fee", 200, 20),
        "1#wrapping": ("fee", 100, None),
    }
    assert sum(row["amount_minor"] for row in rows["tax_line"]) == 888 + 150 + 20


def refunded(refund: Body, **order: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    rows = mapped("orders", [order_of(1, **order) | {"__refunds": [refund]}])
    return (rows["refund"] or [{}])[0], rows["refund_line"]


def test_an_amount_given_back_is_split_as_the_line_was() -> None:
    named = [{"item_type": "PRODUCT", "item_id": 10, "quantity": None, "requested_amount": 50.5}]
    refund, [line] = refunded(refund_of(5, 1, minute=9, items=named, total_amount=54.98))
    assert (line["quantity"], line["subtotal_minor"], line["tax_minor"]) == (0, 5050, 448)
    assert refund["adjustment_minor"] == 0
    refund, [line] = refunded(refund_of(5, 1, minute=9, items=named, total_amount=50.5), is_tax_inclusive_pricing=True)
    assert (line["subtotal_minor"], line["tax_minor"], refund["adjustment_minor"]) == (4638, 412, 0)


def test_a_delivery_given_back_whole_says_no_amount() -> None:
    items = [{"item_type": "SHIPPING", "item_id": 10, "quantity": None, "requested_amount": None}]
    refund, lines = refunded(refund_of(5, 1, minute=9, items=items, total_amount=5.9))
    assert (refund["shipping_minor"], refund["adjustment_minor"], lines) == (590, 0, [])


def test_a_refund_that_every_payment_declined_gave_nothing() -> None:
    declined = [{"id": 1, "amount": 108.88, "is_declined": True}]
    assert refunded(refund_of(5, 1, minute=9, payments=declined)) == ({}, [])
    assert refunded(refund_of(5, 1, minute=9, payments=[*declined, {"id": 2, "is_declined": False}]))[1]


def test_a_guest_is_nobody_and_a_bad_amount_is_a_fault() -> None:
    rows = mapped("orders", [order_of(1, customer_id=0), order_of(2, total_inc_tax="12,50")])
    assert [row["subject"] for row in rows["order"]] == [None, "7"]
    assert [row["faults"] for row in rows["order"]] == [[], ["malformed_number:total_minor"]]


def test_an_order_as_the_vendor_documents_it() -> None:
    """Amounts of order 218 of the reference: two discounts, tax in the delivery, orders of V2 with fewer decimals than four."""
    body = order_of(218) | {"total_inc_tax": "69.8400", "total_tax": "5.3100", "shipping_cost_ex_tax": "11.0900"}
    body |= {"discount_amount": "5.0000", "coupon_discount": "5.0000", "status_id": 7, "payment_status": "authorized"}
    body |= {"credit_card_type": {}, "date_created": "Tue, 05 Mar 2019 21:40:11 +0000", "date_modified": rfc(3)}
    rows = mapped("orders", [body])
    [row] = rows["order"]
    assert (row["total_minor"], row["tax_minor"], row["shipping_minor"], row["discount_minor"]) == (
        6984,
        531,
        1109,
        1000,
    )
    assert (row["placed"], row["financial_status"]) == (False, "authorized")
    assert [one["kind"] for one in rows["transaction"]] == ["authorization"]


def documented(folder: Path, name: str) -> Iterator[Body]:
    """Records of one resource that the vendor's documentation shows."""
    for path in sorted((folder / "payloads" / "bigcommerce").glob(f"{name}__*.json")):
        value = json.loads(path.read_text())
        value = value.get("data", value) if isinstance(value, dict) else value
        yield from (
            one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict) and "id" in one
        )


@pytest.mark.parametrize(
    ("stream", "entity"), [("products", "product"), ("customers", "customer"), ("orders", "order")]
)
def test_documented_records_map(shared_data: Path, stream: str, entity: str) -> None:
    records = list(documented(shared_data, stream))
    if not records:
        pytest.skip(f"No documented {stream} of BigCommerce are among the shared files.")
    rows = mapped(stream, records)
    assert not rows[UNMAPPABLE]
    assert len(rows[entity]) == len(records)
