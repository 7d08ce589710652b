"""What Magento's orders say comes out as canonical rows, to the cent: recounted here in Python's decimals from the same records."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.unit.sources.magento.conftest import Body, order_of
from tests.unit.sources.magento.rows import mapped, mapped_lines, minor, refund_of
from varai.canonical.mapping import UNMAPPABLE
from varai.kernel import Misconfigured
from varai.sources.magento.lines import line


def test_orders_come_out_as_the_shop_s_own_totals(world: dict[str, list[Body]]) -> None:
    rows = mapped("orders", [*world["orders"], *world["refunds"]])
    assert not rows[UNMAPPABLE]
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
        key, row = str(body["entity_id"]), orders[str(body["entity_id"])]
        assert (
            row["total_minor"]
            == minor(body["base_grand_total"])
            == gross[key] - discount[key] + tax[key] + delivery[key]
        )
        assert row["discount_minor"] == discount[key]
        assert row["subtotal_minor"] == gross[key] - discount[key]
        assert (row["tax_minor"], row["shipping_minor"]) == (tax[key], delivery[key])
        assert row["processed_at"].isoformat(" ")[:19] == body["created_at"]
        assert not row["faults"]
    assert sum(discount.values()) > 0


def test_a_sale_of_a_choice_is_counted_once(world: dict[str, list[Body]]) -> None:
    """The line of the product has the price, the line inside it is the choice."""
    rows = {row["source_id"]: row for row in mapped("orders", world["orders"])["order_line"]}
    items = {str(item["item_id"]): item for body in world["orders"] for item in body["items"]}
    sold = {key: item for key, item in items.items() if "parent_item_id" not in item}
    assert rows.keys() == sold.keys()
    choices = {str(item["parent_item_id"]): item for item in items.values() if "parent_item_id" in item}
    assert len(choices) > 10
    for key, item in sold.items():
        inner = choices.get(key, item)
        assert rows[key]["sku"] == inner["sku"]
        assert (rows[key]["product_id"], rows[key]["variant_id"]) == (str(item["product_id"]), str(inner["product_id"]))
        assert rows[key]["unit_price"] == Decimal(str(item["base_price"]))
        assert (rows[key]["gross_minor"], rows[key]["quantity"]) == (minor(item["base_row_total"]), item["qty_ordered"])


def bundle(*, by_parts: bool) -> Body:
    """An order of two bundles of two parts, priced as one or by its parts."""
    whole = {
        "base_price": 0 if by_parts else 50,
        "base_row_total": 0 if by_parts else 100,
        "base_discount_amount": 0 if by_parts else 10,
    }
    part = {"base_price": 25, "base_row_total": 50, "base_discount_amount": 5, "base_tax_amount": 9} if by_parts else {}
    parent = {
        "item_id": 1,
        "product_id": 5,
        "product_type": "bundle",
        "sku": "SET",
        "name": "Set",
        "qty_ordered": 2,
        **whole,
    }
    parent |= {"base_tax_amount": 0 if by_parts else 18}
    inner = {"parent_item_id": 1, "product_type": "simple", "qty_ordered": 2, **part}
    parts = [{"item_id": number, "product_id": number, "sku": f"P-{number}", **inner} for number in (2, 3)]
    return order_of(1, items=[parent, *({**one, "parent_item": parent} for one in parts)])


@pytest.mark.parametrize("by_parts", [False, True])
def test_a_bundle_is_one_sale_however_it_is_priced(by_parts: bool) -> None:
    rows = mapped("orders", [bundle(by_parts=by_parts)])
    [row] = rows["order_line"]
    assert (row["sku"], row["quantity"], row["unit_price"]) == ("SET", 2, Decimal(50))
    assert (row["gross_minor"], row["discount_minor"], row["tax_minor"]) == (10000, 1000, 1800)
    assert [one["amount_minor"] for one in rows["tax_line"]] == [1800]
    inside = {"order_id": 1, "entity_id": 9, "created_at": "2026-10-02 00:00:00", "base_grand_total": 54}
    items = [
        {"entity_id": 90 + one["item_id"], "order_item_id": one["item_id"], "qty": 1}
        for one in bundle(by_parts=by_parts)["items"]
    ]
    priced = items[1:] if by_parts else items[:1]
    for one in priced:
        one |= {
            "base_row_total": 50 / len(priced),
            "base_discount_amount": 5 / len(priced),
            "base_tax_amount": 9 / len(priced),
        }
    rows = mapped("orders", [refund_of(bundle(by_parts=by_parts), inside | {"items": items})])
    [back] = rows["refund_line"]
    assert (back["line_id"], back["subtotal_minor"], back["tax_minor"]) == ("1", 4500, 900)
    assert [one["adjustment_minor"] for one in rows["refund"]] == [0]


def test_amounts_are_read_digit_for_digit() -> None:
    """17 significant digits: a double would end otherwise. The trap is shown to be one."""
    price = "123456789012.345678"
    body = order_of(1)
    body["items"][0]["name"] = '"base_price": 1.5'
    order = json.dumps(body).replace('"base_price": 100', f'"base_price": {price}').encode()
    [row] = mapped_lines("orders", line(msgspec.Raw(order), id="1"))["order_line"]
    assert (row["unit_price"], row["title"]) == (Decimal(price), '"base_price": 1.5')
    [bare] = mapped_lines("orders", order[:-1] + b',"id":"1"}\n')["order_line"]
    assert bare["unit_price"] != Decimal(price), "the trap is no trap"


def test_refunds_come_out_with_all_their_parts(world: dict[str, list[Body]]) -> None:
    rows = mapped("orders", [*world["orders"], *world["refunds"]])
    refunds = {row["source_id"]: row for row in rows["refund"]}
    assert len(refunds) == len(world["refunds"]) > 0
    given = Counter[str]()
    lines = {line["source_id"] for line in rows["order_line"]}
    for row in rows["refund_line"]:
        given[row["refund_id"]] += row["subtotal_minor"] + row["tax_minor"]
        assert row["line_id"] in lines
    for body in world["refunds"]:
        row = refunds[str(body["entity_id"])]
        parts = given[row["source_id"]] + row["shipping_minor"] + row["shipping_tax_minor"]
        assert row["total_minor"] == minor(body["base_grand_total"]) == parts + row["adjustment_minor"]
        assert row["adjustment_minor"] == minor(body["base_adjustment_positive"]) - minor(
            body["base_adjustment_negative"]
        )


@pytest.mark.parametrize(
    ("state", "placed"),
    [("complete", True), ("processing", True), ("closed", True), ("holded", True)]
    + [(state, False) for state in ("new", "pending_payment", "payment_review", "canceled")],
)
def test_what_the_shop_s_own_reports_leave_out_is_no_sale(state: str, placed: bool) -> None:
    [row] = mapped("orders", [order_of(1, state=state)])["order"]
    assert row["placed"] is placed


def test_books_are_kept_in_the_base_currency() -> None:
    body = order_of(1, order_currency_code="CHF", grand_total=999, base_grand_total=120)
    [row] = mapped("orders", [body])["order"]
    assert (row["currency"], row["presentment_currency"], row["total_minor"]) == ("EUR", "CHF", 12000)


def test_consent_is_what_the_feed_says_of_the_shop_s_terms(world: dict[str, list[Body]]) -> None:
    for settings, expected in (({}, None), ({"training_consent": True}, True)):
        rows = mapped("customers", world["customers"], **settings)["customer"]
        assert len(rows) == len(world["customers"]) > 0
        assert {row["training_consent"] for row in rows} == {expected}
        assert {row["marketing_consent"] for row in rows} == {True, False}
        assert [row["phone"] for row in rows] == [body["addresses"][0]["telephone"] for body in world["customers"]]
        assert {row["country"] for row in rows} == {"FR"}
    with pytest.raises(Misconfigured, match="training_consent"):
        mapped("customers", world["customers"], training_consent="yes")


def test_a_guest_is_nobody_and_a_bad_amount_is_a_fault() -> None:
    guest = order_of(1)
    del guest["customer_id"]
    rows = mapped("orders", [guest, order_of(2, base_grand_total="12,50")])
    assert [row["subject"] for row in rows["order"]] == [None, "7"]
    assert [row["faults"] for row in rows["order"]] == [[], ["malformed_number:total_minor"]]


@pytest.mark.parametrize("written", [{"separators": (",", ":")}, {}, {"indent": 4}])
def test_what_has_nothing_in_its_extension_is_read(written: dict[str, Any]) -> None:
    """PHP writes an object that is empty as a list, in one line or in several."""
    for stream, record in [("orders", order_of(1)), ("customers", {"id": 1, "email": "a@example.test"})]:
        text = json.dumps(record | {"extension_attributes": []}, **written).encode()
        rows = mapped_lines(stream, line(msgspec.Raw(text), id="1"))
        assert len(rows[stream[:-1]]) == 1
        assert rows[UNMAPPABLE] == []
