"""How many live rows of an entity the catalogue holds, for reconciliation."""

from __future__ import annotations

from varai.catalogue.collections import collection_of
from varai.kernel import FeedKey, Scope
from varai.stores import documents


def count_live(scope: Scope, feed: FeedKey, entity: str) -> int:
    """Documents of a feed whose own row of `entity` is there and not deleted; raises Misconfigured for a foreign entity."""
    wanted = {"tenant": feed.tenant, "feed": feed.feed, f"{entity}.deleted": False}
    return documents(scope)[collection_of(entity)].count_documents(wanted)
