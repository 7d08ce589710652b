"""Answer people who asked for their data: what the region holds of them, sealed in the bucket until an operator hands it over.

`varai.privacy.requests` keeps who asked and until when it is due. An answer is JSON: the person's fields in the vault, the lines of their
orders in the tenant's published marts, and what they did on the shop's pages with their consent.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from varai.kernel import Gone, Misconfigured, RequestsOpen, Scope, utc_now
from varai.landing import EventsPlace
from varai.marts import Reader
from varai.privacy import Finding, Request, Requests, Vault, audit, create_object, open_object, overdue_requests
from varai.registry import tenants
from varai.settings import Settings
from varai.stores import objects

_ORDERS: Final = "SELECT * FROM fct_order_line WHERE subject = $subject ORDER BY processed_at, line_id"


def answer_due(settings: Settings, region: str) -> int:
    """Gather the answers of a region's open requests; returns how many.

    Raises:
        RequestsOpen: answers are overdue that nobody has handed over, naming their tenants.
    """
    done = 0
    for tenant in tenants(settings.scope(region)):
        scope = settings.scope(region, tenant.name)
        for request in Requests(scope).entries("open"):
            with create_object(scope, request.answer) as file:
                file.write(json.dumps(_answer(scope, request), default=str, indent=1).encode())
            Requests(scope).ready(request.id)
            audit.append(scope, "request.answered", request.subject, request.reason, actor="operate")
            done += 1
    late = overdue_requests(settings.scope(region), utc_now())
    if late:
        told = ", ".join(f"{tenant}: {count}" for tenant, count in late.items())
        raise RequestsOpen(f"Answers to people who asked for their data are overdue in {region}: {told}.")
    return done


def read_answer(scope: Scope, name: str) -> str:
    """The answer to a request, JSON. Raises Misconfigured for a request there is not, or whose answer is not gathered or gone."""
    request = Requests(scope).get(name)
    if not objects(scope).exists(request.answer):
        raise Misconfigured(f"No answer to '{name}' lies ready.", "The nightly graph gathers it; see its status.")
    with open_object(scope, request.answer) as file:
        return file.read().decode()


def hand_over(scope: Scope, name: str, *, actor: str) -> str:
    """The answer, marked as handed over and deleted here: the merchant has it now. Raises as `read_answer` does."""
    answer = read_answer(scope, name)
    request = Requests(scope).get(name)
    audit.append(scope, "request.handed_over", request.subject, request.reason, actor=actor)
    Requests(scope).done(name)
    objects(scope).delete(request.answer)
    return answer


def _answer(scope: Scope, request: Request) -> dict[str, Any]:
    return {
        "request": request.id,
        "pseudonym": request.subject,
        "person": Vault(scope).get(request.subject),
        "order_lines": _orders(scope, request.subject),
        "events": EventsPlace(scope).told(request.subject),
    }


def _orders(scope: Scope, subject: str) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="varai-request-") as folder:
        try:
            with Reader(scope, Path(folder)).current(str(scope.tenant)) as snapshot:
                rows: list[dict[str, Any]] = snapshot.query(_ORDERS, {"subject": subject}).to_pylist()
        except Gone:  # nothing is published yet, so no order is known
            return []
    return rows


class AnswersPlace:
    """Answers of the tenant that wait to be handed over: those of an erased person go, and their requests are over."""

    name: Final = "requests"

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def find(self, subject: str) -> Iterator[Finding]:
        """Answers about the subject."""
        for request in self._of(subject):
            if objects(self._scope).exists(request.answer):
                yield Finding(self.name, request.answer, 1)

    def erase(self, subject: str) -> None:
        """Delete them."""
        for request in self._of(subject):
            objects(self._scope).delete(request.answer)
            Requests(self._scope).done(request.id)

    def _of(self, subject: str) -> list[Request]:
        return [one for one in Requests(self._scope).entries() if one.subject == subject]
