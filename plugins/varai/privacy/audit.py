"""The audit chain: who did what to whose data and why, append-only; each entry holds the hash of the one before.

One chain per tenant and one ("-") for the region. Entry n+1 exists once, because its `_id` is made of its number: of
two writers at once, one is told and goes on from the other's entry, so the chain never forks. The head is kept apart,
so that cutting entries off its end is seen too.

Collections: `audit` {_id: "<chain>/<number>", chain, number, at, actor, action, subject, reason, previous, hash};
`audit_heads` {_id: "<chain>", number, hash}.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import orjson
from pymongo.errors import DuplicateKeyError

from varai.kernel import Malformed, Scope, Word, utc_now
from varai.stores import documents

_FIRST = "0" * 64
_REGION = "-"


class Entry(Word):
    """One act. `subject` is a pseudonym or a name of ours, never a personal datum; `hash` covers all other fields."""

    chain: str
    number: int
    at: datetime
    actor: str
    action: str
    subject: str | None
    reason: str
    previous: str
    hash: str = ""

    def digest(self) -> str:
        """SHA-256 of the entry's canonical JSON (sorted keys, no spaces), without `hash`."""
        fields = self.model_dump(exclude={"hash"}) | {"at": self.at.isoformat()}
        return hashlib.sha256(orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)).hexdigest()


class Broken(Word):
    """Where a chain is broken: the first entry that does not fit, and why."""

    number: int
    why: str


def append(scope: Scope, action: str, subject: str | None, reason: str, *, actor: str = "varai") -> Entry:
    """Add an entry to the chain of the scope's tenant (or region) and return it.

    Raises:
        Malformed: without an action or a reason.
    """
    if not action.strip() or not reason.strip():
        raise Malformed("An entry of the audit needs an action and a reason.", "Say what was done and why.")
    chain, store = _chain(scope), documents(scope)
    head = store["audit_heads"].find_one({"_id": chain}) or {"number": 0, "hash": _FIRST}
    while True:
        entry = Entry(
            chain=chain,
            number=head["number"] + 1,
            at=utc_now(),
            actor=actor,
            action=action,
            subject=subject,
            reason=reason,
            previous=head["hash"],
        )
        entry = entry.model_copy(update={"hash": entry.digest()})
        try:
            store["audit"].insert_one({"_id": _id(chain, entry.number), **entry.model_dump()})
        except DuplicateKeyError:
            head = store["audit"].find_one({"_id": _id(chain, entry.number)}) or head
            continue
        _advance(scope, entry)
        return entry


@contextmanager
def act(scope: Scope, name: str, subject: str | None, reason: str, *, actor: str = "varai") -> Iterator[None]:
    """Audit an act before and after: `{name}.begun`, then `{name}.done`. One that only began was refused, failed or cut short.

    Raises:
        Malformed: without a reason; nothing is done then.
    """
    append(scope, f"{name}.begun", subject, reason, actor=actor)
    yield
    append(scope, f"{name}.done", subject, reason, actor=actor)


def verify(scope: Scope) -> Broken | None:
    """The first broken link of the chain of the scope's tenant (or region); None when every entry fits."""
    chain, store = _chain(scope), documents(scope)
    number, expected = 0, _FIRST
    for found in store["audit"].find({"chain": chain}).sort("number", 1):
        number += 1
        why = _misfit(found, number, expected)
        if why:
            return Broken(number=number, why=why)
        expected = found["hash"]
    head = store["audit_heads"].find_one({"_id": chain})
    if head is not None and head["number"] > number:
        return Broken(number=number + 1, why=f"Entries {number + 1} to {head['number']} are missing.")
    if head is None and number:
        return Broken(number=number, why="The head of the chain is missing.")
    return None


def entries(scope: Scope, *, limit: int = 100) -> list[Entry]:
    """The newest entries of the chain, newest first."""
    found = documents(scope)["audit"].find({"chain": _chain(scope)}).sort("number", -1).limit(limit)
    return [_entry(one) for one in found]


def _misfit(found: Mapping[str, Any], number: int, expected: str) -> str:
    if found["number"] != number:
        return f"Entry {number} is missing."
    if found["previous"] != expected:
        return f"Entry {number} does not follow the one before it."
    return "" if _entry(found).digest() == found["hash"] else f"Entry {number} was altered."


def _advance(scope: Scope, entry: Entry) -> None:
    """Move the head forward, never back; a writer that dies before this leaves a head that `append` walks on from."""
    heads = documents(scope)["audit_heads"]
    moved = {"$set": {"number": entry.number, "hash": entry.hash}}
    try:
        heads.update_one({"_id": entry.chain, "number": {"$lt": entry.number}}, moved, upsert=True)
    except DuplicateKeyError:
        return  # another writer's head is further on


def _chain(scope: Scope) -> str:
    return scope.tenant or _REGION


def _id(chain: str, number: int) -> str:
    return f"{chain}/{number:012d}"


def _entry(found: Mapping[str, Any]) -> Entry:
    return Entry.model_validate({name: found[name] for name in Entry.model_fields})
