"""What WooCommerce's records say comes out as canonical rows, to the cent: recounted here in Python's decimals from the same records."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from sandbox.vendors.records import Records
from sandbox.world.spec import DefectRates, WorldSpec
from sandbox.world.woocommerce import build
from tests.unit.sources.woocommerce.conftest import Body, order_of
from varai.canonical.mapper import map_lines
from varai.canonical.mapping import UNMAPPABLE
from varai.kernel import Feed, Misconfigured
from varai.landing.subjects import Redaction
from varai.sources import ShopFacts, connector, stream_spec

WORLD = WorldSpec(
    "optik", "optik.example.com", 5, "EUR", "Europe/Berlin", "DE", "ck", "cs", products=30, orders=250, customers=90
)
FACTS = ShopFacts("EUR", "Europe/Berlin")
Rows = dict[str, list[dict[str, Any]]]


def mapped(stream: str, records: Sequence[Body], **settings: Any) -> Rows:
    """Canonical rows of records and their children, by entity."""
    feed = Feed(tenant="n", name="shop", connector="woocommerce", base_url="http://x", secret="s", settings=settings)
    lines = b"".join(json.dumps(record).encode() + b"\n" for record in records)
    found: Rows = defaultdict(list)
    for name, batch in map_lines(iter([lines]), connector("woocommerce").mapping(stream, feed, FACTS)):
        found[name] += batch.to_pylist()
    return found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Body]]:
    """Records of a generated shop without defects, children as they are landed."""
    path = tmp_path_factory.mktemp("world") / "optik.sqlite"
    build(path, WORLD)
    with Records(path) as records:
        found = {
            kind: [json.loads(one) for one in records.page(kind)]
            for kind in ("products", "variations", "customers", "orders", "refunds")
        }
    for child in found["variations"]:
        child["__parentId"] = str(child["parent_id"])
    currency = {order["id"]: order["currency"] for order in found["orders"]}
    for child in found["refunds"]:
        child |= {"__parentId": str(child["parent_id"]), "__currency": currency[child["parent_id"]]}
    return found


def minor(text: str) -> int:
    return int((Decimal(text) * 100).quantize(Decimal(1), ROUND_HALF_EVEN))


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
        key, row = str(body["id"]), orders[str(body["id"])]
        assert row["total_minor"] == minor(body["total"]) == gross[key] - discount[key] + tax[key] + delivery[key]
        assert row["discount_minor"] == discount[key] == minor(body["discount_total"])
        assert row["subtotal_minor"] == gross[key] - discount[key]
        assert (row["tax_minor"], row["shipping_minor"]) == (tax[key], delivery[key])
        assert row["processed_at"].isoformat()[:19] == body["date_created_gmt"]
        assert str(row["processed_on"]) == body["date_created"][:10]


def test_the_price_of_one_is_exact_to_six_decimals(world: dict[str, list[Body]]) -> None:
    lines = {str(line["id"]): line for body in world["orders"] for line in body["line_items"]}
    rows = mapped("orders", world["orders"])["order_line"]
    assert len(rows) == len(lines) > 0
    for row in rows:
        line = lines[row["source_id"]]
        exact = (Decimal(line["subtotal"]) / line["quantity"]).quantize(Decimal("0.000001"), ROUND_HALF_EVEN)
        assert (row["unit_price"], row["gross_minor"]) == (exact, minor(line["subtotal"]))
        assert row["discount_minor"] == minor(line["subtotal"]) - minor(line["total"])


@pytest.mark.parametrize(
    ("subtotal", "quantity", "price"),
    [
        ("100.00", 3, "33.333333"),
        ("0.01", 7, "0.001429"),
        ("99999999.99", 7, "14285714.284286"),
        ("0.000005", 2, "0.000002"),
    ],
)
def test_a_quotient_never_passes_through_a_float(subtotal: str, quantity: int, price: str) -> None:
    body = order_of(1)
    body["line_items"][0] |= {"subtotal": subtotal, "total": subtotal, "quantity": quantity}
    [row] = mapped("orders", [body])["order_line"]
    assert row["unit_price"] == Decimal(price)


def test_refunds_come_out_with_all_their_parts(world: dict[str, list[Body]]) -> None:
    rows = mapped("orders", [*world["orders"], *world["refunds"]])
    refunds = {row["source_id"]: row for row in rows["refund"]}
    assert len(refunds) == len(world["refunds"]) > 0
    given = Counter[str]()
    for row in rows["refund_line"]:
        given[row["refund_id"]] += row["subtotal_minor"] + row["tax_minor"]
        assert row["line_id"] in {line["source_id"] for line in rows["order_line"]}
    for body in world["refunds"]:
        row = refunds[str(body["id"])]
        parts = given[row["source_id"]] + row["shipping_minor"] + row["shipping_tax_minor"]
        assert (
            row["total_minor"] == minor(body["amount"]) == parts + row["adjustment_minor"] + row["adjustment_tax_minor"]
        )


def test_the_catalogue_comes_out_whole(world: dict[str, list[Body]]) -> None:
    rows = mapped("products", [*world["products"], *world["variations"]])
    assert not rows[UNMAPPABLE]
    alone = [body for body in world["products"] if body["type"] == "simple"]
    assert len(rows["product"]) == len(world["products"])
    sold = {str(body["id"]): body for body in [*world["variations"], *alone]}
    assert {row["source_id"] for row in rows["variant"]} == sold.keys()
    assert {row["inventory_item_id"]: row["available"] for row in rows["inventory_level"]} == {
        key: body["stock_quantity"] for key, body in sold.items()
    }
    for row in rows["variant"]:
        body = sold[row["source_id"]]
        former = Decimal(body["regular_price"])
        assert row["price"] == Decimal(body["price"])
        assert row["compare_at"] == (former if former != row["price"] else None)
        assert row["lens_width_mm"] == Decimal(
            next(one["value"] for one in body["meta_data"] if one["key"] == "lens_width_mm")
        )
    assert len(rows["image"]) == 2 * len(world["products"])


@pytest.mark.parametrize(
    ("status", "placed"),
    [("completed", True), ("processing", True), ("on-hold", True), ("refunded", True), ("shipped-by-plugin", True)]
    + [(status, False) for status in ("pending", "failed", "cancelled", "checkout-draft")],
)
def test_what_the_shop_s_own_reports_leave_out_is_no_sale(status: str, placed: bool) -> None:
    [row] = mapped("orders", [order_of(1, status=status)])["order"]
    assert row["placed"] is placed


def test_consent_is_what_the_feed_says_of_the_shop_s_terms(world: dict[str, list[Body]]) -> None:
    for settings, expected in (({}, None), ({"training_consent": True}, True)):
        rows = mapped("customers", world["customers"], **settings)["customer"]
        assert len(rows) == len(world["customers"]) > 0
        assert {row["training_consent"] for row in rows} == {expected}
    with pytest.raises(Misconfigured, match="training_consent"):
        mapped("customers", world["customers"], training_consent="yes")


def test_a_guest_is_nobody_and_a_bad_amount_is_a_fault() -> None:
    rows = mapped("orders", [order_of(1, customer_id=0), order_of(2, total="12,50")])
    assert [row["subject"] for row in rows["order"]] == [None, "7"]
    assert [row["faults"] for row in rows["order"]] == [[], ["malformed_number:total_minor"]]


PERSONAL = "ada-who-is-looked-for"


def persons() -> Iterator[Body]:
    """An order and its refund with the person in every place that can hold one."""
    address = dict.fromkeys(
        ("first_name", "last_name", "company", "address_1", "address_2", "city", "postcode", "email", "phone"), PERSONAL
    )
    meta = [{"key": "note", "value": PERSONAL}]
    order = order_of(
        1, customer_id=PERSONAL, customer_note=PERSONAL, customer_ip_address=PERSONAL, customer_user_agent=PERSONAL
    )
    order |= {
        "billing": {**address, "country": "DE"},
        "shipping": address,
        "meta_data": meta,
        "transaction_id": PERSONAL,
    }
    order |= {"order_key": PERSONAL, "payment_url": PERSONAL, "_links": {"customer": [{"href": PERSONAL}]}}
    order |= {
        "shipping_lines": [{"id": 5, "total": "0.00", "meta_data": meta}],
        "fee_lines": [{"id": 6, "total": "0.00", "meta_data": meta}],
    }
    order["line_items"][0]["meta_data"] = meta
    order["refunds"] = [{"id": 2, "reason": PERSONAL, "total": "-1.00"}]
    yield order
    back = {"key": "_refunded_item_id", "value": "10"}
    yield {
        "id": 2, "__parentId": "1", "__currency": "EUR", "amount": "1.00", "date_created_gmt": "2026-10-01T00:00:00", "reason": PERSONAL,
        "refunded_by": PERSONAL, "meta_data": meta, "_links": {"self": [{"href": PERSONAL}]},
        "line_items": [{"id": 3, "quantity": -1, "total": "-1.00", "total_tax": "0.00", "meta_data": [back]}],
    }  # fmt: skip


def test_nothing_of_an_erased_person_stays_in_an_order() -> None:
    lines = b"".join(orjson.dumps(one) + b"\n" for one in persons())
    kept = Redaction(stream_spec(connector("woocommerce"), "orders"), {"1"}).apply(lines)
    assert PERSONAL.encode() not in kept
    before, after = (mapped("orders", [orjson.loads(line) for line in text.splitlines()]) for text in (lines, kept))
    for entity in ("order_line", "refund", "refund_line", "shipping_line"):
        assert [row["source_id"] for row in after[entity]] == [row["source_id"] for row in before[entity]] != []
    assert [row["total_minor"] for row in after["order"]] == [11900]
    assert after["order"][0]["ship_country"] == "DE"


def documented(folder: Path, name: str) -> Iterator[Body]:
    """Records of one resource that the vendor's documentation shows."""
    for path in sorted((folder / "payloads" / "woocommerce").glob(f"{name}__*.json")):
        try:
            value = json.loads(path.read_text())
        except json.JSONDecodeError:
            continue
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict) and "id" in one and "date_created_gmt" in one:
                yield one


@pytest.mark.parametrize(
    ("stream", "name", "entity", "child"),
    [
        ("products", "products", "product", False),
        ("products", "product-variations", "variant", True),
        ("customers", "customers", "customer", False),
        ("orders", "orders", "order", False),
        ("orders", "order-refunds", "refund", True),
    ],
)
def test_documented_records_map(shared_data: Path, stream: str, name: str, entity: str, child: bool) -> None:
    records = list(documented(shared_data, name))
    assert records, f"no documented {name}"
    if child:
        records = [{**one, "__parentId": "1", "__currency": "USD"} for one in records]
    rows = mapped(stream, records)
    assert not rows[UNMAPPABLE]
    assert len(rows[entity]) == len(records)
    assert not [row["faults"] for row in rows[entity] if row["faults"]]


def test_a_shop_without_defects_has_none(tmp_path: Path) -> None:
    spec = WorldSpec(
        "o", "o.example.com", 1, "EUR", "Europe/Berlin", "DE", "k", "s", 5, 5, 5, defects=DefectRates.none()
    )
    assert not list(build(tmp_path / "o.sqlite", spec))
    assert list(build(tmp_path / "p.sqlite", WORLD))
