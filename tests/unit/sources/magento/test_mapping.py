"""What Magento's records say comes out as canonical rows, to the cent: recounted here in Python's decimals from the same records."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest

from sandbox.vendors.records import Records
from sandbox.world.magento import build
from sandbox.world.spec import DefectRates, WorldSpec
from tests.unit.sources.magento.conftest import Body, order_of, product_of
from varai.canonical.mapping import UNMAPPABLE, map_lines
from varai.kernel import Feed, Misconfigured
from varai.landing.subjects import Redaction
from varai.sources import ShopFacts, connector, stream_spec
from varai.sources.magento.lines import line
from varai.sources.ndjson import quoted_numbers

WORLD = WorldSpec(
    "lum", "lum.example.com", 5, "EUR", "Europe/Paris", "FR", "ck", "cs", products=30, orders=250, customers=90
)
FACTS = ShopFacts("EUR", "Europe/Paris")
Rows = dict[str, list[dict[str, Any]]]


def mapped_lines(stream: str, lines: bytes, **settings: Any) -> Rows:
    """Canonical rows of lines, by entity."""
    feed = Feed(tenant="n", name="shop", connector="magento", base_url="http://x", secret="s", settings=settings)
    found: Rows = defaultdict(list)
    for name, batch in map_lines(iter([lines]), connector("magento").mapping(stream, feed, FACTS)):
        found[name] += batch.to_pylist()
    return found


def mapped(stream: str, records: Sequence[Body], **settings: Any) -> Rows:
    """Canonical rows of records, made lines of as the reader does; keys of ours are texts among their own."""
    return mapped_lines(stream, b"".join(landed(record) for record in records), **settings)


def landed(record: Body) -> bytes:
    added = {"id": str(record["entity_id"])} if "increment_id" in record and "order_id" not in record else {}
    return line(msgspec.Raw(json.dumps(record).encode()), **added)


def refund_of(order: Body, refund: Body) -> Body:
    """A credit memo as it is landed."""
    inside = {str(one["item_id"]): str(one["parent_item_id"]) for one in order["items"] if one.get("parent_item_id")}
    return refund | {"__parentId": str(order["entity_id"]), "__currency": order["base_currency_code"], "__inside": inside}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Body]]:
    """Records of a generated shop, children as they are landed."""
    path = tmp_path_factory.mktemp("world") / "lum.sqlite"
    build(path, WORLD)
    with Records(path) as records:
        kinds = ("products", "customers", "orders", "refunds", "stock", "attributes")
        found = {kind: [json.loads(one) for one in records.page(kind)] for kind in kinds}
    orders = {order["entity_id"]: order for order in found["orders"]}
    found["refunds"] = [refund_of(orders[refund["order_id"]], refund) for refund in found["refunds"]]
    owner = {
        choice: product["id"]
        for product in found["products"]
        if product["type_id"] == "configurable"
        for choice in product["extension_attributes"]["configurable_product_links"]
    }
    options = {one["attribute_code"]: {o["value"]: o["label"] for o in one["options"]} for one in found["attributes"]}
    for product in found["products"]:
        if product["id"] in owner:
            product["__parentId"] = str(owner[product["id"]])
        product |= {"__media": "https://x/media/catalog/product", "__seen_at": "2026-11-01 00:00:00"}
        product["__labels"] = [
            {"code": one["attribute_code"], "label": options[one["attribute_code"]][one["value"]]}
            for one in product["custom_attributes"]
            if one["attribute_code"] in options
        ]
    return found


def minor(amount: float) -> int:
    return int((Decimal(str(amount)) * 100).quantize(Decimal(1), ROUND_HALF_EVEN))


def custom(body: Body, code: str) -> Any:
    return next((one["value"] for one in body["custom_attributes"] if one["attribute_code"] == code), None)


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
        assert row["total_minor"] == minor(body["base_grand_total"]) == gross[key] - discount[key] + tax[key] + delivery[key]
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
    whole = {"base_price": 0 if by_parts else 50, "base_row_total": 0 if by_parts else 100, "base_discount_amount": 0 if by_parts else 10}
    part = {"base_price": 25, "base_row_total": 50, "base_discount_amount": 5, "base_tax_amount": 9} if by_parts else {}
    parent = {"item_id": 1, "product_id": 5, "product_type": "bundle", "sku": "SET", "name": "Set", "qty_ordered": 2, **whole}
    parent |= {"base_tax_amount": 0 if by_parts else 18}
    parts = [
        {"item_id": number, "parent_item_id": 1, "product_id": number, "sku": f"P-{number}", "product_type": "simple", "qty_ordered": 2, **part}
        for number in (2, 3)
    ]  # fmt: skip
    return order_of(1, items=[parent, *({**one, "parent_item": parent} for one in parts)])


@pytest.mark.parametrize("by_parts", [False, True])
def test_a_bundle_is_one_sale_however_it_is_priced(by_parts: bool) -> None:
    rows = mapped("orders", [bundle(by_parts=by_parts)])
    [row] = rows["order_line"]
    assert (row["sku"], row["quantity"], row["unit_price"]) == ("SET", 2, Decimal(50))
    assert (row["gross_minor"], row["discount_minor"], row["tax_minor"]) == (10000, 1000, 1800)
    assert [one["amount_minor"] for one in rows["tax_line"]] == [1800]
    inside = {"order_id": 1, "entity_id": 9, "created_at": "2026-10-02 00:00:00", "base_grand_total": 54}
    items = [{"entity_id": 90 + one["item_id"], "order_item_id": one["item_id"], "qty": 1} for one in bundle(by_parts=by_parts)["items"]]
    priced = items[1:] if by_parts else items[:1]
    for one in priced:
        one |= {"base_row_total": 50 / len(priced), "base_discount_amount": 5 / len(priced), "base_tax_amount": 9 / len(priced)}
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


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('{"price":14.9000}', '{"price":"14.9000"}'),
        ('{"a":{"price" : -0.0000 },"b":0.10}', '{"a":{"price" : "-0.0000" },"b":0.10}'),
        ('{"price":"14.90"}', '{"price":"14.90"}'),
        ('{"price":null}', '{"price":null}'),
        (r'{"note":"he said \"price\":1.5, \"price\":2}"}', r'{"note":"he said \"price\":1.5, \"price\":2}"}'),
        ('{"price":[1.5]}', '{"price":[1.5]}'),
        ('{"price":1.5', '{"price":1.5'),
    ],
)
def test_only_numbers_of_the_named_keys_are_quoted(written: str, read: str) -> None:
    assert quoted_numbers(("price",))(written.encode()).decode() == read


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
        assert row["adjustment_minor"] == minor(body["base_adjustment_positive"]) - minor(body["base_adjustment_negative"])


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
    [((None, None), True), (("2026-10-01", "2026-10-31"), True), (("2026-11-02", None), False), ((None, "2026-10-09"), False)],
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
    found = {(row["inventory_item_id"], row["location_id"]): (row["on_hand"], row["available"]) for row in rows["inventory_level"]}
    assert found.pop(("X", "s")) == (4, 0)
    assert found == {(one["sku"], one["source_code"]): (one["quantity"],) * 2 for one in world["stock"]} != {}


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


def test_what_has_nothing_in_its_extension_is_read() -> None:
    """PHP writes an object that is empty as a list."""
    rows = mapped("orders", [order_of(1, extension_attributes=[])])
    assert (len(rows["order"]), rows[UNMAPPABLE]) == (1, [])
    assert len(mapped("customers", [{"id": 1, "email": "a@example.test", "extension_attributes": []}])["customer"]) == 1


PERSONAL = "ada-who-is-looked-for"


def persons() -> Iterator[bytes]:
    """An order and its refund with the person in every place that can hold one."""
    address = dict.fromkeys(
        ("firstname", "lastname", "middlename", "prefix", "suffix", "company", "city", "postcode", "telephone", "fax", "email", "vat_id"),
        PERSONAL,
    )  # fmt: skip
    address |= {"street": [PERSONAL], "country_id": "FR", "extension_attributes": {"checkout": PERSONAL}}
    order = order_of(1, customer_id=PERSONAL, remote_ip=PERSONAL, x_forwarded_for=PERSONAL, billing_address=address)
    names = ("email", "firstname", "lastname", "middlename", "prefix", "suffix", "dob", "taxvat", "note", "gender")
    order |= {f"customer_{name}": PERSONAL for name in names}
    order |= {"status_histories": [{"comment": PERSONAL}], "quote_id": PERSONAL, "protect_code": PERSONAL}
    order["payment"] = {"method": "checkmo", "additional_information": [PERSONAL], "cc_owner": PERSONAL, "cc_last4": PERSONAL}
    order["payment"] |= {"last_trans_id": PERSONAL, "po_number": PERSONAL, "account_status": PERSONAL}
    options = {"extension_attributes": {"custom_options": [{"option_id": "1", "option_value": PERSONAL}]}}
    [item] = order["items"]
    item |= {"product_option": options, "additional_data": PERSONAL, "extension_attributes": {"gift_message": {"sender": PERSONAL}}}
    inner = {"item_id": 11, "parent_item_id": 10, "product_id": 2, "sku": "V", "parent_item": dict(item)}
    order["items"] = [item, inner]
    shipping = {"shipping": {"address": address}, "items": [dict(item)]}
    order["extension_attributes"] = {"shipping_assignments": [shipping], "gift_message": {"sender": PERSONAL}}
    order["extension_attributes"] |= {"payment_additional_info": [{"key": "name", "value": PERSONAL}]}
    yield landed(order)
    memo = {"entity_id": 2, "order_id": 1, "base_grand_total": 12, "created_at": "2026-10-01 00:00:00", "comments": [{"comment": PERSONAL}]}
    memo |= {"transaction_id": PERSONAL, "customer_note": PERSONAL}
    memo["items"] = [{"entity_id": 3, "order_item_id": 10, "qty": 1, "base_row_total": 10, "base_tax_amount": 2}]
    yield landed(refund_of(order, memo))


def test_nothing_of_an_erased_person_stays_in_an_order() -> None:
    """Also not in the line that a line within repeats."""
    lines = b"".join(persons())
    kept = Redaction(stream_spec(connector("magento"), "orders"), {"1"}).apply(lines)
    assert PERSONAL.encode() not in kept
    before, after = mapped_lines("orders", lines), mapped_lines("orders", kept)
    for entity in ("order_line", "refund", "refund_line"):
        assert [row["source_id"] for row in after[entity]] == [row["source_id"] for row in before[entity]] != []
    assert [row["total_minor"] for row in after["order"]] == [12000]
    assert after["order"][0]["ship_country"] == "FR"
    assert [json.loads(text)["items"][1]["parent_item"] for text in kept.splitlines()[:1]] == [None]


def test_every_path_that_identifies_a_person_is_in_the_test() -> None:
    """What a path leads to is null afterwards; paths of which the order above has nothing lead to keys put there here."""
    spec = stream_spec(connector("magento"), "orders")
    for path in spec.redact:
        child = path[0] == "refunds"
        value: Any = PERSONAL
        for name in reversed(path[2:] if child else path):
            value = [value] if name == "[]" else {name: value}
        record = {"entity_id": 1, "id": "1", **value} | ({"__parentId": "1", "id": "9"} if child else {})
        record = {**value, **record}
        assert PERSONAL.encode() not in Redaction(spec, {"1"}).apply(orjson.dumps(record) + b"\n"), path


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
    spec = WorldSpec("o", "o.example.com", 1, "EUR", "Europe/Paris", "FR", "k", "s", 5, 5, 5, defects=DefectRates.none())
    assert not list(build(tmp_path / "o.sqlite", spec))
    assert list(build(tmp_path / "p.sqlite", WORLD))
