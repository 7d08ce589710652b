"""Quarantined rows whose last good version stays: that is marked stale, with reasons, until a good row replaces it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pymongo import UpdateOne

from varai.catalogue.collections import MAPS, collection_of, document_id, path_of, safe_name
from varai.catalogue.versions import bump
from varai.kernel import Feed, Scope
from varai.stores import documents

_WRITE = 1_000


def mark_stale(
    scope: Scope,
    feed: Feed,
    entity: str,
    reasons: Mapping[str, Sequence[str]],
    roots: Mapping[str, str] | None = None,
) -> int:
    """Mark rows of an entity stale, by source_id; returns how many documents changed. Again, nothing changes.

    Rows that are absent or deleted are left alone. `roots` gives the product of a variant or image; without it
    the feed's documents are searched for them.

    Raises:
        Misconfigured: an entity the catalogue does not hold.
    """
    collection = documents(scope)[collection_of(entity)]
    owners = _owners(scope, feed, entity, reasons, roots)
    changed = 0
    updates = [_marked(feed, entity, one, owner, reasons[one]) for one, owner in owners]
    for start in range(0, len(updates), _WRITE):
        changed += collection.bulk_write(updates[start : start + _WRITE], ordered=False).modified_count
    if changed:
        bump(scope, feed.tenant)
    return changed


def _marked(feed: Feed, entity: str, source_id: str, owner: str, reasons: Sequence[str]) -> UpdateOne:
    path = path_of(entity, source_id)
    wanted = {"_id": document_id(feed.tenant, feed.name, owner), f"{path}.deleted": False}
    return UpdateOne(wanted, {"$set": {f"{path}.stale": True, f"{path}.stale_reasons": sorted(set(reasons))}})


def _owners(
    scope: Scope, feed: Feed, entity: str, reasons: Mapping[str, Sequence[str]], roots: Mapping[str, str] | None
) -> Iterator[tuple[str, str]]:
    """(source_id of the row, source_id of its document)."""
    if entity not in MAPS:
        yield from ((one, one) for one in reasons)
        return
    if roots is not None:
        yield from ((one, roots[one]) for one in reasons)
        return
    wanted = {safe_name(one): one for one in reasons}
    holder = MAPS[entity]
    for document in documents(scope)["products"].find(
        {"tenant": feed.tenant, "feed": feed.name}, {"source_id": 1, holder: 1}
    ):
        for name in document.get(holder, {}).keys() & wanted.keys():
            yield wanted[name], document["source_id"]
