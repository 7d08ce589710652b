"""How far each tenant's sales are known now: the watermarks of its streams of orders, and the zones its shops date sales in."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from varai.kernel import Feed, Scope
from varai.marts import FeedCoverage
from varai.registry import SliceState
from varai.river.shop import known_facts
from varai.river.withheld import sales_streams


def coverage(scope: Scope) -> dict[str, dict[str, FeedCoverage]]:
    """Tenant -> feed -> how far its orders have settled in the warehouse.

    Ask before the marts are built: what settles while they are may be missing in them.
    """
    found: dict[str, dict[str, FeedCoverage]] = {}
    for feed, key in sales_streams(scope):
        of_tenant = found.setdefault(feed.tenant, {})
        until = [SliceState(scope, key).watermark()]
        if feed.name in of_tenant:  # where lines come apart from their orders, both must have come
            until.append(of_tenant[feed.name].complete_until)
        known = [one for one in until if one is not None]
        complete = min(known) if len(known) == len(until) else None
        of_tenant[feed.name] = FeedCoverage(complete_until=complete, timezone=_zone(scope, feed))
    return found


def _zone(scope: Scope, feed: Feed) -> str | None:
    """The shop's zone, if the vendor's word for it is one of IANA's: nothing is dated in any other."""
    facts = known_facts(scope, feed)
    try:
        return ZoneInfo(facts.timezone).key if facts else None
    except (ZoneInfoNotFoundError, ValueError):
        return None
