"""What is read of Shopify's lines: per stream, the keys and their DuckDB types. Scalars are text, whatever JSON type they come in."""

from __future__ import annotations

from collections.abc import Mapping

from varai.sources.shapes import PARENT, TEXT, Shape, struct, texts

_REFERENCE = "STRUCT(id VARCHAR)"
_METAFIELD = "STRUCT(value VARCHAR)"
_MONEY = "STRUCT(amount VARCHAR, currencyCode VARCHAR)"
_BAG = f"STRUCT(shopMoney {_MONEY})"
_PLACE = "STRUCT(countryCodeV2 VARCHAR, provinceCode VARCHAR)"
_TAXES = f"STRUCT(title VARCHAR, rate VARCHAR, priceSet {_BAG})[]"
_ALLOCATIONS = f"STRUCT(allocatedAmountSet {_BAG}, discountApplication STRUCT(__typename VARCHAR))[]"


def _nodes(shape: Shape) -> str:
    return f"STRUCT(nodes {struct(shape)}[])"


_SHOP: Shape = {
    **texts("id", "updatedAt", "name", "myshopifyDomain", "currencyCode", "ianaTimezone", "taxesIncluded"),
    "primaryDomain": "STRUCT(host VARCHAR)",
    "plan": "STRUCT(publicDisplayName VARCHAR)",
}
_LOCATION: Shape = {**texts("id", "updatedAt", "name", "isActive"), "address": "STRUCT(countryCode VARCHAR)"}
VARIANT: Shape = {
    **texts("id", "title", "sku", "barcode", "price", "compareAtPrice", "position"),
    "inventoryItem": f"STRUCT(id VARCHAR, unitCost {_MONEY}, measurement STRUCT(weight STRUCT(unit VARCHAR, value VARCHAR)))",
    "selectedOptions": "STRUCT(name VARCHAR, value VARCHAR)[]",
    **dict.fromkeys(
        ("lens_width_mm", "bridge_mm", "temple_mm", "lens_height_mm", "frame_width_mm", "colour", "weight_g"),
        _METAFIELD,
    ),
}
IMAGE: Shape = texts("id", "url", "altText", "width", "height")
_PRODUCT: Shape = {
    **texts(
        "id", "updatedAt", "createdAt", "publishedAt", "title", "handle", "descriptionHtml", "vendor", "productType"
    ),
    **texts("status", "isGiftCard"),
    "tags": "VARCHAR[]",
    **dict.fromkeys(("frame_shape", "rim", "material", "rx_able", "polarised", "uv_category"), _METAFIELD),
    "variants": _nodes(VARIANT),
    "images": _nodes(IMAGE),
}
_LEVEL: Shape = {
    **texts("id", "updatedAt"),
    "item": _REFERENCE,
    "location": _REFERENCE,
    "quantities": "STRUCT(name VARCHAR, quantity VARCHAR)[]",
}
_CUSTOMER: Shape = {
    **texts(
        "id", "updatedAt", "createdAt", "firstName", "lastName", "dataSaleOptOut", "numberOfOrders", "defaultAddress"
    ),
    "defaultEmailAddress": "STRUCT(emailAddress VARCHAR, marketingState VARCHAR)",
    "defaultPhoneNumber": "STRUCT(phoneNumber VARCHAR)",
}
LINE_ITEM: Shape = {
    **texts("id", "title", "sku", "quantity", "isGiftCard"),
    "product": _REFERENCE,
    "variant": _REFERENCE,
    "customAttributes": "STRUCT(key VARCHAR, value VARCHAR)[]",
    "originalUnitPriceSet": _BAG,
    "taxLines": _TAXES,
    "discountAllocations": _ALLOCATIONS,
}
SHIPPING_LINE: Shape = {
    **texts("id", "title"),
    "originalPriceSet": _BAG,
    "discountedPriceSet": _BAG,
    "taxLines": _TAXES,
}
_TRANSACTION: Shape = {**texts("id", "kind", "status", "gateway", "test", "processedAt"), "amountSet": _BAG}
_REFUND_LINE: Shape = {
    **texts("id", "quantity", "restockType"),
    "lineItem": _REFERENCE,
    "subtotalSet": _BAG,
    "totalTaxSet": _BAG,
}
_REFUND_SHIPPING: Shape = {"subtotalAmountSet": _BAG, "taxAmountSet": _BAG}
_ADJUSTMENT: Shape = {"amountSet": _BAG, "taxAmountSet": _BAG}
REFUND: Shape = {
    **texts("id", "createdAt", "processedAt"),
    "totalRefundedSet": _BAG,
    "refundLineItems": _nodes(_REFUND_LINE),
    "refundShippingLines": _nodes(_REFUND_SHIPPING),
    "orderAdjustments": _nodes(_ADJUSTMENT),
}
_SALE: Shape = {**texts("actionType", "lineType", "quantity"), "totalAmount": _BAG}
EDIT: Shape = {**texts("id", "happenedAt"), "sales": _nodes(_SALE)}
_SHIPMENT: Shape = {
    **texts("id", "status", "displayStatus", "totalQuantity"),
    **texts("createdAt", "inTransitAt", "estimatedDeliveryAt", "deliveredAt"),
    "location": _REFERENCE,
    "service": "STRUCT(serviceName VARCHAR)",
    "trackingInfo": "STRUCT(company VARCHAR, number VARCHAR)[]",
}
_ORDER: Shape = {
    **texts(
        "id", "updatedAt", "createdAt", "processedAt", "name", "currencyCode", "presentmentCurrencyCode", "cancelledAt"
    ),
    **texts("cancelReason", "test", "displayFinancialStatus", "taxesIncluded", "sourceName"),
    "customer": _REFERENCE,
    "shippingAddress": _PLACE,
    **dict.fromkeys(
        ("subtotalPriceSet", "totalTaxSet", "totalShippingPriceSet", "totalDiscountsSet", "totalPriceSet"), _BAG
    ),
    "totalTipReceivedSet": _BAG,
    "transactions": f"{struct(_TRANSACTION)}[]",
    "refunds": f"{struct(REFUND)}[]",
    "fulfillments": f"{struct(_SHIPMENT)}[]",
    "lineItems": _nodes(LINE_ITEM),
    "shippingLines": _nodes(SHIPPING_LINE),
}

