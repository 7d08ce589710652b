"""Indexes of the collections privacy keeps, declared here alone."""

from __future__ import annotations

from collections.abc import Mapping

from pymongo import ASCENDING, IndexModel

from varai.kernel import Scope
from varai.stores import documents

INDEXES: Mapping[str, tuple[IndexModel, ...]] = {
    "ledger": (IndexModel([("tenant", ASCENDING)]),),
    "vault": (IndexModel([("tenant", ASCENDING)]),),
    "audit": (IndexModel([("chain", ASCENDING), ("number", ASCENDING)], unique=True),),
}


def ensure_indexes(scope: Scope) -> None:
    """Create the indexes; those that exist stay."""
    for collection, indexes in INDEXES.items():
        documents(scope)[collection].create_indexes(list(indexes))
