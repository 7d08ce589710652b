"""The webhook inbox of a region: what vendors told, each event once, until it has led to something or is a dead letter.

Collection `inbox`: {_id: "<tenant>/<feed>/<digest of the vendor's event id>", tenant, feed, connector, topic, streams, gone, notice,
sealed, sent_at, received_at, state, attempts, try_at, reason, ended_at}; `state` is waiting, done or dead. A delivery's body is not kept:
what changed is read from the vendor. Of a notice about a person the vendor's id stays, sealed with the tenant's key, until it is done.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from pymongo import ASCENDING, DESCENDING
from pymongo.errors import BulkWriteError

from varai.kernel import FeedKey, Misconfigured, Scope, Unavailable, Word
from varai.privacy import seal_bytes, unseal_bytes
from varai.stores import documents

INBOX: Final = "inbox"
State = Literal["waiting", "done", "dead"]
STATES: Final[tuple[State, ...]] = ("waiting", "done", "dead")
WAITS: Final = tuple(timedelta(seconds=15 * 4**number) for number in range(6))
"""How long an event waits after each failure; after the last one (4 hours) it is a dead letter."""
REMEMBERED: Final = timedelta(days=7)
"""How long a done event is known, so that it is not taken again: vendors send for 48 hours at most."""
_DUPLICATE: Final = 11000
_PIECE: Final = 50  # ids per $in: the embedded server's time grows with the square of it


class Event(Word):
    """One event as the inbox keeps it; whom a notice is about is told by `subject_of` alone."""

    id: str
    tenant: str
    feed: str
    connector: str
    topic: str
    streams: tuple[str, ...] = ()
    gone: bool = False
    notice: str | None = None
    sent_at: datetime | None = None
    received_at: datetime
    state: State = "waiting"
    attempts: int = 0
    try_at: datetime
    reason: str = ""
    ended_at: datetime | None = None

    @property
    def key(self) -> FeedKey:
        """The feed it came to."""
        return FeedKey(self.tenant, self.feed)


def event_id(key: FeedKey, vendor_id: str) -> str:
    """How an event is named: what the vendor calls it is foreign text, so its digest stands for it."""
    return f"{key}/{hashlib.sha256(vendor_id.encode()).hexdigest()[:32]}"


def document(scope: Scope, event: Event, subject: str | None = None) -> dict[str, Any]:
    """A new, waiting event as it is kept.

    Args:
        scope: of the event's tenant.
        event: what was told.
        subject: the vendor's id of the person it is about.
    """
    made: dict[str, Any] = {"_id": event.id, **event.model_dump(exclude={"id"})}
    if subject is not None:
        made["sealed"] = seal_bytes(scope, _bound(event.id), subject.encode())
    return made


def put(scope: Scope, made: Sequence[Mapping[str, Any]]) -> list[bool]:
    """Keep events of a region in one durable insert; of each, whether it is new. When this returns, all are on a majority's disks.

    Raises:
        Unavailable: the store did not take all of them.
    """
    try:
        documents(scope)[INBOX].insert_many([dict(one) for one in made], ordered=False)
    except BulkWriteError as error:
        told = error.details.get("writeErrors", [])
        if any(one.get("code") != _DUPLICATE for one in told) or error.details.get("writeConcernErrors"):
            raise Unavailable("The inbox did not take all events.", "The vendor sends them again.") from error
        known = {one["index"] for one in told}
        return [place not in known for place in range(len(made))]
    return [True] * len(made)


def subject_of(scope: Scope, event: Event) -> str:
    """The vendor's id of the person a notice is about; raises Malformed when it does not open, Misconfigured when there is none."""
    found = documents(scope)[INBOX].find_one({"_id": event.id}, {"sealed": 1}) or {}
    if "sealed" not in found:
        raise Misconfigured(f"The event {event.id} is about nobody.")
    return unseal_bytes(scope, _bound(event.id), found["sealed"]).decode()


def waiting(scope: Scope, now: datetime, limit: int = 10_000) -> list[Event]:
    """Events of the region (or the scope's tenant) that are due, oldest first."""
    wanted = {"state": "waiting", "try_at": {"$lte": now}} | _mine(scope)
    return [_event(one) for one in documents(scope)[INBOX].find(wanted).sort("received_at", ASCENDING).limit(limit)]


