"""Where a person is, and forgetting them everywhere: vault first, then every place that rooms above hand in.

Rooms above privacy (landing, quarantine, staged rows, warehouse, published marts) say what they hold by being a Place.
Order: the ledger (from then on every read of landing withholds the subject), the vault and its key, the places, a
second look, and only when nothing is left is the request done. A run that dies in between is begun again with the same
call.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from varai.kernel import Scope
from varai.privacy import audit
from varai.privacy.ledger import Erasure, Ledger
from varai.privacy.vault import Vault


@dataclass(frozen=True, slots=True)
class Finding:
    """What holds a subject: in which place, where in it (an object's key, a table), and how many rows or lines."""

    place: str
    where: str
    rows: int


class Place(Protocol):
    """A room's answer for one tenant's subjects, each named by the pseudonym."""

    @property
    def name(self) -> str:
        """What reports call it: landing, quarantine, warehouse, ..."""
        ...

    def find(self, subject: str) -> Iterable[Finding]:
        """Everything here that holds the subject."""
        ...

    def erase(self, subject: str) -> None:
        """Rewrite or remove what `find` names; doing it again changes nothing."""
        ...


@dataclass(frozen=True, slots=True)
class ErasureReport:
    """What was found, and what was left of it.

    Attributes:
        subject: the pseudonym.
        found: everything that held the subject before.
        left: everything that still does; all of `found` in a dry run.
        entry: the ledger's entry; None in a dry run.
    """

    subject: str
    found: tuple[Finding, ...]
    left: tuple[Finding, ...]
    entry: Erasure | None

    @property
    def complete(self) -> bool:
        """Whether the request is carried out everywhere."""
        return self.entry is not None and not self.left


def where(scope: Scope, subject: str, places: Sequence[Place] = ()) -> tuple[Finding, ...]:
    """Everything that holds the subject (a pseudonym) of the scope's tenant: the vault, then the places in order."""
    found = [Finding("vault", "vault", 1)] if Vault(scope).holds(subject) else []
    for place in places:
        found += place.find(subject)
    return tuple(found)


def erase(
    scope: Scope,
    subject: str,
    places: Sequence[Place] = (),
    *,
    reason: str,
    dry_run: bool = True,
    actor: str = "varai",
) -> ErasureReport:
    """Forget a subject (a pseudonym) of the scope's tenant; a dry run only looks. Audited before and after.

    Raises:
        Malformed: without a reason.
        Whatever a place raises: the request then stays open in the ledger, and calling again goes on.
    """
    found = where(scope, subject, places)
    if dry_run:
        return ErasureReport(subject, found, found, None)
    ledger = Ledger(scope)
    ledger.add(subject, reason)
    audit.append(scope, "erasure.begun", subject, reason, actor=actor)
    Vault(scope).erase(subject)
    for place in places:
        place.erase(subject)
    left = where(scope, subject, places)
    if not left:
        ledger.done(subject)
    audit.append(scope, "erasure.done" if not left else "erasure.incomplete", subject, reason, actor=actor)
    entry = next(one for one in ledger.entries() if one.subject == subject)
    return ErasureReport(subject, found, left, entry)
