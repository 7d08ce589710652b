"""Records of a Shopify shop as both line shapes carry them, and the mapping's rows of them."""

from __future__ import annotations

import json
from typing import Any

from varai.canonical.mapper import map_lines
from varai.canonical.mapping import UNMAPPABLE
from varai.kernel import Feed
from varai.sources import ShopFacts
from varai.sources.shopify import CONNECTOR

FACTS = ShopFacts("GBP", "Europe/London")
KINDS = {"POST|DOT": "postage", "BANK .*": "fee", "8511.*B": "adjustment"}
ENTITIES = {spec.name: spec.entities for spec in CONNECTOR.streams}
Rows = dict[str, list[dict[str, Any]]]


def feed(**values: Any) -> Feed:
    return Feed(tenant="north", name="shop", connector="shopify", base_url="https://x", secret="s", settings=values)


def rows_of(stream: str, *records: dict[str, Any], facts: ShopFacts = FACTS, **values: Any) -> Rows:
    text = b"".join(json.dumps(record).encode() + b"\n" for record in records)
    found: Rows = {name: [] for name in (*ENTITIES[stream], UNMAPPABLE)}
    for name, batch in map_lines(iter([text]), CONNECTOR.mapping(stream, feed(**values), facts)):
        found[name] += batch.to_pylist()
    return found


def gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


def bag(amount: str, currency: str = "GBP") -> dict[str, Any]:
    money = {"amount": amount, "currencyCode": currency}
    return {"shopMoney": money, "presentmentMoney": money}


def tax(amount: str) -> dict[str, Any]:
    return {"title": "VAT", "rate": 0.2, "priceSet": bag(amount)}


def allocation(amount: str, kind: str = "DiscountCodeApplication") -> dict[str, Any]:
    return {"allocatedAmountSet": bag(amount), "discountApplication": {"__typename": kind, "index": 0}}


def delivery_back(amount: str, of_tax: str) -> dict[str, Any]:
    return {"id": gid("RefundShippingLine", 71), "subtotalAmountSet": bag(amount), "taxAmountSet": bag(of_tax)}


