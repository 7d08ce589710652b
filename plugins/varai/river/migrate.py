"""Bring a region's stores to what this release expects: registry, indexes, warehouse tables. Safe to repeat."""

from __future__ import annotations

from varai import catalogue, landing, privacy, registry, warehouse
from varai.canonical import ENTITIES
from varai.kernel import Scope
from varai.river.settle import held_warehouse
from varai.settings import Settings
from varai.stores import create_indexes, lacking_indexes

_PATIENCE_S = 300.0
"""A load or a build of the marts may be at work when the stack is brought up again."""
_ENTITIES = tuple(ENTITIES.values())
_INDEXES = (registry.INDEXES, catalogue.INDEXES, privacy.INDEXES, landing.INDEXES)


def migrate(settings: Settings, region: str, *, dry_run: bool, holder: str) -> list[str]:
    """Create what is missing and renew what the seeds say differently; returns a sentence per change, none when all is in place.

    A dry run looks at the same places and changes nothing in them. It holds the warehouse's lease while it reads a file that exists,
    so that it does not stand in the way of a load.

    Raises:
        LeaseHeld: another process has the warehouse.
    """
    scope = settings.scope(region)
    changes = registry.unseeded(scope, settings.seeds)
    changes += [f"create the index {name}" for declared in _INDEXES for name in lacking_indexes(scope, declared)]
    if not dry_run:
        registry.seed(scope, settings.seeds)
        for declared in _INDEXES:
            create_indexes(scope, declared)
    if unlisted := catalogue.list_holdings(scope, dry_run=dry_run):
        changes.append(f"list in {unlisted} documents of the catalogue what they hold")
    return changes + _warehouse(settings, scope, dry_run=dry_run, holder=holder)


def _warehouse(settings: Settings, scope: Scope, *, dry_run: bool, holder: str) -> list[str]:
    if dry_run and not warehouse.exists(scope):  # a lease would be the first thing that an empty region holds
        return list(warehouse.lacking({}, _ENTITIES))
    with (
        held_warehouse(settings, scope.region, holder, patience_s=_PATIENCE_S) as (held, _),
        warehouse.connect(held, read_only=dry_run) as opened,
    ):
        changes = list(opened.lacking(_ENTITIES))
        if not dry_run:
            opened.evolve(_ENTITIES)
    return changes
