"""Undo one sync run: every part that the run was the last to write becomes what it was before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pymongo import DeleteOne, UpdateOne

from varai.catalogue.collections import COLLECTIONS, owned_by, parts_of
from varai.catalogue.versions import bump
from varai.kernel import Scope
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

    Parts that a later run has written since are left alone. One earlier version is kept, so the run before cannot be
    undone afterwards. The next sync writes only rows that change; `remap` brings back all that was reverted.
    """
    report = RevertReport()
    tenants: set[str] = set()
    for name in sorted(set(COLLECTIONS.values())):
        collection = documents(scope)[name]
        operations: list[_Operation] = []
        for document in collection.find(owned_by(scope)):
            undone = list(_undone(document, run_id, report))
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


def _undone(document: Mapping[str, Any], run_id: str, report: RevertReport) -> Iterator[_Operation]:
    parts = parts_of(document)
    mine = {path: part for path, part in parts.items() if part["run_id"] == run_id and part["previous"] is not None}
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