ITEM = {
    "id": gid("LineItem", 31),
    "title": "Round",
    "sku": "R-1",
    "quantity": 3,
    "isGiftCard": False,
    "product": {"id": gid("Product", 1)},
    "variant": {"id": gid("ProductVariant", 11)},
    "customAttributes": [
        {"key": "lens_type", "value": "progressive"},
        {"key": "rx_od_sphere", "value": "-2.00"},
    ],
    "originalUnitPriceSet": bag("10.005"),
    "taxLines": [tax("1.005"), tax("0.50")],
    "discountAllocations": [allocation("1.00"), allocation("0.015", "AutomaticDiscountApplication")],
}
MANUAL = {
    **ITEM,
    "id": gid("LineItem", 32),
    "sku": "",
    "quantity": 1,
    "product": None,
    "variant": None,
    "customAttributes": [],
    "taxLines": [],
    "discountAllocations": [],
}
SHIPPING = {
    "id": gid("ShippingLine", 41),
    "title": "Post",
    "originalPriceSet": bag("5.00"),
    "discountedPriceSet": bag("4.00"),
    "taxLines": [tax("0.80")],
}
REFUND = {
    "id": gid("Refund", 51),
    "createdAt": "2026-07-02T23:30:00Z",
    "processedAt": "2026-07-02T23:30:00Z",
    "note": "broke",
    "totalRefundedSet": bag("10.00"),
    "refundLineItems": {
        "nodes": [
            {
                "id": None,
                "quantity": 1,
                "restockType": "RETURN",
                "lineItem": {"id": gid("LineItem", 31)},
                "subtotalSet": bag("9.00"),
                "totalTaxSet": bag("1.00"),
            }
        ]
    },
    "refundShippingLines": {"nodes": [delivery_back("4.00", "0.80"), delivery_back("0.015", "0.005")]},
    "orderAdjustments": {
        "nodes": [
            {"id": gid("OrderAdjustment", 61), "amountSet": bag("-5.00"), "taxAmountSet": bag("0.00")},
            {"id": gid("OrderAdjustment", 62), "amountSet": bag("8.00"), "taxAmountSet": bag("1.60")},
        ]
    },
}
SHIPMENT = {
    "id": gid("Fulfillment", 81),
    "createdAt": "2026-07-01T09:00:00Z",
    "updatedAt": "2026-07-02T12:00:00Z",
    "status": "SUCCESS",
    "displayStatus": "DELIVERED",
    "inTransitAt": "2026-07-01T12:00:00Z",
    "estimatedDeliveryAt": "2026-07-03T00:00:00Z",
    "deliveredAt": "2026-07-02T12:00:00Z",
    "totalQuantity": 4,
    "location": {"id": gid("Location", 1)},
    "service": {"serviceName": "Manual"},
    "trackingInfo": [{"company": "Royal Mail", "number": "TRACK-ME", "url": "https://carrier.test/TRACK-ME"}],
}
ORDER = {
    "id": gid("Order", 2),
    "updatedAt": "2026-07-03T00:00:00Z",
    "createdAt": "2026-06-30T23:30:00Z",
    "processedAt": "2026-06-30T23:30:00Z",
    "name": "#1001",
    "currencyCode": "GBP",
    "presentmentCurrencyCode": "EUR",
    "test": False,
    "taxesIncluded": True,
    "displayFinancialStatus": "PAID",
    "customer": {"id": gid("Customer", 7)},
    "subtotalPriceSet": bag("30.02"),
    "totalTaxSet": bag("2.30"),
    "totalShippingPriceSet": bag("5.00"),
    "totalDiscountsSet": bag("1.02"),
    "totalPriceSet": bag("34.00"),
    "shippingAddress": {"countryCodeV2": "GB", "provinceCode": "ENG", "city": "Leeds"},
    "sourceName": "web",
    "transactions": [
        {
            "id": gid("OrderTransaction", 61),
            "kind": "SALE",
            "status": "SUCCESS",
            "gateway": "paypal",
            "amountSet": bag("34.00"),
            "test": False,
            "processedAt": "2026-06-30T23:31:00Z",
        },
        {
            "id": gid("OrderTransaction", 62),
            "kind": "REFUND",
            "status": "SUCCESS",
            "gateway": "gift_card",
            "amountSet": bag("4.00"),
            "test": False,
            "processedAt": "2026-07-02T23:30:00Z",
        },
    ],
    "totalTipReceivedSet": bag("1.50"),
    "fulfillments": [SHIPMENT],
}
EDIT = {
    "__typename": "OrderEditAgreement",
    "id": gid("SalesAgreement", 91),
    "happenedAt": "2026-06-30T23:45:00Z",
    "reason": "ORDER_EDIT",
    "sales": {
        "nodes": [
            {"actionType": "ORDER", "lineType": "PRODUCT", "quantity": 2, "totalAmount": bag("20.01")},
            {"actionType": "ORDER", "lineType": "SHIPPING", "quantity": 1, "totalAmount": bag("1.00")},
            {"actionType": "RETURN", "lineType": "PRODUCT", "quantity": -1, "totalAmount": bag("-9.005")},
            {"actionType": "UPDATE", "lineType": "PRODUCT", "quantity": None, "totalAmount": bag("-0.50")},
        ]
    },
    "__parentId": ORDER["id"],
}
PAGED_ORDER = {
    **ORDER,
    "lineItems": {"nodes": [ITEM, MANUAL], "pageInfo": {"hasNextPage": False}},
    "shippingLines": {"nodes": [SHIPPING]},
    "refunds": [REFUND],
}
BULK_ORDER = (
    {**SHIPPING, "__parentId": ORDER["id"]},
    {**ORDER, "refund_ids": [{"id": REFUND["id"]}]},
    {**ITEM, "__parentId": ORDER["id"]},
    {"__typename": "Refund", **REFUND, "__parentId": ORDER["id"]},
    {**MANUAL, "__parentId": ORDER["id"]},
    EDIT,
)
VARIANT = {
    "id": gid("ProductVariant", 11),
    "updatedAt": "2026-02-01T00:00:00Z",
    "title": "Black / M",
    "sku": "R-1",
    "barcode": "9520000000017",
    "price": "129.00",
    "compareAtPrice": "150.00",
    "position": 2,
    "selectedOptions": [{"name": "Size", "value": "M"}, {"name": "Color", "value": "Black"}],
    "inventoryItem": {
        "id": gid("InventoryItem", 21),
        "unitCost": {"amount": "50.00", "currencyCode": "USD"},
        "measurement": {"weight": {"unit": "KILOGRAMS", "value": 0.025}},
    },
    "lens_width_mm": {"value": "52"},
    "bridge_mm": {"value": "18.5"},
    "colour": None,
}
IMAGE = {"id": gid("ProductImage", 71), "url": "https://x/1.jpg", "altText": "", "width": 800, "height": 600}
PRODUCT = {
    "id": gid("Product", 1),
    "updatedAt": "2026-02-01T00:00:00Z",
    "createdAt": "2026-01-01T00:00:00Z",
    "publishedAt": None,
    "title": "Round",
    "handle": "round",
    "descriptionHtml": "<p>Round</p>",
    "vendor": "Brisa",
    "productType": "Glasses",
    "status": "ACTIVE",
    "tags": ["sun", "round"],
    "isGiftCard": False,
    "frame_shape": {"value": "round"},
    "rx_able": {"value": "true"},
    "polarised": {"value": "false"},
    "uv_category": {"value": "3"},
}
PAGED_PRODUCT = {**PRODUCT, "variants": {"nodes": [VARIANT]}, "images": {"nodes": [IMAGE]}}
BULK_PRODUCT = (
    PRODUCT,
    {**IMAGE, "__parentId": PRODUCT["id"]},
    {**VARIANT, "__parentId": PRODUCT["id"]},
)
