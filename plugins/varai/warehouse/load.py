"""Load: every staged object of a region -> raw tables, exactly once in effect, whatever crashes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from varai.canonical import ENTITIES
from varai.kernel import Scope, utc_now
from varai.stores import objects
from varai.warehouse.protocol import Check, LoadedBatch, LoadReport, StagedObject, Warehouse
from varai.warehouse.staged import Unreadable, staged


def load(scope: Scope, warehouse: Warehouse, check: Check, *, now: datetime | None = None) -> LoadReport:
    """Merge whatever is staged in the region, whoever staged it, then delete the merged objects.

    A batch that a run staged anew while its older object was merged stays for the next load: its key has a higher token.

    A crash before the commit leaves the tables as they were; one after it leaves objects that the next load merges again
    without effect. An object that cannot be read stays in the bucket and is named in the report; the others go in.

    Args:
        scope: the region's scope (tenant None).
        warehouse: opened under the region's `warehouse` lease.
        check: raises Conflict when the lease's fencing token is stale; nothing is committed then.
        now: recorded as loaded_at; the present by default.

    Raises:
        Conflict: the lease was lost. DiskFull: no space is left. In both cases nothing was merged.
    """
    warehouse.evolve(tuple(ENTITIES.values()))
    waiting = {item.key: item for item in staged(scope)}
    batches, failed = _merge_readable(warehouse, waiting, check, now or utc_now())
    store = objects(scope)
    for item in waiting.values():
        for key in (*item.older, item.key):  # the newest last: after a crash an older one never stands alone
            store.delete(key)
    return LoadReport(batches, failed)


def _merge_readable(
    warehouse: Warehouse, waiting: dict[str, StagedObject], check: Check, loaded_at: datetime
) -> tuple[tuple[LoadedBatch, ...], dict[str, str]]:
    """Merge what is in `waiting`; each object that proves unreadable is taken out of it and the rest is tried again."""
    failed: dict[str, str] = {}
    while waiting:
        try:
            return warehouse.merge(_grouped(waiting), check, loaded_at), failed
        except Unreadable as error:
            del waiting[error.key]
            failed[error.key] = str(error)
    return (), failed


def _grouped(waiting: dict[str, StagedObject]) -> Sequence[StagedObject]:
    return sorted(waiting.values(), key=lambda item: (item.entity.name, item.key))
