"""Nightly work: sweep what has outlived its retention; and progress that the registry keeps for those who watch."""

from __future__ import annotations

from datetime import timedelta

from varai.kernel import utc_now
from varai.landing import sweep as sweep_landing
from varai.landing import sweep_events
from varai.registry import inbox
from varai.registry.progress import progress_writer
from varai.river.context import Progress
from varai.settings import Settings
from varai.stores import ObjectStore, objects

_RUN_RECORD_DAYS = 400
_ORPHAN_HOURS = 48
_ORPHANS = ("mapped/", "learning/")
"""What a step hands to the next; it outlives only a run that was killed."""


def progress_to_registry(settings: Settings, region: str) -> Progress:
    """A progress callback that writes to the region's registry."""
    return progress_writer(settings.scope(region))


def sweep(settings: Settings, region: str, *, dry_run: bool) -> dict[str, int]:
    """Remove landed objects, events and webhooks past their days, old run records, and what a killed run left; returns counts."""
    scope = settings.scope(region)
    store = objects(scope)
    cut = (utc_now() - timedelta(days=_RUN_RECORD_DAYS)).strftime("%Y%m%dT%H%M%S")
    runs = [key for key in store.list("runs/") if key.removeprefix("runs/") < cut]
    orphans = [key for kind in _ORPHANS for key in store.list(kind) if _older(store, key, _ORPHAN_HOURS)]
    if not dry_run:
        for key in (*runs, *orphans):
            store.delete(key)
    landed = sweep_landing(scope, days=settings.landing_days, dry_run=dry_run)
    events = sweep_events(scope, before=utc_now() - timedelta(days=settings.landing_days), dry_run=dry_run)
    told = inbox.sweep_inbox(scope, now=utc_now(), days=settings.landing_days, dry_run=dry_run)
    return {"landed": len(landed), "events": events, "webhooks": told, "runs": len(runs), "mapped": len(orphans)}


def _older(store: ObjectStore, key: str, hours: int) -> bool:
    try:
        return utc_now() - store.modified_at(key) > timedelta(hours=hours)
    except FileNotFoundError:  # the step that it was for has taken it meanwhile
        return False