_PAYOUT: Shape = {
    **texts("id", "issuedAt", "status", "transactionType"),
    "net": _MONEY,
    "summary": struct(
        dict.fromkeys(
            (
                *("chargesGross", "chargesFee", "refundsFeeGross", "refundsFee", "adjustmentsGross", "adjustmentsFee"),
                *("reservedFundsGross", "reservedFundsFee", "retriedPayoutsGross", "retriedPayoutsFee"),
                *("advanceGross", "advanceFees"),
            ),
            _MONEY,
        )
    ),
}
_DISPUTE: Shape = {
    **texts("id", "initiatedAt", "evidenceDueBy", "evidenceSentOn", "finalizedOn", "status", "type"),
    "order": _REFERENCE,
    "amount": _MONEY,
    "reasonDetails": "STRUCT(reason VARCHAR)",
}

_ALONE: Mapping[str, Shape] = {
    "products": {PARENT: TEXT, **VARIANT, **IMAGE},
    "orders": {PARENT: TEXT, **LINE_ITEM, **SHIPPING_LINE, **REFUND, **EDIT},
}
_RECORDS: Mapping[str, Shape] = {
    "shop": _SHOP,
    "locations": _LOCATION,
    "products": _PRODUCT,
    "inventory": _LEVEL,
    "customers": _CUSTOMER,
    "payouts": _PAYOUT,
    "disputes": _DISPUTE,
    "orders": _ORDER,
}
COLUMNS: Mapping[str, Shape] = {stream: {**_ALONE.get(stream, {}), **shape} for stream, shape in _RECORDS.items()}
ALONE: Mapping[str, frozenset[str]] = {
    stream: frozenset(_ALONE.get(stream, {}).keys() - shape.keys()) for stream, shape in _RECORDS.items()
}
"""Keys that only lines of children have, as bulk files give them."""
