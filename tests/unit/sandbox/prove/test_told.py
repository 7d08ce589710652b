"""What is told of a day is what a clerk did, in order; a lost delivery is missing, a repeated one is the same, a late one is the oldest."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sandbox.prove.clerk import KINDS
from sandbox.prove.rows import ROWS
from sandbox.prove.told import LOST, TellingClerk, Told, all_come_twice, some_are_lost, they_come_in_disorder
from sandbox.world.spec import DefectRates, WorldSpec

WORLD = WorldSpec("north", "north.example.com", 5, "EUR", "Europe/Berlin", "DE", "app", "secret", 8, 20, 6)
AT = datetime(2026, 11, 2, 10, tzinfo=UTC)
TOLD = [Told(kind, "updated", f"{kind} {number}", AT, {"id": number}) for number in range(3) for kind in KINDS]


@pytest.mark.parametrize("vendor", [name for name, row in ROWS.items() if row.topic is not None])
def test_every_change_is_told_once_as_the_record_was_then(vendor: str, tmp_path: Path) -> None:
    path = ROWS[vendor].file(tmp_path, "north")
    ROWS[vendor].build(path, replace(WORLD, defects=DefectRates.none()))
    clerk = TellingClerk(ROWS[vendor].clerk(path))
    product, order = clerk.ids("products")[0], clerk.long_orders()[0]
    for word in ("first", "then"):
        clerk.touch("products", product, word, AT)
    clerk.shorten(order, AT)
    taken = clerk.take("orders", order)
    clerk.remove("orders", order, AT)
    clerk.put(taken, None)
    clerk.put(taken, AT)
    assert [(one.kind, one.what) for one in clerk.told] == [
        ("products", "updated"),
        ("products", "updated"),
        ("orders", "updated"),
        ("orders", "deleted"),
        ("orders", "created"),
    ]
    assert len({one.event for one in clerk.told}) == len(clerk.told)
    first, then = (str(one.body) for one in clerk.told[:2])
    assert "first" in first and "then" in then


def test_where_some_are_lost_nothing_tells_of_one_kind() -> None:
    [come] = some_are_lost(TOLD)
    assert {one.kind for one in come} == set(KINDS) - {LOST}
    assert TOLD[0] not in come


def test_all_come_twice_and_once_more_later() -> None:
    first, later = all_come_twice(TOLD)
    assert [first.count(one) for one in TOLD] == [2] * len(TOLD)
    assert list(later) == TOLD


def test_the_last_comes_first_and_the_oldest_of_each_kind_when_the_others_are_read() -> None:
    first, late = they_come_in_disorder(TOLD)
    assert list(late) == TOLD[: len(KINDS)]
    assert list(first) == list(reversed(TOLD[len(KINDS) :]))
