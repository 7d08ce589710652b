"""Edits come whole with the orders that have some, by file and by page alike, and orders without cost no question."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.sources.conftest import ALL_AS_WINDOW, WHOLE, Landed, MakeShop, Shop, put_order, stamp, usd
from varai.kernel import Window
from varai.sources.shopify.edits import edited_orders


def sale(number: int) -> dict[str, Any]:
    zero = usd("0.00")
    return {
        "__typename": "ProductSale",
        "id": f"gid://shopify/Sale/{number}",
        "actionType": "ORDER",
        "lineType": "PRODUCT",
        "quantity": 1,
        "lineItem": {"id": "gid://shopify/LineItem/1"},
        "totalAmount": usd("1.00"),
        "totalTaxAmount": zero,
        "totalDiscountAmountBeforeTaxes": zero,
        "totalDiscountAmountAfterTaxes": zero,
    }


def edit(shop: Shop, number: int, sizes: list[int]) -> None:
    """Give an order so many edits, each of so many sales, after the agreement it was placed by."""
    kinds = ["OrderAgreement", *["OrderEditAgreement"] * len(sizes)]
    agreements = [
        {
            "__typename": kind,
            "id": f"gid://shopify/SalesAgreement/{number * 100 + at}",
            "happenedAt": stamp(number),
            "reason": "ORDER_EDIT" if at else "ORDER",
            "sales": [sale(number * 10_000 + at * 1000 + one) for one in range(size)],
        }
        for at, (kind, size) in enumerate(zip(kinds, [1, *sizes], strict=True))
    ]
    body = {"currencyCode": "USD", "totalPriceSet": usd("100.00"), "edited": True, "agreements": agreements}
    with shop.writer() as writer:
        gid = put_order(writer, number)
        writer.put(gid, "Order", body, created_at=stamp(number), updated_at=stamp(number))


def sales_of(landed: Landed) -> dict[str, int]:
    """How many sales came of each edit."""
    edits = [line for line in landed.lines if line.get("__typename") == "OrderEditAgreement"]
    assert all(len({one["id"] for one in line["sales"]["nodes"]}) == len(line["sales"]["nodes"]) for line in edits)
    return {line["id"].rsplit("/", 1)[1]: len(line["sales"]["nodes"]) for line in edits}


@pytest.mark.parametrize("window", [WHOLE, ALL_AS_WINDOW], ids=["bulk", "pages"])
def test_edits_come_whole_and_change_no_count(make_shop: MakeShop, window: Window) -> None:
    shop = make_shop(orders=5)
    edit(shop, 2, [1, 3])
    edit(shop, 3, [270, 1])  # more sales than come at once
    edit(shop, 4, [1] * 12)  # more edits than come at once
    landed = shop.land("orders", window)
    assert sales_of(landed) == {"201": 1, "202": 3, "301": 270, "302": 1, **{f"4{at:02d}": 1 for at in range(1, 13)}}
    assert {line["__parentId"] for line in landed.lines if "SalesAgreement" in line["id"]} == {
        f"gid://shopify/Order/{number}" for number in (2, 3, 4)
    }
    assert landed.records == landed.vendor_count == 5


def test_orders_that_were_not_edited_are_not_asked_for_edits(make_shop: MakeShop) -> None:
    shop = make_shop(orders=3)
    shop.land("orders", ALL_AS_WINDOW)
    assert "agreements" not in str(shop.requests())


def test_only_an_order_that_says_so_is_edited() -> None:
    lines = (
        b'{"id":"gid://shopify/Order/1","note":"\\"edited\\":true","edited":false}\n'
        b'{"id":"gid://shopify/LineItem/2","edited":true}\n'
        b'{ "id": "gid://shopify/Order/3", "edited" : true, "name":"#3"}\n'
        b'{"id":"gid://shopify/Order/4","name":"#4","edited":true}\n'
    )
    assert list(edited_orders(lines)) == [3, 4]
