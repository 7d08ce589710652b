"""Bring a region's stores to what this release expects: registry, indexes, warehouse tables. Safe to repeat."""

from __future__ import annotations

from varai import catalogue, privacy, registry, warehouse
from varai.canonical import ENTITIES
from varai.river.settle import held_warehouse
from varai.settings import Settings

_PATIENCE_S = 300.0
"""A load or a build of the marts may be at work when the stack is brought up again."""


def migrate(settings: Settings, region: str, *, dry_run: bool, holder: str) -> list[str]:
    """Create what is missing; returns a sentence per step, whether done or (dry run) only foreseen.

    Raises:
        LeaseHeld: another process has the warehouse.
    """
    seeds = [seed.tenant.name for seed in settings.seeds if seed.tenant.region == region]
    steps = [
        f"seed {len(seeds)} tenants into the registry: {', '.join(seeds) or 'none'}",
        "create the indexes of registry, catalogue, vault and ledger",
        "create the tables of the warehouse and add columns they lack",
    ]
    if dry_run:
        return steps
    scope = settings.scope(region)
    registry.ensure_indexes(scope)
    registry.seed(scope, settings.seeds)
    catalogue.ensure_indexes(scope)
    privacy.ensure_indexes(scope)
    with (
        held_warehouse(settings, region, holder, patience_s=_PATIENCE_S) as (held, _),
        warehouse.connect(held) as opened,
    ):
        opened.evolve(tuple(ENTITIES.values()))
    return steps
