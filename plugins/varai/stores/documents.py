"""MongoDB: one client per process and address, acknowledged by a majority and journalled."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache as memoised
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import ConnectionFailure, PyMongoError

from varai.kernel import Scope, Unavailable

Documents = Database[dict[str, Any]]
_SELECTION_MS = 10_000
"""How long a server is looked for, where a caller sets no bound of its own."""
_CURE = "Look at `make status`, and start what is down with `make up`; elsewhere look at the region's database."


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
        serverSelectionTimeoutMS=_SELECTION_MS,
        appname="varai",
    )


def documents(scope: Scope) -> Documents:
    """The region's database; health has its own."""
    name = scope.database if scope.plane == "commerce" else f"{scope.database}-{scope.plane}"
    return _client(scope.documents_uri, os.getpid())[name]


@contextmanager
def failures_as_sentences() -> Iterator[None]:
    """Tell what the driver raises as Unavailable; for the edges, where people read it.

    Only of a connection that failed are addresses told: other texts of the driver may quote the documents they are about.
    """
    try:
        yield
    except ConnectionFailure as error:
        where = str(error).partition(" (configured")[0].partition(", Timeout")[0]
        raise Unavailable(f"The document store does not answer ({where}).", _CURE) from error
    except PyMongoError as error:
        raise Unavailable(f"The document store refused what it was asked ({type(error).__name__}).", _CURE) from error
