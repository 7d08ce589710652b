"""What happens in the shop under test before and while it is read: a day's business, and what a column adds to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sandbox.prove.clerk import Clerk, Taken

_CHANGED: Mapping[str, int] = {"products": 9, "orders": 8, "customers": 9}
"""So many records change beside those that come: ten orders are two full pages exactly, with those of the others it is not so."""


@dataclass
class Day:
    """A day in the shop.

    Attributes:
        clerk: changes the shop.
        newcomers: records that come that day.
        spares: records that never were, one of each kind.
        kinds: of records that the vendor knows.
        gone: what was deleted so far.
    """

    clerk: Clerk
    newcomers: list[Taken]
    spares: list[Taken]
    kinds: Sequence[str]
    gone: list[Taken] = field(default_factory=list)

    def passes(self, at: datetime) -> None:
        """Products, orders and people change, some are new, and one order is shortened by its last line."""
        shortened = self.clerk.long_orders()[0] if "orders" in self.kinds else None
        for kind in self.kinds:
            for one in [one for one in self.clerk.ids(kind) if one != shortened][: _CHANGED[kind]]:
                self.clerk.touch(kind, one, f"Changed {one}", at)
        for new in self.newcomers:
            self.clerk.put(new, at)
        if shortened is not None:
            self.clerk.shorten(shortened, at)

    def untouched(self, kind: str) -> str:
        """A record that no day changes."""
        return self.clerk.ids(kind)[_CHANGED[kind] + 2]

    def remove(self, kind: str, id: str, at: datetime) -> None:
        """Delete a record, which is remembered."""
        self.gone.append(self.clerk.take(kind, id))
        self.clerk.remove(kind, id, at)


Change = Callable[[Day, datetime], None]
Meanwhile = Callable[[Day, str, datetime], str]
"""Changes one record of a stream while it is read, at an instant that its window does not hold; returns the record's id."""


def some_go(day: Day, at: datetime) -> None:
    """A product, an order and a person are deleted."""
    for kind in day.kinds:
        day.remove(kind, day.untouched(kind), at)


def they_come_back(day: Day, at: datetime) -> None:
    """What was deleted is there again, as newly changed."""
    for one in day.gone:
        day.clerk.put(one, at)


def numbers_are_reused(day: Day, at: datetime) -> None:
    """A product, an order and a person are deleted, and others get their numbers."""
    for spare in day.spares:
        id = day.untouched(spare.kind)
        day.remove(spare.kind, id, at)
        day.clerk.put(spare, at, id)


def change_upon_change(day: Day, at: datetime) -> None:
    """A product, an order and a person change twice more; others are deleted, and are back the same day."""
    for kind in day.kinds:
        for word in ("Changed again", "Changed at last"):
            day.clerk.touch(kind, day.clerk.ids(kind)[0], word, at)
    some_go(day, at)
    they_come_back(day, at)


def one_changes(day: Day, stream: str, at: datetime) -> str:
    """The first record changes again, so that it leaves the window and those after it move up."""
    first = day.clerk.ids(stream)[0]
    day.clerk.touch(stream, first, "Changed while it was read", at)
    return first


def one_goes(day: Day, stream: str, at: datetime) -> str:
    """The first record is deleted, and those after it move up."""
    first = day.clerk.ids(stream)[0]
    day.remove(stream, first, at)
    return first


def one_comes(day: Day, stream: str, at: datetime) -> str:
    """A record comes."""
    [spare] = [one for one in day.spares if one.kind == stream]
    day.clerk.put(spare, at)
    return spare.id
