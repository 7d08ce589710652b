"""Whether a merchant has let us in: the address that was given out to them, since when a feed is connected, and whether they took it back.

Collection `connections`: {_id: "<tenant>/<feed>", tenant, asked, asked_until, connected_at, disconnected_at}; `asked` is a digest of the
state that the last address given out has, until it comes back. Of a feed with which none of this ever happened there is nothing.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from varai.kernel import FeedKey, Scope, Unauthorised, Word
from varai.stores import documents

CONNECTIONS: Final = "connections"
ANSWERED_WITHIN: Final = timedelta(hours=1)
"""How long an address that was given out is good."""


class Connection(Word):
    """A feed's connection.

    Attributes:
        connected_at: when its merchant last let us in; None: never this way.
        disconnected_at: when they took the app off; None: they did not, or have let us in again.
    """

    connected_at: datetime | None = None
    disconnected_at: datetime | None = None


def connection(scope: Scope, key: FeedKey) -> Connection:
    """What is known of a feed's connection."""
    found = documents(scope)[CONNECTIONS].find_one({"_id": str(key)}) or {}
    return Connection(**{name: found.get(name) for name in Connection.model_fields})


def ask(scope: Scope, key: FeedKey, now: datetime) -> str:
    """A state for an address that is given out now; the one before it is no good any more."""
    state = secrets.token_urlsafe(32)
    change = {"tenant": key.tenant, "asked": _digest(state), "asked_until": now + ANSWERED_WITHIN}
    documents(scope)[CONNECTIONS].update_one({"_id": str(key)}, {"$set": change}, upsert=True)
    return state


def answered(scope: Scope, key: FeedKey, state: str, now: datetime) -> bool:
    """Whether this state was given out for this feed, lately, and has not come back before."""
    wanted = {"_id": str(key), "asked": _digest(state), "asked_until": {"$gt": now}}
    change = {"$unset": {"asked": "", "asked_until": ""}}
    return documents(scope)[CONNECTIONS].update_one(wanted, change).modified_count == 1


def connect(scope: Scope, key: FeedKey, now: datetime) -> None:
    """The vendor has given tokens; whatever was before, the feed is read again."""
    change = {"$set": {"tenant": key.tenant, "connected_at": now}, "$unset": {"disconnected_at": ""}}
    documents(scope)[CONNECTIONS].update_one({"_id": str(key)}, change, upsert=True)


def disconnect(scope: Scope, key: FeedKey, now: datetime) -> None:
    """The merchant took the app off: nobody asks the vendor about the feed any more. The first time in a row counts."""
    change = {"$set": {"tenant": key.tenant, "disconnected_at": now}}
    if connection(scope, key).disconnected_at is None:
        documents(scope)[CONNECTIONS].update_one({"_id": str(key)}, change, upsert=True)


def disconnected(scope: Scope) -> Mapping[FeedKey, datetime]:
    """Feeds of the region that are disconnected, and since when."""
    found = documents(scope)[CONNECTIONS].find({"disconnected_at": {"$ne": None}})
    return {FeedKey(*one["_id"].split("/")): one["disconnected_at"] for one in found}


def lost(scope: Scope, key: FeedKey) -> Unauthorised:
    """What everybody is told who would ask about a feed that is disconnected."""
    cure = f"Reconnect: varai feeds connect --region {scope.region} --tenant {key.tenant} --feed {key.feed}"
    return Unauthorised(f"{key}: the app was taken off the shop, so the vendor is not asked.", cure)


def insist(scope: Scope, key: FeedKey) -> None:
    """Raise Unauthorised where a feed is disconnected."""
    if connection(scope, key).disconnected_at is not None:
        raise lost(scope, key)


def _digest(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()
