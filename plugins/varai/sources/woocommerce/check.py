"""What a feed may read, asked of the shop before its first run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from varai.kernel import Unauthorised
from varai.sources.clock import skew_problems
from varai.sources.contract import FeedReport, Session, missing_scopes
from varai.sources.woocommerce.client import API, Client, open_shop
from varai.sources.woocommerce.site import index
from varai.sources.woocommerce.streams import STREAMS

_PATHS: Final = {"settings": "settings/general", "products": "products", "customers": "customers", "orders": "orders"}


class _Order(msgspec.Struct):
    date_created_gmt: datetime


def check(session: Session) -> FeedReport:
    """Ask the shop for each kind of resource once; raises typed errors when it cannot be asked."""
    with open_shop(session) as client:
        served = API in index(client).namespaces
        granted = tuple(sorted(name for name, path in _PATHS.items() if _may_read(client, path)))
        missing = missing_scopes(STREAMS, granted)
        return FeedReport(
            scopes_granted=granted,
            scopes_missing=missing,
            history_from=_earliest_order(client) if "orders" in granted else None,
            api_version=API if served else "",
            rate_tier="WooCommerce has no limit of its own; the shop's host may have one",
            clock_skew_s=client.clock_skew_s,
            problems=_problems(missing, served) + skew_problems(client.clock_skew_s),
        )


def _may_read(client: Client, path: str) -> bool:
    try:
        client.get(f"{API}/{path}", {} if path.startswith("settings") else {"per_page": "1"}, list[Any])
    except Unauthorised:
        return False
    return True


def _earliest_order(client: Client) -> datetime | None:
    asked = {"status": "any", "orderby": "date", "order": "asc", "per_page": "1", "_fields": "id,date_created_gmt"}
    orders, _ = client.get(f"{API}/orders", asked, list[_Order])
    return orders[0].date_created_gmt.replace(tzinfo=UTC) if orders else None


def _problems(missing: tuple[str, ...], served: bool) -> list[str]:
    """Sentences with their cure."""
    problems = [
        f"The key may not read {scope}: give it the permission Read (WooCommerce, Settings, Advanced, REST API)"
        " and its user the role Shop manager."
        for scope in missing
    ]
    if not served:
        problems.append(f"The site does not serve {API}: activate WooCommerce 3.5 or later, and pretty permalinks.")
    return problems
