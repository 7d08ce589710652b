"""How far a tenant's figures are complete: written beside the manifest after each build, read with the snapshot it speaks of."""

from __future__ import annotations

from collections.abc import Mapping

from varai.kernel import Scope
from varai.marts.words import Coverage, FeedCoverage, Manifest, coverage_key
from varai.stores import ObjectStore, objects


def put_coverage(scope: Scope, tenant: str, snapshot_id: str, feeds: Mapping[str, FeedCoverage]) -> None:
    """Say how far a snapshot's figures are complete; what says so already is left as it is.

    Args:
        scope: the region's scope.
        snapshot_id: what is current after the build that `feeds` (feed -> coverage) was read before.

    Raises:
        Conflict: somebody else wrote it meanwhile.
    """
    store = objects(scope)
    data = Coverage(snapshot_id=snapshot_id, feeds=feeds).model_dump_json(indent=1).encode()
    found = store.get(coverage_key(tenant))
    if found is None or found[0] != data:
        store.swap(coverage_key(tenant), data, found[1] if found else None)


def read_coverage(store: ObjectStore, tenant: str) -> Coverage | None:
    """What was last said of a tenant; None when nothing was. Read it before the manifest: then it is never the newer of the two."""
    found = store.get(coverage_key(tenant))
    return None if found is None else Coverage.model_validate_json(found[0])


def coverage_of(manifest: Manifest, coverage: Coverage | None) -> Mapping[str, FeedCoverage]:
    """Feed -> how far the manifest's snapshot is complete at least; empty when nobody knows.

    What was complete in an earlier snapshot is so in the ones after it. A coverage that names none of them is of other figures.
    """
    if coverage is None or coverage.snapshot_id not in (manifest.snapshot_id, *manifest.previous):
        return {}
    return coverage.feeds
