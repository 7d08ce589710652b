"""Nothing of an erased person stays in an order of BigCommerce, and its figures do."""

from __future__ import annotations

from typing import Any

import orjson

from tests.unit.sources.bigcommerce.conftest import Body, item_of, order_of, refund_of
from tests.unit.sources.bigcommerce.rows import landed, mapped_lines
from varai.landing.subjects import Redaction
from varai.sources import connector, stream_spec

PERSONAL = "ada-who-is-looked-for"
_ADDRESS = ("first_name", "last_name", "company", "street_1", "street_2", "city", "zip", "phone", "email")


def person() -> Body:
    """An order with the person in every place that can hold one."""
    fields = [{"name": "License", "value": PERSONAL}]
    address: Body = {**dict.fromkeys(_ADDRESS, PERSONAL), "form_fields": fields}
    options = [{"id": 1, "display_name": "Engraving", "display_value": PERSONAL, "value": PERSONAL}]
    item = item_of(
        10, product_options=options, wrapping_message=PERSONAL, event_name=PERSONAL, external_id=PERSONAL,
        configurable_fields=[{"name": "Engraving", "value": PERSONAL}], gift_certificate_id=PERSONAL,
    )  # fmt: skip
    order = order_of(1, customer_id=7)
    order |= dict.fromkeys(
        (
            "customer_message",
            "staff_notes",
            "ip_address",
            "ip_address_v6",
            "geoip_country",
            "geoip_country_iso2",
            "cart_id",
        ),
        PERSONAL,
    )
    order |= dict.fromkeys(
        ("external_id", "external_order_id", "external_merchant_id", "ebay_order_id", "payment_provider_id"), PERSONAL
    )
    order["billing_address"] = {**address, "country_iso2": "US"}
    way = order["consignments"]["shipping"][0] | address | {"line_items": [item], "shipping_quotes": {"url": PERSONAL}}
    mailed = dict.fromkeys(("recipient_email", "recipient_name", "sender_email", "sender_name", "message"), PERSONAL)
    order["consignments"] = {
        "shipping": [way],
        "pickups": [{"line_items": [item | {"id": 20}]}],
        "downloads": [{**mailed, "line_items": [item | {"id": 30}]}],
        "email": {"gift_certificates": [{**mailed, "line_items": [item | {"id": 40}]}]},
    }
    refund = refund_of(5, 1, minute=9, reason=PERSONAL, user_id=PERSONAL)
    refund["items"][0]["reason"] = PERSONAL
    refund["payments"] = [{"id": 1, "provider_id": PERSONAL, "declined_message": PERSONAL, "is_declined": False}]
    order["__refunds"] = [refund]
    order["__coupons"] = [{"id": 1, "code": PERSONAL, "discount": 1.5}]
    return order


def test_nothing_of_an_erased_person_stays_in_an_order() -> None:
    lines = landed(person())
    kept = Redaction(stream_spec(connector("bigcommerce"), "orders"), {"1"}).apply(lines)
    assert PERSONAL.encode() not in kept
    before, after = mapped_lines("orders", lines), mapped_lines("orders", kept)
    for entity in ("order_line", "refund", "refund_line", "shipping_line"):
        assert [row["source_id"] for row in after[entity]] == [row["source_id"] for row in before[entity]] != []
    assert [row["total_minor"] for row in after["order"]] == [11478]
    assert (after["order"][0]["ship_country"], after["order"][0]["subject"]) == ("US", None)


def test_every_path_that_identifies_a_person_leads_to_something_that_is_then_null() -> None:
    spec = stream_spec(connector("bigcommerce"), "orders")
    for path in spec.redact:
        value: Any = PERSONAL
        for name in reversed(path):
            value = [value] if name == "[]" else {name: value}
        assert PERSONAL.encode() not in Redaction(spec, {"1"}).apply(orjson.dumps({**value, "id": "1"}) + b"\n"), path
