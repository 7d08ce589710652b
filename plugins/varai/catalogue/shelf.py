"""Products for serving: a page at a time, public fields alone, read through the region's cache.

The cache's keys carry the version of the tenant's catalogue, so that nothing cached before a sync is read after it. A
cache that fails is a miss.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
from bson import Decimal128
from valkey.exceptions import ValkeyError

from varai.canonical import CURRENCIES, entity
from varai.catalogue.collections import MAPS, plain_name
from varai.catalogue.versions import version
from varai.kernel import Malformed, Misconfigured, Scope
from varai.stores import cache, documents

LIMIT = 250
FILTERS = ("feed", "status", "brand", "product_type", "frame_shape", "rim", "material", "gift_card")
_LIVES_S = 3600
_MONEY = ("price", "compare_at")


@dataclass(frozen=True, slots=True)
class ProductPage:
    """Products in order of identity, and the cursor of the next page; None on the last one."""

    items: list[dict[str, Any]]
    next: str | None


def find_products(
    scope: Scope,
    tenant: str,
    *,
    limit: int = 50,
    after: str | None = None,
    filters: Mapping[str, Any] | None = None,
) -> ProductPage:
    """A page of a tenant's products that are not deleted, with their live variants and images.

    Fields are those of class `public`, as JSON can carry them: decimals as text (prices with their currency's
    decimals), instants as ISO 8601. Beside them: id, feed, updated_at, stale and score.

    Args:
        scope: of the tenant, or of its region.
        tenant: whose products.
        limit: 1 to 250.
        after: `next` of the page before.
        filters: exact values by name, see FILTERS.

    Raises:
        Malformed: an unknown filter, a limit out of range or a cursor that is none.
        Misconfigured: the scope is another tenant's.
    """
    if scope.tenant not in (None, tenant):
        raise Misconfigured(f"The scope of tenant '{scope.tenant}' may not read products of '{tenant}'.")
    wanted = _wanted(tenant, limit, after, filters or {})
    key = _key(scope, tenant, version(scope, tenant), limit, wanted)
    known = _cached(scope, key)
    if known is not None:
        return ProductPage(**orjson.loads(known))
    page = _read(scope, wanted, limit)
    _keep(scope, key, orjson.dumps(asdict(page)))
    return page


def _wanted(tenant: str, limit: int, after: str | None, filters: Mapping[str, Any]) -> dict[str, Any]:
    if not 1 <= limit <= LIMIT:
        raise Malformed(f"A page has 1 to {LIMIT} products, not {limit}.", "Ask for fewer and follow `next`.")
    unknown = sorted(filters.keys() - set(FILTERS))
    if unknown:
        raise Malformed(f"Products cannot be filtered by {', '.join(unknown)}.", f"Use {', '.join(FILTERS)}.")
    wanted: dict[str, Any] = {"tenant": tenant, "product.deleted": False}
    for name, value in filters.items():
        wanted["feed" if name == "feed" else f"product.{name}"] = {"$eq": value}
    if after is not None:
        wanted["_id"] = {"$gt": f"{tenant}/{_opened(after)}"}
    return wanted


def _read(scope: Scope, wanted: Mapping[str, Any], limit: int) -> ProductPage:
    found = list(documents(scope)["products"].find(wanted).sort("_id", 1).limit(limit + 1))
    shown = found[:limit]
    more = len(found) > limit
    return ProductPage([_product(one) for one in shown], _cursor(shown[-1]["_id"]) if more else None)


def _product(document: Mapping[str, Any]) -> dict[str, Any]:
    shown = {"id": document["source_id"], "feed": document["feed"], **_shown("product", document["product"])}
    for name, holder in MAPS.items():
        parts = [
            {"id": plain_name(key), **_shown(name, part)}
            for key, part in document.get(holder, {}).items()
            if not part["deleted"]
        ]
        shown[holder] = sorted(parts, key=lambda one: (one["sort_order"] is None, one["sort_order"], one["id"]))
    return shown


def _shown(entity_name: str, part: Mapping[str, Any]) -> dict[str, Any]:
    currency = part.get("currency")
    public = [field.name for field in entity(entity_name).fields if field.data_class == "public"]
    shown = {name: _json(name, part[name], currency) for name in public if name != "product_id"}
    return {
        **shown,
        "updated_at": _json("updated_at", part["source_updated_at"], None),
        "score": part["score"],
        "stale": part["stale"],
    }


def _json(name: str, value: Any, currency: str | None) -> Any:
    if isinstance(value, Decimal128):
        return _decimal_text(value.to_decimal(), CURRENCIES.get(currency or "", 0) if name in _MONEY else 0)
    return value.isoformat() if isinstance(value, datetime) else value


def _decimal_text(value: Decimal, decimals: int) -> str:
    """Plain digits, with at least so many decimals and all the number has."""
    exponent = value.as_tuple().exponent
    missing = decimals + exponent if isinstance(exponent, int) else 0
    return format(value.quantize(Decimal(1).scaleb(-decimals)) if missing > 0 else value, "f")


def _cursor(document_id: str) -> str:
    return base64.urlsafe_b64encode(document_id.partition("/")[2].encode()).decode().rstrip("=")


def _opened(cursor: str) -> str:
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise Malformed("`after` is not a cursor of this list.", "Pass `next` of the page before as it is.") from error


def _key(scope: Scope, tenant: str, at: int, limit: int, wanted: Mapping[str, Any]) -> str:
    asked = orjson.dumps([limit, wanted], option=orjson.OPT_SORT_KEYS, default=str)
    return f"catalogue:{scope.region}:{scope.plane}:{tenant}:{at}:{hashlib.sha256(asked).hexdigest()}"


def _cached(scope: Scope, key: str) -> bytes | None:
    client = cache(scope)
    if client is None:
        return None
    try:
        return client.get(key)  # type: ignore[return-value]  # bytes: the client does not decode
    except ValkeyError:
        return None


def _keep(scope: Scope, key: str, page: bytes) -> None:
    client = cache(scope)
    if client is None:
        return
    try:
        client.set(key, page, ex=_LIVES_S)
    except ValkeyError:
        return
