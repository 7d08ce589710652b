"""Indexes of the collections privacy keeps, declared here alone."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from varai.kernel import Scope
from varai.stores import Indexes, create_indexes

INDEXES: Indexes = {
    "ledger": (IndexModel([("tenant", ASCENDING)]),),
    "requests": (IndexModel([("tenant", ASCENDING)]),),
    "vault": (IndexModel([("tenant", ASCENDING)]),),
    "audit": (IndexModel([("chain", ASCENDING), ("number", ASCENDING)], unique=True),),
}


def ensure_indexes(scope: Scope) -> None:
    """Create the indexes; those that exist stay."""
    create_indexes(scope, INDEXES)
