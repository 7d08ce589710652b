"""Whether a merchant has let us in: the address that was given out to them, and since when a feed is connected.

Collection `connections`: {_id: "<tenant>/<feed>", tenant, asked, asked_until, connected_at}; `asked` is a digest of the state that the
last address given out has, until it comes back. Of a feed that was never connected this way there is nothing.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

from varai.kernel import FeedKey, Scope, Word
from varai.stores import documents

CONNECTIONS: Final = "connections"
ANSWERED_WITHIN: Final = timedelta(hours=1)
"""How long an address that was given out is good."""


class Connection(Word):
    """A feed's connection; None: it was never made this way."""

    connected_at: datetime | None = None


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
    """The vendor has given tokens."""
    change = {"$set": {"tenant": key.tenant, "connected_at": now}}
    documents(scope)[CONNECTIONS].update_one({"_id": str(key)}, change, upsert=True)


def _digest(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()
