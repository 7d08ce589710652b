"""What is read of Shopify's lines: per stream, the keys and their DuckDB types. Scalars are text, whatever JSON type they come in."""

from __future__ import annotations

from collections.abc import Mapping

PARENT = "__parentId"
"""The key by which a child line of a bulk file names its parent."""
Shape = Mapping[str, str]

_TEXT = "VARCHAR"
_REFERENCE = "STRUCT(id VARCHAR)"
_METAFIELD = "STRUCT(value VARCHAR)"
_MONEY = "STRUCT(amount VARCHAR, currencyCode VARCHAR)"
_BAG = f"STRUCT(shopMoney {_MONEY})"
_PLACE = "STRUCT(countryCodeV2 VARCHAR, provinceCode VARCHAR)"
_TAXES = f"STRUCT(title VARCHAR, rate VARCHAR, priceSet {_BAG})[]"
_ALLOCATIONS = f"STRUCT(allocatedAmountSet {_BAG}, discountApplication STRUCT(__typename VARCHAR))[]"


def quoted(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _texts(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, _TEXT)


def _struct(shape: Shape) -> str:
    return f"STRUCT({', '.join(f'{quoted(name)} {kind}' for name, kind in shape.items())})"


def _nodes(shape: Shape) -> str:
    return f"STRUCT(nodes {_struct(shape)}[])"


_SHOP: Shape = {
    **_texts("id", "updatedAt", "name", "myshopifyDomain", "currencyCode", "ianaTimezone", "taxesIncluded"),
    "primaryDomain": "STRUCT(host VARCHAR)",
    "plan": "STRUCT(publicDisplayName VARCHAR)",
}
_LOCATION: Shape = {**_texts("id", "updatedAt", "name", "isActive"), "address": "STRUCT(countryCode VARCHAR)"}
VARIANT: Shape = {
    **_texts("id", "title", "sku", "barcode", "price", "compareAtPrice", "position"),
    "inventoryItem": f"STRUCT(id VARCHAR, unitCost {_MONEY}, measurement STRUCT(weight STRUCT(unit VARCHAR, value VARCHAR)))",
    "selectedOptions": "STRUCT(name VARCHAR, value VARCHAR)[]",
    **dict.fromkeys(
        ("lens_width_mm", "bridge_mm", "temple_mm", "lens_height_mm", "frame_width_mm", "colour", "weight_g"),
        _METAFIELD,
    ),
}
IMAGE: Shape = _texts("id", "url", "altText", "width", "height")
_PRODUCT: Shape = {
    **_texts(
        "id", "updatedAt", "createdAt", "publishedAt", "title", "handle", "descriptionHtml", "vendor", "productType"
    ),
    **_texts("status", "isGiftCard"),
    "tags": "VARCHAR[]",
    **dict.fromkeys(("frame_shape", "rim", "material", "rx_able", "polarised", "uv_category"), _METAFIELD),
    "variants": _nodes(VARIANT),
    "images": _nodes(IMAGE),
}
_LEVEL: Shape = {
    **_texts("id", "updatedAt"),
    "item": _REFERENCE,
    "location": _REFERENCE,
    "quantities": "STRUCT(name VARCHAR, quantity VARCHAR)[]",
}
_CUSTOMER: Shape = {
    **_texts(
        "id", "updatedAt", "createdAt", "firstName", "lastName", "dataSaleOptOut", "numberOfOrders", "defaultAddress"
    ),
    "defaultEmailAddress": "STRUCT(emailAddress VARCHAR, marketingState VARCHAR)",
    "defaultPhoneNumber": "STRUCT(phoneNumber VARCHAR)",
}
LINE_ITEM: Shape = {
    **_texts("id", "title", "sku", "quantity", "isGiftCard"),
    "product": _REFERENCE,
    "variant": _REFERENCE,
    "customAttributes": "STRUCT(key VARCHAR, value VARCHAR)[]",
    "originalUnitPriceSet": _BAG,
    "taxLines": _TAXES,
    "discountAllocations": _ALLOCATIONS,
}
SHIPPING_LINE: Shape = {
    **_texts("id", "title"),
    "originalPriceSet": _BAG,
    "discountedPriceSet": _BAG,
    "taxLines": _TAXES,
}
_TRANSACTION: Shape = {**_texts("id", "kind", "status", "gateway", "test", "processedAt"), "amountSet": _BAG}
_REFUND_LINE: Shape = {
    **_texts("id", "quantity", "restockType"),
    "lineItem": _REFERENCE,
    "subtotalSet": _BAG,
    "totalTaxSet": _BAG,
}
_REFUND_SHIPPING: Shape = {"subtotalAmountSet": _BAG, "taxAmountSet": _BAG}
_ADJUSTMENT: Shape = {"amountSet": _BAG, "taxAmountSet": _BAG}
REFUND: Shape = {
    **_texts("id", "createdAt", "processedAt"),
    "totalRefundedSet": _BAG,
    "refundLineItems": _nodes(_REFUND_LINE),
    "refundShippingLines": _nodes(_REFUND_SHIPPING),
    "orderAdjustments": _nodes(_ADJUSTMENT),
}
_ORDER: Shape = {
    **_texts(
        "id", "updatedAt", "createdAt", "processedAt", "name", "currencyCode", "presentmentCurrencyCode", "cancelledAt"
    ),
    **_texts("cancelReason", "test", "displayFinancialStatus", "taxesIncluded", "sourceName"),
    "customer": _REFERENCE,
    "shippingAddress": _PLACE,
    **dict.fromkeys(
        ("subtotalPriceSet", "totalTaxSet", "totalShippingPriceSet", "totalDiscountsSet", "totalPriceSet"), _BAG
    ),
    "transactions": f"{_struct(_TRANSACTION)}[]",
    "refunds": f"{_struct(REFUND)}[]",
    "lineItems": _nodes(LINE_ITEM),
    "shippingLines": _nodes(SHIPPING_LINE),
}

_PARENT: Shape = _texts(PARENT)
COLUMNS: Mapping[str, Shape] = {
    "shop": _SHOP,
    "locations": _LOCATION,
    "products": {**_PARENT, **VARIANT, **IMAGE, **_PRODUCT},
    "inventory": _LEVEL,
    "customers": _CUSTOMER,
    "orders": {**_PARENT, **LINE_ITEM, **SHIPPING_LINE, **REFUND, **_ORDER},
}
