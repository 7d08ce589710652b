"""What the vendor tells of a day by webhooks, a delivery per change, and the ways in which deliveries come: lost, twice, in disorder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from sandbox.prove.clerk import Body, Clerk, Taken, read

What = Literal["created", "updated", "deleted"]
LOST: Final = "orders"
"""The kind of which no delivery comes where deliveries are lost: no other one tells of its streams."""


@dataclass(frozen=True)
class Told:
    """One change as the vendor tells it: the record's kind, what happened, the event's id, when, and the record as it was then."""

    kind: str
    what: What
    event: str
    at: datetime
    body: Mapping[str, Any]


Ways = Callable[[Sequence[Told]], Sequence[Sequence[Told]]]
"""What was told, in order -> what comes, in order, round by round; each round is drained."""


class TellingClerk:
    """See `Clerk`. Every change that it makes is told, as `told` has it in order."""

    def __init__(self, clerk: Clerk) -> None:
        self._clerk = clerk
        self.told: list[Told] = []

    def ids(self, kind: str) -> list[str]:
        """See `Clerk`."""
        return self._clerk.ids(kind)

    def census(self) -> dict[str, set[str]]:
        """See `Clerk`."""
        return self._clerk.census()

    def long_orders(self) -> list[str]:
        """See `Clerk`."""
        return self._clerk.long_orders()

    def take(self, kind: str, id: str) -> Taken:
        """See `Clerk`."""
        return self._clerk.take(kind, id)

    def touch(self, kind: str, id: str, word: str, at: datetime) -> None:
        """See `Clerk`."""
        self._clerk.touch(kind, id, word, at)
        self._tell(kind, "updated", at, _body(self.take(kind, id)))

    def shorten(self, id: str, at: datetime) -> None:
        """See `Clerk`."""
        self._clerk.shorten(id, at)
        self._tell("orders", "updated", at, _body(self.take("orders", id)))

    def remove(self, kind: str, id: str, at: datetime) -> None:
        """See `Clerk`."""
        self._clerk.remove(kind, id, at)
        self._tell(kind, "deleted", at, {"id": int(id)})

    def put(self, taken: Taken, at: datetime | None, id: str | None = None) -> None:
        """See `Clerk`. What is put as it was is no change."""
        self._clerk.put(taken, at, id)
        if at is not None:
            self._tell(taken.kind, "created", at, _body(self.take(taken.kind, id or taken.id)))

    def _tell(self, kind: str, what: What, at: datetime, body: Mapping[str, Any]) -> None:
        self.told.append(Told(kind, what, f"{kind} {len(self.told)}", at, body))


def some_are_lost(told: Sequence[Told]) -> Sequence[Sequence[Told]]:
    """None about orders comes, and the first one does not."""
    return [[one for one in told[1:] if one.kind != LOST]]


def all_come_twice(told: Sequence[Told]) -> Sequence[Sequence[Told]]:
    """Each comes twice, and once more when what it told of is read."""
    return [[one for one in told for _ in range(2)], told]


def they_come_in_disorder(told: Sequence[Told]) -> Sequence[Sequence[Told]]:
    """The last comes first; of each kind the very first comes when all the others are read."""
    late = [next(one for one in told if one.kind == kind) for kind in dict.fromkeys(one.kind for one in told)]
    return [[one for one in reversed(told) if one not in late], late]


def _body(taken: Taken) -> Body:
    """The record's own, which stands among its row's values as JSON."""
    return next(read(value) for value in taken.rows[0] if isinstance(value, str) and value.startswith("{"))
