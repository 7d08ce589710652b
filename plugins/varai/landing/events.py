"""What visitors did, as a shop tells it: events in, each kept once, those of people who asked to be forgotten never.

Collection `events`: {_id: "<tenant>/<feed>/<id>", tenant, kind, feed, product, subject, at, received_at}. A customer stands there as a
pseudonym, and nothing else says who it was. Events live as long as landed objects.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from pymongo import ASCENDING, IndexModel
from pymongo.errors import BulkWriteError

from varai.kernel import Misconfigured, Scope, Unavailable
from varai.privacy import Finding, Ledger
from varai.stores import Indexes, documents

EVENTS: Final = "events"
INDEXES: Final[Indexes] = {
    EVENTS: (
        IndexModel([("tenant", ASCENDING), ("subject", ASCENDING)]),
        IndexModel([("received_at", ASCENDING)]),
    )
}
_DUPLICATE: Final = 11000


@dataclass(frozen=True, slots=True)
class Event:
    """One thing a visitor did.

    Attributes:
        id: the shop's own, by which it is kept once per feed.
        subject: pseudonym of a customer; None: a visitor.
        at: when it happened, by the shop's clock.
    """

    id: str
    kind: Literal["view", "try_on", "add_to_cart"]
    feed: str
    product: str
    subject: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class LandedEvents:
    """What became of a batch: kept, known before (or twice in the batch), and withheld as the ledger names the person."""

    landed: int
    duplicate: int
    withheld: int


def land_events(scope: Scope, events: Sequence[Event], received_at: datetime) -> LandedEvents:
    """Keep a batch; when this returns it is on a majority's disks. The same batch again changes nothing.

    Raises:
        Misconfigured: the scope is a whole region's. Unavailable: the store did not take all of it.
    """
    if scope.tenant is None:
        raise Misconfigured("Events belong to one tenant.", "Pass a scope of one tenant.")
    forgotten = Ledger(scope).subjects if any(one.subject for one in events) else frozenset()
    known = [one for one in events if one.subject not in forgotten]
    made = [_document(scope.tenant, one, received_at) for one in reversed(known)]
    landed = _insert(scope, list({one["_id"]: one for one in made}.values()))
    people = {one.subject for one in known if one.subject}
    if people:  # an erasure that was asked for since the first look may have searched before the batch was there
        for subject in people & Ledger(scope).subjects:
            EventsPlace(scope).erase(subject)
    return LandedEvents(landed, len(known) - landed, len(events) - len(known))


def sweep_events(scope: Scope, *, before: datetime, dry_run: bool) -> int:
    """Remove what a region, or the scope's tenant, received before an instant; returns how many."""
    old: dict[str, Any] = {"received_at": {"$lt": before}} | ({"tenant": scope.tenant} if scope.tenant else {})
    if dry_run:
        return int(documents(scope)[EVENTS].count_documents(old))
    return int(documents(scope)[EVENTS].delete_many(old).deleted_count)


class EventsPlace:
    """Events of the tenant: those of the person go."""

    name: Final = "events"

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def find(self, subject: str) -> Iterator[Finding]:
        """How many there are."""
        rows = documents(self._scope)[EVENTS].count_documents(self._of(subject))
        if rows:
            yield Finding(self.name, EVENTS, int(rows))

    def erase(self, subject: str) -> None:
        """Remove them."""
        documents(self._scope)[EVENTS].delete_many(self._of(subject))

    def told(self, subject: str) -> list[dict[str, Any]]:
        """What is kept of them, oldest first, as it was told."""
        found = documents(self._scope)[EVENTS].find(self._of(subject), {"_id": 0, "tenant": 0, "subject": 0})
        return list(found.sort("at", ASCENDING))

    def _of(self, subject: str) -> dict[str, Any]:
        return {"tenant": self._scope.tenant, "subject": subject}


def _document(tenant: str, event: Event, received_at: datetime) -> dict[str, Any]:
    return {
        "_id": f"{tenant}/{event.feed}/{event.id}",
        "tenant": tenant,
        "kind": event.kind,
        "feed": event.feed,
        "product": event.product,
        "subject": event.subject,
        "at": event.at,
        "received_at": received_at,
    }


def _insert(scope: Scope, fresh: list[dict[str, Any]]) -> int:
    """How many of these were not there yet."""
    if not fresh:
        return 0
    try:
        documents(scope)[EVENTS].insert_many(fresh, ordered=False)
    except BulkWriteError as error:
        told = error.details.get("writeErrors", [])
        # An error of another kind, or a majority that did not answer, means that the batch has to be sent again.
        if any(one.get("code") != _DUPLICATE for one in told) or error.details.get("writeConcernErrors"):
            raise Unavailable("The store did not take a batch of events whole.", "Send the batch again.") from error
        return len(fresh) - len(told)
    return len(fresh)
