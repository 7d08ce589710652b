"""How many rows the catalogue holds, for reconciliation."""

from __future__ import annotations

from varai.catalogue.collections import MAPS, collection_of
from varai.kernel import FeedKey, Scope
from varai.stores import documents


def count_live(scope: Scope, key: FeedKey, entity: str) -> int:
    """Rows of a feed that are not tombstones; raises Misconfigured for an entity the catalogue does not hold."""
    collection = documents(scope)[collection_of(entity)]
    owned = {"tenant": key.tenant, "feed": key.feed}
    if entity not in MAPS:
        return collection.count_documents({**owned, f"{entity}.deleted": False})
    holder = MAPS[entity]
    found = collection.find(owned, {holder: 1})
    return sum(not part["deleted"] for document in found for part in document.get(holder, {}).values())
