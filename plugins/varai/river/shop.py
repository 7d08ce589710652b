"""Facts of a shop that other streams are mapped with: currency and zones. Kept as state/{tenant}/{feed}/shop/facts.json.

A zone dates what happened while it was the shop's: one that changes leaves earlier sales where they were booked, whenever
the vendor sends them again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from varai.kernel import Conflict, Feed, Misconfigured, Scope, Word
from varai.sources.contract import EarlierZone, ShopFacts
from varai.stores import objects


class _Earlier(Word):
    timezone: str
    until: datetime


class _Facts(Word):
    currency: str
    timezone: str
    earlier: tuple[_Earlier, ...] = ()
    token: int = 0


def _key(feed: Feed) -> str:
    return f"state/{feed.tenant}/{feed.name}/shop/facts.json"


def keep_facts(scope: Scope, feed: Feed, row: Mapping[str, Any], *, since: datetime, token: int) -> None:
    """Keep the facts of a canonical shop row for the streams mapped after it.

    Args:
        row: its currency and timezone.
        since: when the shop came to be as the row says. A zone that is new holds from then on, and the one before it until
            then; the first zone that is seen holds for all that came before, as far as anybody knows.
        token: fencing token of the feed's lease. Conflict: the facts were written under a newer one.
    """
    found = objects(scope).get(_key(feed))
    known = _Facts.model_validate_json(found[0]) if found else None
    if known is not None and known.token > token:
        raise Conflict(f"{_key(feed)} was written under fencing token {known.token}, newer than {token}.")
    earlier = known.earlier if known else ()
    if known is not None and known.timezone != row["timezone"]:
        earlier = (*earlier, _Earlier(timezone=known.timezone, until=since))
    facts = _Facts(currency=row["currency"], timezone=row["timezone"], earlier=earlier, token=token)
    if facts != known:
        objects(scope).swap(_key(feed), facts.model_dump_json().encode(), found[1] if found else None)


def mapping_facts(scope: Scope, feed: Feed, stream: str) -> ShopFacts:
    """What a stream is mapped with; the shop's own record is what tells the facts, so it is mapped without. Raises Misconfigured."""
    return ShopFacts("XXX", "UTC") if stream == "shop" else shop_facts(scope, feed)


def shop_facts(scope: Scope, feed: Feed) -> ShopFacts:
    """Read the facts; raises Misconfigured when the shop stream has never been read."""
    known = known_facts(scope, feed)
    if known is None:
        raise Misconfigured(
            f"Currency and zone of {feed.key} are not known yet, since its shop record was never read.",
            "Run the feed with all its streams once.",
        )
    return known


def known_facts(scope: Scope, feed: Feed) -> ShopFacts | None:
    """The facts; None when the shop stream has never been read."""
    found = objects(scope).get(_key(feed))
    if found is None:
        return None
    facts = _Facts.model_validate_json(found[0])
    earlier = tuple(EarlierZone(one.timezone, one.until) for one in facts.earlier)
    return ShopFacts(facts.currency, facts.timezone, earlier)
