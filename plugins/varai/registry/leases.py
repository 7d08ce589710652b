"""Leases with fencing tokens: one run works on a feed, one process on a warehouse.

A token only grows. Whoever held a lease and lost it can no longer write, because every write checks the token.
"""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError, PyMongoError

from varai.kernel import Conflict, LeaseHeld, Scope, VaraiError, utc_now
from varai.stores import documents

log = structlog.get_logger(__name__)

_RENEW_S = 60.0
_ASK_AGAIN_S = 2.0
_PROCESS = re.compile(r"\((?P<host>[^():]+):(?P<pid>\d+)\)$")
TTL = timedelta(minutes=15)
"""Outlives the longest wait in a queue; a holder renews while it works."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Proof of holding: show its token with every write."""

    name: str
    holder: str
    token: int
    since: datetime


def acquire(scope: Scope, name: str, holder: str, ttl: timedelta = TTL) -> Lease:
    """Take a lease that is free, expired, already this holder's, or left by a process of this machine that has died.

    Raises:
        LeaseHeld: naming who has it and since when.
    """
    collection = documents(scope)["leases"]
    now = utc_now()
    with suppress(DuplicateKeyError):  # it has been taken before; the update below decides
        collection.insert_one({"_id": name, "holder": "", "token": 0, "since": now, "expires_at": now})
    free: list[dict[str, Any]] = [{"expires_at": {"$lte": now}}, {"holder": holder}]
    before = collection.find_one({"_id": name})
    if before is not None and _dead(before["holder"]):
        free.append({"holder": before["holder"], "token": before["token"]})
    found = collection.find_one_and_update(
        {"_id": name, "$or": free},
        {"$set": {"holder": holder, "since": now, "expires_at": now + ttl}, "$inc": {"token": 1}},
        return_document=ReturnDocument.AFTER,
    )
    if found is None:
        other: dict[str, Any] = collection.find_one({"_id": name}) or {}
        raise LeaseHeld(
            f"{name} is being worked on by {other.get('holder', 'another run')} since "
            f"{_text(other.get('since'))}; its lease ends at {_text(other.get('expires_at'))} unless renewed."
        )
    return Lease(name, holder, found["token"], found["since"])


def acquire_patiently(scope: Scope, name: str, holder: str, patience_s: float) -> Lease:
    """`acquire`, asking again for a while where somebody else has the lease. Raises LeaseHeld when they have it still."""
    ends = time.monotonic() + patience_s
    while True:
        try:
            return acquire(scope, name, holder)
        except LeaseHeld:
            if time.monotonic() >= ends:
                raise
            time.sleep(_ASK_AGAIN_S)


def renew(scope: Scope, lease: Lease, ttl: timedelta = TTL) -> None:
    """Prolong a lease while working. Raises Conflict when somebody else has taken it."""
    result = documents(scope)["leases"].update_one(
        {"_id": lease.name, "token": lease.token, "holder": lease.holder}, {"$set": {"expires_at": utc_now() + ttl}}
    )
    if result.matched_count == 0:
        raise Conflict(f"The lease on {lease.name} was lost to another run.")


def check(scope: Scope, name: str, token: int) -> None:
    """Raise Conflict unless `token` is the newest one given out for `name`."""
    found = documents(scope)["leases"].find_one({"_id": name}, {"token": 1})
    if found is None or found["token"] != token:
        raise Conflict(f"The fencing token {token} on {name} is stale.")


def release(scope: Scope, lease: Lease) -> None:
    """Give a lease back; no error when it was lost meanwhile. The token stays, so that it keeps growing."""
    documents(scope)["leases"].update_one(
        {"_id": lease.name, "token": lease.token}, {"$set": {"expires_at": utc_now(), "holder": ""}}
    )


def release_held(scope: Scope, names: Sequence[str], holder: str) -> None:
    """Give back those of some leases that `holder` has, at one go; nobody else's."""
    mine = {"_id": {"$in": list(names)}, "holder": holder}
    documents(scope)["leases"].update_many(mine, {"$set": {"expires_at": utc_now(), "holder": ""}})


@contextmanager
def renewing(scope: Scope, lease: Lease) -> Iterator[None]:
    """Renew a lease while the body works. That it was lost shows when the next write checks its token."""
    with _repeating(lambda: renew(scope, lease), lease.name):
        yield


@contextmanager
def holding(scope: Scope, name: str, holder: str, patience_s: float = 0.0) -> Iterator[Lease]:
    """Hold a lease while the body works: taken as by `acquire_patiently`, renewed, given back. Raises LeaseHeld."""
    lease = acquire_patiently(scope, name, holder, patience_s)
    try:
        with renewing(scope, lease):
            yield lease
    finally:
        release(scope, lease)


@contextmanager
def renewing_held(scope: Scope, holder: str) -> Iterator[None]:
    """Renew, at once and while the body works, every lease of the region that `holder` has by then; nobody else's."""

    def renew_all() -> None:
        documents(scope)["leases"].update_many({"holder": holder}, {"$set": {"expires_at": utc_now() + TTL}})

    renew_all()  # they may have waited in a queue for most of their time
    with _repeating(renew_all, holder):
        yield


@contextmanager
def _repeating(beat: Callable[[], None], name: str) -> Iterator[None]:
    """Call `beat` every minute from a thread of its own while the body works, until it raises a typed error.

    A registry that does not answer costs one beat, not the lease, which outlives several.
    """
    stop = threading.Event()

    def repeat() -> None:
        while not stop.wait(_RENEW_S):
            try:
                beat()
            except VaraiError as error:
                log.warning("lease.lost", what=error.what)
                return
            except PyMongoError as error:
                log.warning("lease.not_renewed", name=name, kind=type(error).__name__)

    thread = threading.Thread(target=repeat, name=f"renew {name}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def expire_all(scope: Scope) -> None:
    """Free every lease of the region. Only for a stack that was down, where no holder can be alive."""
    documents(scope)["leases"].update_many({}, {"$set": {"expires_at": utc_now(), "holder": ""}})


def this_process() -> str:
    """How a holder that lives as long as this process names it, so that its death can be seen."""
    return f"({socket.gethostname()}:{os.getpid()})"


def held(scope: Scope) -> list[dict[str, Any]]:
    """Leases in force now: name, holder, since, expires_at."""
    return list(documents(scope)["leases"].find({"expires_at": {"$gt": utc_now()}}).sort("_id"))


def _dead(holder: str) -> bool:
    """Whether the holder names a process of this machine that is gone."""
    found = _PROCESS.search(holder)
    return found is not None and found["host"] == socket.gethostname() and not Path(f"/proc/{found['pid']}").exists()


def _text(instant: datetime | None) -> str:
    return instant.strftime("%Y-%m-%d %H:%M:%S UTC") if instant else "an unknown time"
