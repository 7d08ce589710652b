"""What a tenant sells at this moment: its catalogue in; ids of products with their lowest prices out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from varai.kernel import Misconfigured, Scope
from varai.stores import documents

_PRODUCT: Final = {"feed": 1, "source_id": 1, "variants": 1}


def sellable(scope: Scope, at: datetime) -> dict[str, int | None]:
    """Products that can be bought, "{feed}/{product_id}" -> lowest price in millionths of the major unit; None: not known.

    A product can be bought when it is active and published, no gift card, and a variant of it is in stock or its stock
    is not counted. The price is that of the cheapest such variant.

    Args:
        scope: of the tenant.
        at: products published later are not on sale yet.

    Raises:
        Misconfigured: the scope is a whole region's.
    """
    if scope.tenant is None:
        raise Misconfigured("What is on sale is asked of one tenant.", "Pass a scope of one tenant.")
    stock = _stock(scope)
    wanted = {
        "tenant": scope.tenant,
        "product.deleted": False,
        "product.status": "active",
        "product.gift_card": {"$ne": True},
        "product.published_at": {"$lte": at},
    }
    found: dict[str, int | None] = {}
    for one in documents(scope)["products"].find(wanted, _PRODUCT):
        bought = [part for part in one.get("variants", {}).values() if _available(one["feed"], part, stock)]
        if bought:
            prices = [_micro(part["price"]) for part in bought if part["price"] is not None]
            found[f"{one['feed']}/{one['source_id']}"] = min(prices, default=None)
    return found


def _stock(scope: Scope) -> Mapping[tuple[str, str], int]:
    """Pieces that can be sold by (feed, item), over all places; an item of which no count is known is not in it."""
    wanted = {"tenant": scope.tenant, "inventory_level.deleted": False, "inventory_level.available": {"$ne": None}}
    shown = {"feed": 1, "inventory_level.inventory_item_id": 1, "inventory_level.available": 1}
    counts: Counter[tuple[str, str]] = Counter()
    for one in documents(scope)["inventory_levels"].find(wanted, shown):
        level = one["inventory_level"]
        counts[one["feed"], level["inventory_item_id"]] += level["available"]
    return counts


def _available(feed: str, variant: Mapping[str, Any], stock: Mapping[tuple[str, str], int]) -> bool:
    if variant["deleted"]:
        return False
    item = (feed, variant["inventory_item_id"])
    return item not in stock or stock[item] > 0


def _micro(price: Any) -> int:
    return int(price.to_decimal().scaleb(6))
