"""Payouts and disputes come whole each time; a shop that has none, or does not show them, fails nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from sandbox.vendors.shopify.store import ALL_SCOPES, PAYMENTS_ACCOUNT
from tests.unit.sources.conftest import END, WHOLE, MakeShop, Shop, stamp
from varai.kernel import Window
from varai.sources import connector

MOMENT = Window(start=END, end=END + timedelta(minutes=15))
STREAMS = ("payouts", "disputes")


def usd(amount: str) -> dict[str, str]:
    return {"amount": amount, "currencyCode": "USD"}


def pay(shop: Shop, payouts: int, disputes: int, status: str = "PAID") -> None:
    """Give a shop an account with so many of both."""
    with shop.writer() as writer:
        when: dict[str, Any] = {"created_at": stamp(0), "updated_at": stamp(0)}
        writer.put(PAYMENTS_ACCOUNT, "ShopifyPaymentsAccount", {"activated": True}, **when)
        for number in range(1, payouts + 1):
            body = {"issuedAt": stamp(number), "status": status, "transactionType": "DEPOSIT", "net": usd("10.00")}
            gid, place = f"gid://shopify/ShopifyPaymentsPayout/{number}", {"position": number, "connection": "payouts"}
            writer.put(gid, "ShopifyPaymentsPayout", {**body, "summary": {}}, parent=PAYMENTS_ACCOUNT, **place, **when)
        for number in range(1, disputes + 1):
            body = {"initiatedAt": stamp(number), "status": "WON", "type": "INQUIRY", "amount": usd("5.00")}
            body["reasonDetails"] = {"reason": "GENERAL"}
            gid, place = (
                f"gid://shopify/ShopifyPaymentsDispute/{number}",
                {"position": number, "connection": "disputes"},
            )
            writer.put(gid, "ShopifyPaymentsDispute", body, parent=PAYMENTS_ACCOUNT, **place, **when)


@pytest.mark.parametrize("window", [WHOLE, MOMENT], ids=["whole", "a moment"])
def test_all_of_them_come_whatever_the_window(make_shop: MakeShop, window: Window) -> None:
    shop = make_shop()
    pay(shop, payouts=9, disputes=3)
    for stream, number in (("payouts", 9), ("disputes", 3)):
        landed = shop.land(stream, window, page_size=4)
        assert landed.records == landed.vendor_count == len(landed.ids()) == number
    assert "bulkOperationRunQuery" not in str(shop.requests())


def test_a_page_that_goes_missing_is_made_good(make_shop: MakeShop) -> None:
    shop = make_shop()
    pay(shop, payouts=9, disputes=0)

    def more(page: object) -> None:
        pay(shop, payouts=12, disputes=0)

    landed = shop.land("payouts", between=more, page_size=4)
    assert landed.records == landed.vendor_count == len(landed.ids()) == 12


@pytest.mark.parametrize("stream", STREAMS)
def test_a_shop_without_an_account_has_none(make_shop: MakeShop, stream: str) -> None:
    landed = make_shop().land(stream)
    assert (landed.records, landed.vendor_count, landed.lines) == (0, 0, [])


@pytest.mark.parametrize("stream", STREAMS)
def test_a_shop_that_does_not_show_them_fails_nothing(make_shop: MakeShop, stream: str) -> None:
    shop = make_shop(scopes=tuple(scope for scope in ALL_SCOPES if "payments" not in scope))
    pay(shop, payouts=2, disputes=2)
    landed = shop.land(stream)
    assert (landed.records, landed.vendor_count, landed.deletions) == (0, 0, ())
    report = connector("shopify").check(shop.session())
    assert f"read_shopify_payments_{stream}" in report.scopes_missing
    assert report.problems == []


def test_the_older_scope_over_all_payments_shows_them_too(make_shop: MakeShop) -> None:
    shop = make_shop(scopes=(*ALL_SCOPES[:7], "read_shopify_payments"))
    assert connector("shopify").check(shop.session()).scopes_missing == ()
