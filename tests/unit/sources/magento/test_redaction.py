"""Nothing of a person who asked to be forgotten stays in what is kept of an order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import orjson

from tests.unit.sources.magento.conftest import order_of
from tests.unit.sources.magento.rows import landed, mapped_lines, refund_of
from varai.landing.subjects import Redaction
from varai.sources import connector, stream_spec

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
    order["payment"] = {
        "method": "checkmo",
        "additional_information": [PERSONAL],
        "cc_owner": PERSONAL,
        "cc_last4": PERSONAL,
    }
    order["payment"] |= {"last_trans_id": PERSONAL, "po_number": PERSONAL, "account_status": PERSONAL}
    options = {"extension_attributes": {"custom_options": [{"option_id": "1", "option_value": PERSONAL}]}}
    [item] = order["items"]
    item |= {
        "product_option": options,
        "additional_data": PERSONAL,
        "extension_attributes": {"gift_message": {"sender": PERSONAL}},
    }
    inner = {"item_id": 11, "parent_item_id": 10, "product_id": 2, "sku": "V", "parent_item": dict(item)}
    order["items"] = [item, inner]
    shipping = {"shipping": {"address": address}, "items": [dict(item)]}
    order["extension_attributes"] = {"shipping_assignments": [shipping], "gift_message": {"sender": PERSONAL}}
    order["extension_attributes"] |= {"payment_additional_info": [{"key": "name", "value": PERSONAL}]}
    yield landed(order)
    memo = {
        "entity_id": 2,
        "order_id": 1,
        "base_grand_total": 12,
        "created_at": "2026-10-01 00:00:00",
        "comments": [{"comment": PERSONAL}],
    }
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
