"""Undo one sync run: every part that the run was the last to write becomes what it was before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pymongo import DeleteOne, UpdateOne
from pymongo.collection import Collection

from varai.catalogue.collections import COLLECTIONS, in_maps, owned_by, parts_of
from varai.catalogue.holders import holdings
from varai.catalogue.parts import Part, lives
from varai.catalogue.versions import bump
from varai.kernel import FeedKey, Scope
from varai.stores import documents

_WRITE = 1_000
_Operation = UpdateOne | DeleteOne


@dataclass(slots=True)
class RevertReport:
    """Parts that got their earlier version back, and parts that had none and were removed."""

    restored: int = 0
    removed: int = 0


def revert(scope: Scope, run_id: str) -> RevertReport:
    """Undo a run in the catalogue of the scope's tenant, or of the region. Reverting again changes nothing.

    Parts that a later run has written since are left alone; so are those that moved to where a later run has written them.
    One earlier version is kept, so the run before cannot be
    undone afterwards. The next sync writes only rows that change; `remap` brings back all that was reverted.
    """
    report = RevertReport()
    tenants: set[str] = set()
    for name in sorted(set(COLLECTIONS.values())):
        collection = documents(scope)[name]
        operations: list[_Operation] = []
        for document in collection.find(owned_by(scope)):
            undone = list(_undone(collection, document, run_id, report))
            if undone:
                tenants.add(document["tenant"])
                operations += undone
            if len(operations) >= _WRITE:
                collection.bulk_write(operations)
                operations = []
        if operations:
            collection.bulk_write(operations)
    for tenant in sorted(tenants):
        bump(scope, tenant)
    return report


def _undone(
    collection: Collection[dict[str, Any]], document: Mapping[str, Any], run_id: str, report: RevertReport
) -> Iterator[_Operation]:
    parts = parts_of(document)
    mine = {path: part for path, part in parts.items() if _can_undo(part, run_id)}
    for path in _living_elsewhere(collection, document, mine, run_id):
        del mine[path]
    if not mine:
        return
    gone = {path for path, part in mine.items() if "content_hash" not in part["previous"]}
    report.removed += len(gone)
    report.restored += len(mine) - len(gone)
    if gone == parts.keys():
        yield DeleteOne({"_id": document["_id"], **{f"{path}.run_id": run_id for path in gone}})
        return
    for path, part in mine.items():
        wanted = {"_id": document["_id"], f"{path}.run_id": run_id}
        yield UpdateOne(wanted, {"$unset": {path: ""}} if path in gone else {"$set": {path: part["previous"]}})


def _can_undo(part: Part, run_id: str) -> bool:
    return bool(part["run_id"] == run_id) and part["previous"] is not None


def _living_elsewhere(
    collection: Collection[dict[str, Any]], document: Mapping[str, Any], mine: Mapping[str, Part], run_id: str
) -> set[str]:
    """Paths of rows that left the document in this run and live in another one, by a write that is not undone with it."""
    back = [path for path, part in mine.items() if in_maps(path) and lives(part["previous"]) and not lives(part)]
    found = holdings(collection, FeedKey(document["tenant"], document["feed"]), back)
    return {one.path for one in found if lives(one.part) and not _can_undo(one.part, run_id)}
