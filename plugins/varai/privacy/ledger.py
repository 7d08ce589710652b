"""The erasure ledger: who asked to be forgotten, until when, and whether it is done. Applied at every read of landing.

Entries are kept for ever, by pseudonym: a backup or a vendor's old answer must not bring an erased person back.
Collection `ledger`: {_id: "<tenant>/<subject>", tenant, subject, reason, requested_at, due_at, status, done_at};
`status` is open or done.
"""

from __future__ import annotations

import calendar
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from functools import cached_property

from pymongo.errors import DuplicateKeyError

from varai.kernel import Malformed, Scope, Word, utc_now
from varai.privacy.keys import tenant_of
from varai.privacy.pseudonyms import AnyFeed, Pseudonyms
from varai.stores import documents


class Erasure(Word):
    """One request to be forgotten; `due_at` is one calendar month after `requested_at` (GDPR, article 12.3), or before it."""

    subject: str
    reason: str
    requested_at: datetime
    due_at: datetime
    status: str
    done_at: datetime | None = None

    def overdue(self, now: datetime) -> bool:
        """Whether the month is over and the erasure is not done."""
        return self.status == "open" and now >= self.due_at


class Ledger:
    """Erasures of the scope's tenant. What reads ask for is as of the first question: make a new Ledger for each read.

    Raises Misconfigured in the scope of a whole region.
    """

    def __init__(self, scope: Scope) -> None:
        self._tenant = tenant_of(scope)
        self._pseudonyms = Pseudonyms(scope)
        self._entries = documents(scope)["ledger"]

    @cached_property
    def subjects(self) -> frozenset[str]:
        """Pseudonyms of everybody who asked to be forgotten, done or not."""
        return frozenset(entry["subject"] for entry in self._entries.find({"tenant": self._tenant}, {"subject": 1}))

    def contains_any(self) -> bool:
        """False when nobody was ever erased, so that a read need not look for them."""
        return bool(self.subjects)

    def erased(self, feed: AnyFeed, ids: Iterable[str]) -> set[str]:
        """Those of these vendor ids whose owner asked to be forgotten."""
        if not self.subjects:
            return set()
        return {vendor_id for vendor_id in ids if self._pseudonyms.of(feed, vendor_id) in self.subjects}

    def add(
        self, subject: str, reason: str, requested_at: datetime | None = None, due_at: datetime | None = None
    ) -> Erasure:
        """Enter a pseudonym, due in a month unless told; asked again for the same subject, the first request's dates stay.

        Raises:
            Malformed: without a reason.
        """
        if not reason.strip():
            raise Malformed("An erasure needs a reason.", "Say who asked and how, without personal data.")
        at = requested_at or utc_now()
        due = due_at or a_month_after(at)
        entry = Erasure(subject=subject, reason=reason, requested_at=at, due_at=due, status="open")
        try:
            self._entries.insert_one({"_id": self._id(subject), "tenant": self._tenant, **entry.model_dump()})
        except DuplicateKeyError:
            kept = self._entries.find_one({"_id": self._id(subject)}) or {}
            entry = _entry(kept)
        self.__dict__.pop("subjects", None)
        return entry

    def done(self, subject: str) -> None:
        """Mark an erasure as carried out everywhere."""
        self._entries.update_one(
            {"_id": self._id(subject), "status": "open"}, {"$set": {"status": "done", "done_at": utc_now()}}
        )

    def entries(self, status: str | None = None) -> list[Erasure]:
        """All entries, or those of one status, the most urgent first."""
        wanted = {"tenant": self._tenant} | ({"status": status} if status else {})
        return sorted(
            (_entry(found) for found in self._entries.find(wanted)), key=lambda entry: (entry.due_at, entry.subject)
        )

    def _id(self, subject: str) -> str:
        return f"{self._tenant}/{subject}"


def overdue(scope: Scope, now: datetime) -> dict[str, int]:
    """How many erasures are overdue, by tenant: of the scope's tenant, or of each in its region that has any."""
    wanted = {"status": "open", "due_at": {"$lte": now}} | ({"tenant": scope.tenant} if scope.tenant else {})
    found = documents(scope)["ledger"].find(wanted, {"tenant": 1})
    return dict(sorted(Counter(str(one["tenant"]) for one in found).items()))


def a_month_after(at: datetime) -> datetime:
    """The same day and time of the next month, or its last day where the month is shorter."""
    year, month = (at.year + 1, 1) if at.month == 12 else (at.year, at.month + 1)
    return at.replace(year=year, month=month, day=min(at.day, calendar.monthrange(year, month)[1]))


def _entry(found: dict[str, object]) -> Erasure:
    return Erasure.model_validate({name: found.get(name) for name in Erasure.model_fields})
