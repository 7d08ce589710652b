"""A delivery is genuine if the very body was signed with a secret of the feed, and tells streams, never more than its body shows."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.serving import signing
from varai.kernel import Misconfigured
from varai.sources import connector, webhook_vendors, webhooks
from varai.sources.webhooks import TOLERANCE, Headers, signed_standard

NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)
SECRET, OTHER = b"s3cret", b"0ther"
Signed = Callable[[bytes, bytes], dict[str, str]]


def mac(body: bytes, secret: bytes) -> str:
    return base64.b64encode(hmac.digest(secret, body, "sha256")).decode()


def standard(body: bytes, secret: bytes, at: datetime = NOW) -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    signature = mac(b".".join((b"msg_1", stamp.encode(), body)), secret)
    return {"webhook-id": "msg_1", "webhook-timestamp": stamp, "webhook-signature": f"v1,{signature}"}


SCHEMES: dict[str, Signed] = {
    "shopify": lambda body, secret: {"x-shopify-hmac-sha256": mac(body, secret)},
    "woocommerce": lambda body, secret: {"x-wc-webhook-signature": mac(body, secret)},
    "bigcommerce": standard,
}


def genuine(scheme: str, headers: Headers, content: bytes, *secrets: bytes, now: datetime = NOW) -> bool:
    return webhooks(scheme).genuine(headers, content, secrets, now)


@pytest.mark.parametrize("scheme", SCHEMES)
@settings(deadline=None)
@given(body=st.binary(max_size=200), place=st.integers(0, 10**6), change=st.integers(1, 255))
def test_any_flipped_byte_of_body_or_signature_is_refused(scheme: str, body: bytes, place: int, change: int) -> None:
    headers = SCHEMES[scheme](body, SECRET)
    assert genuine(scheme, headers, body, SECRET)
    if body:
        at = place % len(body)
        assert not genuine(scheme, headers, body[:at] + bytes([body[at] ^ change]) + body[at + 1 :], SECRET)
    for name, value in headers.items():
        at = place % len(value)
        flipped = chr(ord(value[at]) ^ change)
        assert not genuine(scheme, headers | {name: value[:at] + flipped + value[at + 1 :]}, body, SECRET), name
    assert not genuine(scheme, headers, body + b"\x00", SECRET)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_while_a_secret_is_rotated_both_are_good_and_no_third(scheme: str) -> None:
    for secret in (SECRET, OTHER):
        assert genuine(scheme, SCHEMES[scheme](b"{}", secret), b"{}", SECRET, OTHER)
    assert not genuine(scheme, SCHEMES[scheme](b"{}", b"third"), b"{}", SECRET, OTHER)
    assert not genuine(scheme, SCHEMES[scheme](b"{}", SECRET), b"{}")
    assert not genuine(scheme, {}, b"{}", SECRET)


@pytest.mark.parametrize("late", [TOLERANCE + timedelta(seconds=1), -TOLERANCE - timedelta(seconds=1)])
def test_where_the_time_is_signed_an_old_delivery_is_refused(late: timedelta) -> None:
    headers = standard(b"{}", SECRET)
    assert genuine("bigcommerce", headers, b"{}", SECRET, now=NOW + TOLERANCE)
    assert not genuine("bigcommerce", headers, b"{}", SECRET, now=NOW + late)
    for at in ("", "9" * 400, "-1", "1e9", "٣"):
        assert not genuine("bigcommerce", headers | {"webhook-timestamp": at}, b"{}", SECRET)


def test_of_several_standard_signatures_one_fits() -> None:
    headers = standard(b"{}", SECRET)
    headers["webhook-signature"] = f"v1a,x v1,{mac(b'x', OTHER)} {headers['webhook-signature']}"
    assert genuine("bigcommerce", headers, b"{}", SECRET)


def test_the_example_of_standard_webhooks() -> None:
    """https://github.com/standard-webhooks/standard-webhooks/blob/main/libraries/python/tests/test_webhooks.py"""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    at = datetime.fromtimestamp(1614265330, UTC)
    assert signed_standard(headers, b'{"test": 2432232314}', [secret], at)


@pytest.mark.parametrize("vendor", webhook_vendors())
def test_a_vendor_tells_of_streams_there_are(vendor: str) -> None:
    """A topic that named a stream nobody has would never be done with."""
    known = {one.name for one in connector(vendor).streams}
    told = [webhooks(vendor).read(headers(vendor, topic), body(topic)) for topic in TOPICS[vendor]]
    assert {stream for one in told if one for stream in one.streams} <= known
    assert all(told)


TOPICS = {
    "shopify": ["products/create", "orders/updated", "refunds/create", "inventory_levels/update", "customers/merge"],
    "woocommerce": ["product.created", "order.updated", "customer.deleted"],
    "bigcommerce": [
        "store/product/updated",
        "store/order/refund/created",
        "store/sku/deleted",
        "store/information/updated",
    ],
}


