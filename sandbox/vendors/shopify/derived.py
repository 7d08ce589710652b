"""Values that bodies need not hold: derived from the row, from other fields, or empty by the schema's own rule."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from sandbox.vendors.shopify.errors import ApiError
from sandbox.vendors.shopify.selection import Pick
from sandbox.vendors.shopify.store import number_of

_NUMBER = re.compile(r"^-?\d+(\.\d+)?$")


class Subject(Protocol):
    """What a derivation may look at."""

    type: str
    body: dict[str, Any]
    gid: str | None
    parent_gid: str | None
    created_at: str | None
    updated_at: str | None


COUNTED = {
    ("Product", "variantsCount"): "variants",
    ("Order", "transactionsCount"): "transactions",
    ("InventoryItem", "locationsCount"): "inventoryLevels",
}
"""Count fields of an object, and the connection whose children they count."""

PARENTS = frozenset(
    {
        ("ProductVariant", "product"),
        ("Refund", "order"),
        ("OrderTransaction", "order"),
        ("InventoryLevel", "item"),
    }
)
"""Object fields that lead back to the node's parent."""


def _metafields(node: Subject, arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every metafield of a node that is asked for, in order of their keys; bodies keep {"namespace.key": value}."""
    namespace, keys = arguments.get("namespace"), arguments.get("keys")
    return [
        _one_metafield(node, full, value)
        for full, value in sorted((node.body.get("metafields") or {}).items())
        if (namespace is None or full.startswith(f"{namespace}.")) and (not keys or full in keys)
    ]


def _metafield(node: Subject, arguments: Mapping[str, Any]) -> dict[str, Any] | None:
    held = node.body.get("metafields") or {}
    full = f"{arguments.get('namespace', 'custom')}.{arguments['key']}"
    return _one_metafield(node, full, held[full]) if full in held else None


def _one_metafield(node: Subject, full: str, value: Any) -> dict[str, Any]:
    namespace, key = full.split(".", 1)
    number = zlib.crc32(f"{node.gid}{full}".encode())
    return {
        "id": f"gid://shopify/Metafield/{number}",
        "namespace": namespace,
        "key": key,
        "value": str(value).lower() if isinstance(value, bool) else str(value),
        "type": _metafield_type(value),
        "jsonValue": value,
        "createdAt": node.created_at,
        "updatedAt": node.updated_at,
    }


def _metafield_type(value: Any) -> str:
    if isinstance(value, bool) or value in ("true", "false"):
        return "boolean"
    return "number_decimal" if _NUMBER.match(str(value)) else "single_line_text_field"


def _quantities(node: Subject, arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The named quantities of a level; bodies keep a list of {name, quantity} or a map."""
    held = node.body.get("quantities") or []
    if isinstance(held, dict):
        held = [{"name": name, "quantity": quantity} for name, quantity in held.items()]
    known = {item["name"]: item for item in held}
    return [
        {
            "id": f"gid://shopify/InventoryQuantity/{number_of(node.gid or '')}?name={name}",
            "updatedAt": node.updated_at,
            **known.get(name, {"name": name, "quantity": 0}),
        }
        for name in arguments["names"]
    ]


def _legacy_id(node: Subject, arguments: Mapping[str, Any]) -> str | None:
    return str(number_of(node.gid)) if node.gid else None


def _display_name(node: Subject, arguments: Mapping[str, Any]) -> str:
    names = [node.body.get("firstName"), node.body.get("lastName")]
    return " ".join(name for name in names if name) or str(node.body.get("title") or node.body.get("email") or "")


def _body(name: str) -> Callable[[Subject, Mapping[str, Any]], Any]:
    def from_body(node: Subject, arguments: Mapping[str, Any]) -> Any:
        return node.body.get(name)

    return from_body


def _default_email(node: Subject, arguments: Mapping[str, Any]) -> dict[str, Any] | None:
    email = node.body.get("email")
    consent = node.body.get("emailMarketingConsent") or {}
    return email and {
        "emailAddress": email,
        "marketingState": consent.get("marketingState", "NOT_SUBSCRIBED"),
        "marketingOptInLevel": consent.get("marketingOptInLevel"),
        "marketingUpdatedAt": consent.get("consentUpdatedAt"),
        "validFormat": True,
    }


def _default_phone(node: Subject, arguments: Mapping[str, Any]) -> dict[str, Any] | None:
    phone = node.body.get("phone")
    return phone and {"phoneNumber": phone, "marketingState": "NOT_SUBSCRIBED"}


def _description(node: Subject, arguments: Mapping[str, Any]) -> str:
    text = str(node.body.get("description") or "")
    return text[: arguments["truncateAt"]] if arguments.get("truncateAt") else text


DERIVED: dict[tuple[str, str], Callable[[Subject, Mapping[str, Any]], Any]] = {
    ("*", "id"): lambda node, _: node.gid,
    ("*", "legacyResourceId"): _legacy_id,
    ("*", "createdAt"): lambda node, _: node.created_at,
    ("*", "updatedAt"): lambda node, _: node.updated_at,
    ("*", "metafield"): _metafield,
    ("*", "metafields"): _metafields,
    ("MoneyBag", "presentmentMoney"): _body("shopMoney"),
    ("InventoryItemMeasurement", "id"): lambda node, _: node.gid or "gid://shopify/InventoryItemMeasurement/0",
    ("InventoryLevel", "quantities"): _quantities,
    ("Customer", "displayName"): _display_name,
    ("Customer", "defaultEmailAddress"): _default_email,
    ("Customer", "defaultPhoneNumber"): _default_phone,
    ("Customer", "addressesV2"): lambda node, _: node.body.get("addressesV2") or [],
    ("Product", "description"): _description,
    ("ProductVariant", "displayName"): _body("title"),
    ("Order", "processedAt"): lambda node, _: node.body.get("processedAt") or node.created_at,
    ("Order", "discountApplications"): lambda node, _: node.body.get("discountApplications") or [],
    ("Order", "presentmentCurrencyCode"): _body("currencyCode"),
    ("Order", "closed"): lambda node, _: node.body.get("closedAt") is not None,
    ("Order", "number"): lambda node, _: number_of(node.gid or ""),
    ("Order", "name"): lambda node, _: f"#{number_of(node.gid or '')}",
    ("LineItem", "name"): _body("title"),
    ("LineItem", "currentQuantity"): _body("quantity"),
    ("LineItem", "refundableQuantity"): _body("quantity"),
    ("LineItem", "taxable"): lambda node, _: bool(node.body.get("taxLines")),
    ("Refund", "processedAt"): lambda node, _: node.body.get("processedAt") or node.created_at,
    ("OrderTransaction", "processedAt"): lambda node, _: node.body.get("processedAt") or node.created_at,
}
"""(type, field) -> how to make its value from the node and the field's arguments; "*" stands for every type."""

_NEVER_EMPTY = frozenset(
    {
        ("ProductVariant", "price"),
        ("LineItem", "originalUnitPriceSet"),
        ("Order", "totalPriceSet"),
        ("OrderTransaction", "amountSet"),
        ("OrderTransaction", "kind"),
        ("OrderTransaction", "status"),
        ("Order", "currencyCode"),
        ("LineItem", "quantity"),
        ("RefundLineItem", "quantity"),
        ("RefundLineItem", "subtotalSet"),
        ("TaxLine", "priceSet"),
        ("DiscountAllocation", "allocatedAmountSet"),
        ("MoneyV2", "amount"),
        ("MoneyV2", "currencyCode"),
        ("MoneyBag", "shopMoney"),
    }
)
_TRUE = frozenset({"isActive", "confirmed", "tracked", "availableForSale", "fullyPaid", "verifiedEmail", "validFormat"})
_EMPTY_ENUMS = {
    "OrderDisplayFulfillmentStatus": "UNFULFILLED",
    "OrderReturnStatus": "NO_RETURN",
    "RefundLineItemRestockType": "NO_RESTOCK",
    "ProductStatus": "ACTIVE",
    "ProductVariantInventoryPolicy": "DENY",
    "CustomerState": "DISABLED",
    "DiscountApplicationAllocationMethod": "ACROSS",
    "DiscountApplicationTargetSelection": "ALL",
    "DiscountApplicationTargetType": "LINE_ITEM",
}


_EMPTY: dict[str, Any] = {
    "Int": 0,
    "String": "",
    "HTML": "",
    "UnsignedInt64": "0",
    "Float": 0.0,
    "CashRoundingAdjustment": {},
    "InventoryItemMeasurement": {},
    "LocationAddress": {},
    "SEO": {},
    **_EMPTY_ENUMS,
}


def empty_value(type_name: str, pick: Pick, facts: Mapping[str, str]) -> Any:
    """What a field that may not be null holds when a shop never set it. Raises ApiError for prices and quantities."""
    kind = pick.type_name
    if (type_name, pick.name) in _NEVER_EMPTY:
        raise _unwritten(type_name, pick)
    if pick.listed:
        return []
    if kind == "Boolean":
        return pick.name in _TRUE
    if kind in _EMPTY:
        return _EMPTY[kind]
    if kind == "URL":
        return f"https://{facts.get('domain', '')}/"
    if kind not in ("MoneyBag", "MoneyV2"):
        raise _unwritten(type_name, pick)
    zero: dict[str, Any] = {"amount": "0.0", "currencyCode": facts.get("currency", "USD")}
    return zero if kind == "MoneyV2" else {"shopMoney": zero, "presentmentMoney": zero}


def _unwritten(type_name: str, pick: Pick) -> ApiError:
    return ApiError(
        f"the simulated shop holds a {type_name} without {pick.name}; write it into the body",
        code="INTERNAL_SERVER_ERROR",
    )
