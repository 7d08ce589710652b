"""A report says up to when its figures are complete, in the shops' own dates, and claims no zeros beyond."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from serving.app import create_app
from tests.serving.conftest import NOW, PLENTY, READ, World
from varai.marts import FeedCoverage, put_coverage
from varai.marts.words import coverage_key
from varai.registry import snapshots
from varai.stores import objects

URL = "/v1/reports/sales"
ALL = {"from": "2026-10-01", "to": "2026-11-30"}
TENANT = "northwind-eu"
BERLIN, AUCKLAND, LOS_ANGELES = "Europe/Berlin", "Pacific/Auckland", "America/Los_Angeles"
BEHIND = datetime(2026, 11, 1, 6, tzinfo=UTC)
Cover = Callable[[Mapping[str, FeedCoverage]], None]


@pytest.fixture
def cover(world: World) -> Iterator[Cover]:
    """Says something else of how far the tenant's feeds were read, for one test."""
    scope = world.scope("eu")
    current = snapshots(scope)[TENANT]
    yield lambda feeds: put_coverage(scope, TENANT, current, feeds)
    put_coverage(scope, TENANT, current, READ)


def read(until: datetime | None, zone: str | None = BERLIN) -> FeedCoverage:
    return FeedCoverage(complete_until=until, timezone=zone)


def report(world: World, bearer: dict[str, str], **asked: str) -> dict[str, Any]:
    found: dict[str, Any] = world.eu.get(URL, params={**ALL, **asked}, headers=bearer).json()
    return found


def periods(found: Mapping[str, Any], currency: str = "EUR") -> list[str]:
    return [row["period"] for row in found["rows"] if row["currency"] == currency]


def test_a_feed_behind_ends_what_is_covered(world: World, bearer: dict[str, str], cover: Cover) -> None:
    cover({"shop": read(BEHIND), "second": read(NOW)})
    found = report(world, bearer, feed="shop")
    assert found["covers"] == {"from": "2026-10-30", "to": "2026-11-01"}
    assert (found["complete_until"], found["complete_by_feed"]) == (BEHIND.isoformat(), {"shop": BEHIND.isoformat()})
    # A sale that is booked beyond has its row; a day without one is not known to be zero.
    assert periods(found) == ["2026-10-30", "2026-10-31", "2026-11-01", "2026-11-02"]


def test_of_two_feeds_the_one_behind_decides(world: World, bearer: dict[str, str], cover: Cover) -> None:
    cover({"shop": read(NOW), "second": read(BEHIND)})
    assert report(world, bearer)["covers"]["to"] == "2026-11-01"
    assert report(world, bearer)["complete_until"] == BEHIND.isoformat()
    assert report(world, bearer, feed="shop")["covers"]["to"] == "2026-11-10"


def test_of_two_zones_the_earlier_date_decides(world: World, bearer: dict[str, str], cover: Cover) -> None:
    later = NOW.replace(hour=7)
    cover({"shop": read(NOW.replace(hour=6), AUCKLAND), "second": read(later, LOS_ANGELES)})
    assert report(world, bearer, feed="second")["covers"]["to"] == "2026-11-09"
    assert report(world, bearer)["covers"]["to"] == "2026-11-09"


def test_a_feed_that_was_never_read_leaves_nothing_known_to_be_whole(
    world: World, bearer: dict[str, str], cover: Cover
) -> None:
    cover({"shop": read(NOW), "second": read(None, None)})
    found = report(world, bearer)
    assert (found["covers"], found["complete_until"]) == ({"from": "2026-10-30", "to": None}, None)
    assert found["complete_by_feed"] == {"shop": NOW.isoformat(), "second": None}
    assert periods(found) == ["2026-10-30", "2026-11-01", "2026-11-02"]


@pytest.mark.parametrize("said", [None, "of another snapshot"])
def test_figures_of_which_nothing_is_said_are_not_called_complete(
    world: World, bearer: dict[str, str], cover: Cover, said: str | None
) -> None:
    if said is None:
        objects(world.scope("eu")).delete(coverage_key(TENANT))
    else:
        put_coverage(world.scope("eu"), TENANT, said, READ)
    found = report(world, bearer)
    assert (found["covers"], found["complete_until"]) == ({"from": "2026-10-30", "to": None}, None)
    assert found["complete_by_feed"] == {}


def test_dates_wholly_beyond_are_not_covered(world: World, bearer: dict[str, str], cover: Cover) -> None:
    cover({"shop": read(BEHIND)})
    found = report(world, bearer, **{"from": "2026-11-02", "to": "2026-11-05"})
    assert (found["covers"], periods(found)) == (None, ["2026-11-02"])


def test_what_a_client_has_is_old_once_more_was_read(world: World, bearer: dict[str, str], cover: Cover) -> None:
    first = world.eu.get(URL, params=ALL, headers=bearer).headers["etag"]
    cover(READ | {"shop": read(NOW + timedelta(seconds=1))})
    answer = world.eu.get(URL, params=ALL, headers={**bearer, "If-None-Match": first})
    assert answer.status_code == 200
    assert answer.json()["complete_by_feed"]["shop"] == (NOW + timedelta(seconds=1)).isoformat()


def test_a_table_says_it_in_its_headers(world: World, bearer: dict[str, str], cover: Cover) -> None:
    cover({"shop": read(BEHIND)})
    headers = world.eu.get(URL, params=ALL, headers={**bearer, "Accept": "text/csv"}).headers
    assert headers["varai-complete-until"] == BEHIND.isoformat()
    assert headers["varai-covers"] == "2026-10-30/2026-11-01"


@pytest.mark.parametrize(
    ("zones", "clock", "today"),
    [
        ([AUCKLAND], "10:59:59", "2026-11-11"),
        ([AUCKLAND], "11:00:00", "2026-11-12"),
        ([LOS_ANGELES], "07:59:59", "2026-11-10"),
        ([LOS_ANGELES], "08:00:00", "2026-11-11"),
        ([LOS_ANGELES, AUCKLAND], "10:59:59", "2026-11-11"),
        ([LOS_ANGELES, AUCKLAND], "11:00:00", "2026-11-12"),
        ([None], "23:59:59", "2026-11-11"),
        ([LOS_ANGELES, None], "07:59:59", "2026-11-10"),
    ],
)
def test_today_is_the_latest_date_that_has_begun_in_a_shop(
    world: World, cover: Cover, zones: list[str | None], clock: str, today: str
) -> None:
    cover({feed: read(NOW, zone) for feed, zone in zip(("shop", "second"), zones, strict=False)})
    at = datetime.fromisoformat(f"2026-11-11T{clock}+00:00")
    with TestClient(create_app(world.settings, "eu", allowances=PLENTY, clock=lambda: at)) as app:
        token = replace(world, eu=app).token("eu", TENANT)
        found = app.get(URL, headers={"Authorization": f"Bearer {token}"}).json()
    assert found["to"] == today
    assert date.fromisoformat(found["to"]) - date.fromisoformat(found["from"]) == timedelta(days=29)


def test_today_of_one_feed_is_its_own(world: World, bearer: dict[str, str], cover: Cover) -> None:
    cover({"shop": read(NOW, LOS_ANGELES), "second": read(NOW, AUCKLAND)})
    days = [world.eu.get(URL, params={"feed": feed}, headers=bearer).json()["to"] for feed in ("shop", "second")]
    assert days == ["2026-11-10", "2026-11-11"]
