"""What a feed may read, asked of the store before its first run."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import msgspec

from varai.kernel import Gone, Malformed, Unauthorised
from varai.sources.bigcommerce.client import Client, open_store
from varai.sources.bigcommerce.streams import STREAMS
from varai.sources.clock import skew_problems
from varai.sources.contract import FeedReport, Session, missing_scopes

_PATHS: Final = {
    "store": "v2/store",
    "locations": "v3/inventory/locations",
    "products": "v3/catalog/products",
    "inventory": "v3/inventory/items",
    "customers": "v3/customers",
    "orders": "v2/orders",
    "refunds": "v3/orders/payment_actions/refunds",
}
_SCOPES: Final = {
    "store": "Information & Settings",
    "locations": "Store Locations",
    "products": "Products",
    "inventory": "Store Inventory",
    "customers": "Customers",
    "orders": "Orders",
    "refunds": "Order Transactions",
}
"""What each is called where an account is made (https://developer.bigcommerce.com/docs/start/authentication/api-accounts)."""


class _Order(msgspec.Struct):
    date_created: str


def check(session: Session) -> FeedReport:
    """Ask the store for each kind of resource once; raises typed errors when it cannot be asked."""
    with open_store(session) as client:
        granted = tuple(sorted(name for name in _PATHS if _may_read(client, name)))
        missing = missing_scopes(STREAMS, granted)
        return FeedReport(
            scopes_granted=granted,
            scopes_missing=missing,
            history_from=_earliest_order(client) if "orders" in granted else None,
            api_version="v3",
            rate_tier=_rate(client),
            clock_skew_s=client.clock_skew_s,
            problems=[*map(_problem, missing), *skew_problems(client.clock_skew_s)],
        )


def _may_read(client: Client, name: str) -> bool:
    try:
        client.get(_PATHS[name], {} if name == "store" else {"limit": "1"}, Any)
    except (Unauthorised, Gone):
        return False
    return True


def _earliest_order(client: Client) -> datetime | None:
    found = client.get("v2/orders", {"sort": "date_created:asc", "limit": "1"}, list[_Order])
    if not found:
        return None
    try:
        return parsedate_to_datetime(found[0].date_created).astimezone(UTC)
    except ValueError:
        raise Malformed("BigCommerce's earliest order has no date.") from None


def _rate(client: Client) -> str:
    if client.quota is None:
        return "BigCommerce did not say how many requests it takes"
    requests, seconds = client.quota
    return f"{requests} requests in {seconds:g} s, shared by all apps of the store"


def _problem(name: str) -> str:
    return (
        f"The account may not read {name}: make one whose scope {_SCOPES[name]} is read-only"
        " (Settings, API, Store-level API accounts), and write its token into the feed's secret."
    )