def headers(vendor: str, topic: str) -> dict[str, str]:
    make = {"shopify": signing.shopify, "woocommerce": signing.woocommerce}.get(vendor)
    if make is None:
        return standard(body(topic), SECRET)
    return {name.lower(): value for name, value in make(topic, {}, "x")["headers"].items()}


def body(topic: str, at: int = 1561482670) -> bytes:
    """As BigCommerce writes it, who alone has the topic there."""
    return json.dumps({"scope": topic, "hash": "352e", "created_at": at, "data": {"type": "x", "id": 1}}).encode()


@pytest.mark.parametrize(
    ("vendor", "topic", "streams", "gone"),
    [
        ("shopify", "products/update", ("products", "inventory"), False),
        ("shopify", "orders/delete", ("orders",), True),
        ("shopify", "carts/update", None, False),
        ("shopify", "products/../../x", None, False),
        ("woocommerce", "order.created", ("orders",), False),
        ("woocommerce", "product.deleted", ("products",), True),
        ("woocommerce", "coupon.updated", None, False),
        ("woocommerce", "action.woocommerce_add_to_cart", None, False),
        ("bigcommerce", "store/inventory/updated", ("inventory",), False),
        ("bigcommerce", "store/customer/address/deleted", ("customers",), False),
        ("bigcommerce", "store/customer/deleted", ("customers",), True),
        ("bigcommerce", "store/cart/created", None, False),
        ("bigcommerce", "order/created", None, False),
    ],
)
def test_a_topic_names_what_changed(vendor: str, topic: str, streams: tuple[str, ...] | None, gone: bool) -> None:
    told = webhooks(vendor).read(headers(vendor, topic), body(topic))
    assert (told.streams if told else None, told.gone if told else False) == (streams, gone)


CUSTOMER = {"shop_id": 1, "shop_domain": "a.example", "customer": {"id": 7, "email": "anna@example.com"}}
ORDER = {"id": 5, "customer": {"id": 7}}


@pytest.mark.parametrize(
    ("topic", "body", "notice", "subject"),
    [
        ("customers/redact", CUSTOMER | {"orders_to_redact": [1]}, "redact_customer", "7"),
        ("customers/data_request", CUSTOMER | {"data_request": {"id": 9}}, "data_request", "7"),
        ("shop/redact", {"shop_id": 1, "shop_domain": "a.example"}, "redact_shop", None),
        ("app/uninstalled", {"id": 1, "email": "owner@example.com"}, "uninstalled", None),
    ],
)
def test_a_notice_has_the_shape_of_its_topic(topic: str, body: Any, notice: str, subject: str | None) -> None:
    told = webhooks("shopify").read(headers("shopify", topic), json.dumps(body).encode())
    assert told is not None
    assert (told.notice, told.subject, told.streams) == (notice, subject, ())


@pytest.mark.parametrize(
    ("topic", "body"),
    [
        ("customers/redact", ORDER),
        ("customers/redact", {"shop_id": 1, "shop_domain": "a.example"}),
        ("customers/redact", CUSTOMER | {"data_request": {"id": 9}}),
        ("shop/redact", CUSTOMER),
        ("shop/redact", {"id": 1, "domain": "a.example"}),
        ("customers/data_request", CUSTOMER),
        ("customers/redact", [] * 3),
    ],
)
def test_a_body_signed_for_one_topic_is_nothing_under_another(topic: str, body: Any) -> None:
    """The topic is in a header, which nobody signs: whoever caught an order must not have its customer forgotten."""
    assert webhooks("shopify").read(headers("shopify", topic), json.dumps(body).encode()) is None


def test_a_double_fire_of_bigcommerce_is_one_event_and_the_next_change_another() -> None:
    found = [
        webhooks("bigcommerce").read(standard(told, SECRET), told)
        for told in (
            body("store/product/updated"),
            body("store/product/updated"),
            body("store/product/updated", 1561482671),
        )
    ]
    names = [one.event for one in found if one]
    assert names[0] == names[1] != names[2]


def test_an_app_of_bigcommerce_that_was_taken_off_is_told() -> None:
    told = webhooks("bigcommerce").read({}, body("store/app/uninstalled"))
    assert told is not None and told.notice == "uninstalled"
    assert webhooks("bigcommerce").read({}, b"[]") is None


def test_only_woocommerce_greets() -> None:
    assert webhooks("woocommerce").greets({}, b"webhook_id=42")
    assert not webhooks("woocommerce").greets({}, b'webhook_id=42&{"id":1}')
    assert not webhooks("shopify").greets({}, b"webhook_id=42")


def test_a_vendor_without_webhooks_is_named() -> None:
    with pytest.raises(Misconfigured, match="magento"):
        webhooks("magento")
