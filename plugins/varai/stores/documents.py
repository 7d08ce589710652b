"""MongoDB: one client per process and address, acknowledged by a majority and journalled."""

from __future__ import annotations

import os
from functools import cache as memoised
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database

from varai.kernel import Scope

Documents = Database[dict[str, Any]]


@memoised
def _client(uri: str, pid: int) -> MongoClient[dict[str, Any]]:
    # The process id is part of the key because a client must not be used across a fork (Airflow forks its tasks).
    del pid
    return MongoClient(
        uri,
        w="majority",
        journal=True,
        readConcernLevel="majority",
        tz_aware=True,
        serverSelectionTimeoutMS=10_000,
        appname="varai",
    )


def documents(scope: Scope) -> Documents:
    """The region's database; health has its own."""
    name = scope.database if scope.plane == "commerce" else f"{scope.database}-{scope.plane}"
    return _client(scope.documents_uri, os.getpid())[name]
