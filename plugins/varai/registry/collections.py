"""Indexes of the collections the registry keeps, declared here alone."""

from __future__ import annotations

from typing import Final

from pymongo import ASCENDING, DESCENDING, IndexModel

from varai.kernel import Scope
from varai.stores import Indexes, create_indexes

INDEXES: Final[Indexes] = {
    "comparisons": (IndexModel([("tenant", ASCENDING)]),),
    "feeds": (IndexModel([("connector", ASCENDING), ("tenant", ASCENDING)]),),
    "lags": (IndexModel([("tenant", ASCENDING)]),),
    "runs": (IndexModel([("started_at", DESCENDING)]),),
    "hearing": (IndexModel([("tenant", ASCENDING)]),),
    "inbox": (
        IndexModel([("state", ASCENDING), ("try_at", ASCENDING)]),
        IndexModel([("tenant", ASCENDING), ("feed", ASCENDING), ("received_at", DESCENDING)]),
    ),
}


def ensure_indexes(scope: Scope) -> None:
    """Create the indexes; those that exist stay."""
    create_indexes(scope, INDEXES)
