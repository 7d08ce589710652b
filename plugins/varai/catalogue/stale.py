"""Quarantined rows whose last good version stays: that is marked stale, with reasons, until a good row replaces it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pymongo import UpdateOne

from varai.catalogue.collections import collection_of, document_id, path_of
from varai.catalogue.holders import holders
from varai.catalogue.versions import bump
from varai.kernel import Feed, Scope
from varai.stores import documents

_WRITE = 1_000


def mark_stale(
    scope: Scope,
    feed: Feed,
    entity: str,
    reasons: Mapping[str, Sequence[str]],
) -> int:
    """Mark rows of an entity stale, by source_id; returns how many documents changed. Again, nothing changes.

    Rows that are absent or deleted are left alone.

    Raises:
        Misconfigured: an entity the catalogue does not hold.
    """
    collection = documents(scope)[collection_of(entity)]
    owners = holders(scope, feed, entity, {one: one for one in reasons})
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
