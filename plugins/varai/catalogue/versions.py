"""The version of a tenant's catalogue: moves whenever its documents may have; readers key their caches by it."""

from __future__ import annotations

from varai.catalogue.collections import VERSIONS
from varai.kernel import Scope
from varai.stores import documents


def bump(scope: Scope, tenant: str) -> None:
    """Move the tenant's version, after its documents were written: what was cached before is read no more."""
    documents(scope)[VERSIONS].update_one({"_id": tenant}, {"$inc": {"version": 1}}, upsert=True)


def version(scope: Scope, tenant: str) -> int:
    """The tenant's version; 0 before anything was published."""
    found = documents(scope)[VERSIONS].find_one({"_id": tenant})
    return int(found["version"]) if found else 0
