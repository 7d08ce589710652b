"""People who asked for their data: who, until when it is due, and whether the answer was handed over. By pseudonym, like the ledger.

Collection `requests`: {_id: name, tenant, subject, reason, requested_at, due_at, status, done_at}; `status` is open, ready (the answer lies
sealed in the bucket) or done (an operator has handed it to the merchant).
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any, Literal

from pymongo.errors import DuplicateKeyError

from varai.kernel import Misconfigured, Scope, Word, utc_now
from varai.privacy.keys import tenant_of
from varai.stores import documents

Status = Literal["open", "ready", "done"]


class Request(Word):
    """One request for a person's data."""

    id: str
    subject: str
    reason: str
    requested_at: datetime
    due_at: datetime
    status: Status = "open"
    done_at: datetime | None = None

    @property
    def answer(self) -> str:
        """Key of the sealed answer."""
        tenant, _, name = self.id.partition("/")
        return f"requests/{tenant}/{name}.json.sealed"

    def overdue(self, now: datetime) -> bool:
        """Whether it is due and the answer was not handed over."""
        return self.status != "done" and now >= self.due_at


class Requests:
    """Requests of the scope's tenant. Raises Misconfigured in the scope of a whole region."""

    def __init__(self, scope: Scope) -> None:
        self._tenant = tenant_of(scope)
        self._requests = documents(scope)["requests"]

    def add(self, name: str, subject: str, reason: str, requested_at: datetime, due_at: datetime) -> None:
        """Enter a request; entered again, it stays as it was. `name` begins with the tenant's and a slash."""
        request = Request(id=name, subject=subject, reason=reason, requested_at=requested_at, due_at=due_at)
        document: dict[str, Any] = {"_id": name, "tenant": self._tenant, **request.model_dump(exclude={"id"})}
        try:
            self._requests.insert_one(document)
        except DuplicateKeyError:
            return

    def entries(self, status: Status | None = None) -> list[Request]:
        """All requests, or those of one status, the most urgent first."""
        wanted = {"tenant": self._tenant} | ({"status": status} if status else {})
        return sorted((_request(one) for one in self._requests.find(wanted)), key=lambda one: (one.due_at, one.id))

    def get(self, name: str) -> Request:
        """One request; raises Misconfigured for a name there is not."""
        found = self._requests.find_one({"_id": name, "tenant": self._tenant})
        if found is None:
            raise Misconfigured(f"There is no request '{name}'.", "See `varai privacy requests`.")
        return _request(found)

    def ready(self, name: str) -> None:
        """The answer lies sealed in the bucket."""
        self._requests.update_one({"_id": name, "status": "open"}, {"$set": {"status": "ready"}})

    def done(self, name: str) -> None:
        """The answer was handed over."""
        self._requests.update_one({"_id": name}, {"$set": {"status": "done", "done_at": utc_now()}})


def overdue_requests(scope: Scope, now: datetime) -> dict[str, int]:
    """How many requests are overdue, by tenant: of the scope's tenant, or of each in its region that has any."""
    wanted: dict[str, Any] = {"status": {"$ne": "done"}, "due_at": {"$lte": now}}
    wanted |= {"tenant": scope.tenant} if scope.tenant else {}
    found = documents(scope)["requests"].find(wanted, {"tenant": 1})
    return dict(sorted(Counter(str(one["tenant"]) for one in found).items()))


def _request(found: dict[str, Any]) -> Request:
    return Request(id=found["_id"], **{name: found[name] for name in Request.model_fields if name != "id"})
