"""What a feed may read, asked of the shop before its first run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from varai.kernel import Gone, Malformed, Unauthorised
from varai.sources.clock import skew_problems
from varai.sources.contract import FeedReport, Session, missing_scopes
from varai.sources.magento.client import API, Client, open_shop
from varai.sources.magento.search import criteria
from varai.sources.magento.site import stores
from varai.sources.magento.streams import STREAMS
from varai.sources.transport import insist

_PATHS: Final = {
    "stores": "store/storeConfigs",
    "products": "products",
    "stock": "inventory/source-items",
    "customers": "customers/search",
    "orders": "orders",
    "refunds": "creditmemos",
}
_ORDERS_OF: Final = {"stock": "source_item_id"}


class _Order(msgspec.Struct):
    created_at: str


class _Orders(msgspec.Struct):
    items: list[_Order] | None = None


def check(session: Session) -> FeedReport:
    """Ask the shop for each kind of resource once; raises typed errors when it cannot be asked."""
    with open_shop(session) as client:
        insist(lambda: client.access.headers(client.access.base))  # who is given no token need not be told six times
        answers = {name: _may_read(client, name) for name in _PATHS}
        granted = tuple(sorted(name for name, may in answers.items() if may))
        missing = missing_scopes(STREAMS, granted)
        return FeedReport(
            scopes_granted=granted,
            scopes_missing=missing,
            history_from=_earliest_order(client) if "orders" in granted else None,
            api_version=API,
            rate_tier="Magento has no limit of its own for reading; the shop's host may have one",
            clock_skew_s=client.clock_skew_s,
            problems=_problems(client, answers) + skew_problems(client.clock_skew_s),
        )


def _may_read(client: Client, name: str) -> bool | None:
    """None: the shop does not have it."""
    asked = {} if name == "stores" else criteria((), size=1, page=1, order=_ORDERS_OF.get(name, "entity_id"))
    try:
        client.get(_PATHS[name], asked, Any)
    except Unauthorised:
        return False
    except Gone:
        return None
    return True


def _earliest_order(client: Client) -> datetime | None:
    found = client.get("orders", criteria((), size=1, page=1, order="created_at"), _Orders).items
    if not found:
        return None
    try:
        return datetime.fromisoformat(found[0].created_at).replace(tzinfo=UTC)
    except ValueError:
        raise Malformed("Magento's earliest order has no date.") from None


def _problems(client: Client, answers: dict[str, bool | None]) -> list[str]:
    """Sentences with their cure."""
    problems = [
        f"The integration may not read {name}: {client.access.may}." for name, may in answers.items() if may is False
    ]
    problems += [
        f"The shop does not serve {_PATHS[name]}: enable the module that does."
        for name, may in answers.items()
        if may is None
    ]
    if answers["stores"]:
        found = {store.base_currency_code for store in stores(client)}
        if len(found) > 1:
            problems.append(
                f"The shop's websites keep their books in {', '.join(sorted(found))}: read each website by a feed of its own,"
                " whose setting `store` names a store of it."
            )
    return problems