def done(scope: Scope, events: Sequence[Event], now: datetime) -> None:
    """These events have led to what they asked for; the person they were about is forgotten here."""
    _update(scope, events, {"$set": {"state": "done", "ended_at": now, "reason": ""}, "$unset": {"sealed": ""}})


def postpone(scope: Scope, events: Sequence[Event], until: datetime, reason: str) -> None:
    """Look at these events again later; that is no failure."""
    _update(scope, events, {"$set": {"try_at": until, "reason": reason}})


def failed(scope: Scope, events: Sequence[Event], reason: str, now: datetime) -> list[Event]:
    """Count a failure; returns those that are dead letters now, for it was their last attempt."""
    dead = [one for one in events if one.attempts >= len(WAITS)]
    _update(scope, dead, {"$set": {"state": "dead", "reason": reason, "ended_at": now}, "$inc": {"attempts": 1}})
    for number, wait in enumerate(WAITS):
        again = [one for one in events if one.attempts == number]
        _update(scope, again, {"$set": {"reason": reason, "try_at": now + wait}, "$inc": {"attempts": 1}})
    return dead


def events(scope: Scope, state: State | None = None, limit: int = 1_000) -> list[Event]:
    """Events of the region or the scope's tenant, newest first."""
    wanted = ({"state": state} if state else {}) | _mine(scope)
    return [_event(one) for one in documents(scope)[INBOX].find(wanted).sort("received_at", DESCENDING).limit(limit)]


def event(scope: Scope, name: str) -> Event:
    """One event; raises Misconfigured for a name there is not."""
    found = documents(scope)[INBOX].find_one({"_id": name} | _mine(scope))
    if found is None:
        raise Misconfigured(f"There is no event '{name}'.", "See `varai inbox list`.")
    return _event(found)


def replay(scope: Scope, dead: Sequence[Event], now: datetime) -> None:
    """Let dead letters wait again, as if they had just come."""
    _update(scope, dead, {"$set": {"state": "waiting", "attempts": 0, "try_at": now, "ended_at": None}}, state="dead")


def dead_letters(scope: Scope) -> dict[str, int]:
    """How many dead letters there are, by `tenant/feed`."""
    found: dict[str, int] = {}
    for one in documents(scope)[INBOX].find({"state": "dead"} | _mine(scope), {"tenant": 1, "feed": 1}):
        key = f"{one['tenant']}/{one['feed']}"
        found[key] = found.get(key, 0) + 1
    return found


def sweep_inbox(scope: Scope, *, now: datetime, days: int, dry_run: bool) -> int:
    """Remove done events past REMEMBERED and dead letters older than `days`; returns how many."""
    old: dict[str, Any] = {
        "$or": [
            {"state": "done", "ended_at": {"$lt": now - REMEMBERED}},
            {"state": "dead", "ended_at": {"$lt": now - timedelta(days=days)}},
        ]
    }
    if dry_run:
        return int(documents(scope)[INBOX].count_documents(old))
    return int(documents(scope)[INBOX].delete_many(old).deleted_count)


def _update(scope: Scope, some: Sequence[Event], change: Mapping[str, Any], state: State = "waiting") -> None:
    for start in range(0, len(some), _PIECE):
        names = [one.id for one in some[start : start + _PIECE]]
        documents(scope)[INBOX].update_many({"_id": {"$in": names}, "state": state}, change)


def by_feed(some: Sequence[Event]) -> Iterator[tuple[FeedKey, list[Event]]]:
    """Events feed by feed, in the order of each feed's oldest."""
    found: dict[FeedKey, list[Event]] = {}
    for one in some:
        found.setdefault(one.key, []).append(one)
    yield from found.items()


def _mine(scope: Scope) -> dict[str, Any]:
    return {"tenant": scope.tenant} if scope.tenant else {}


def _bound(name: str) -> str:
    return f"{INBOX}/{name}"


def _event(found: Mapping[str, Any]) -> Event:
    return Event(id=found["_id"], **{name: found.get(name) for name in Event.model_fields if name != "id"})
