"""Facts of a shop that other streams are mapped with: currency and zone. Kept as state/{tenant}/{feed}/shop/facts.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from varai.kernel import Feed, Misconfigured, Scope, Word
from varai.sources.contract import ShopFacts
from varai.stores import objects


class _Facts(Word):
    currency: str
    timezone: str


def _key(feed: Feed) -> str:
    return f"state/{feed.tenant}/{feed.name}/shop/facts.json"


def keep_facts(scope: Scope, feed: Feed, row: Mapping[str, Any]) -> None:
    """Keep the facts of a canonical shop row for the streams mapped after it."""
    facts = _Facts(currency=row["currency"], timezone=row["timezone"])
    objects(scope).write(_key(feed), facts.model_dump_json().encode())


def shop_facts(scope: Scope, feed: Feed) -> ShopFacts:
    """Read the facts; raises Misconfigured when the shop stream has never been read."""
    found = objects(scope).get(_key(feed))
    if found is None:
        raise Misconfigured(
            f"Currency and zone of {feed.key} are not known yet, since its shop record was never read.",
            "Run the feed with all its streams once.",
        )
    facts = _Facts.model_validate_json(found[0])
    return ShopFacts(currency=facts.currency, timezone=facts.timezone)
