"""Dates of a tenant's shops: in goes how far each feed is known, out comes up to when the figures are complete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from varai.marts import FeedCoverage

Coverage = Mapping[str, FeedCoverage]
"""Feed -> how far its sales are known."""
_Day = TypeVar("_Day", date, datetime)


def complete_until(coverage: Coverage) -> datetime | None:
    """Up to when every feed is complete, UTC; None when one was never read, or nobody knows."""
    return _least([one.complete_until for one in coverage.values()])


def complete_to(coverage: Coverage) -> date | None:
    """The last date that every feed has reached, each counted in its own shop's zone; None where one has not begun or is not known."""
    return _least([_date(one.complete_until, one.timezone) for one in coverage.values()])


def today(coverage: Coverage, now: datetime) -> date:
    """The latest date that has begun in any of the shops' zones, so that nobody's present day is left out; UTC's where none is known."""
    zones = {one.timezone for one in coverage.values() if one.timezone} or {"UTC"}
    return max(now.astimezone(ZoneInfo(zone)).date() for zone in zones)


def _date(at: datetime | None, zone: str | None) -> date | None:
    return None if at is None or zone is None else at.astimezone(ZoneInfo(zone)).date()


def _least(found: Sequence[_Day | None]) -> _Day | None:
    """The least of all; None where one is not known, or there is none."""
    known = [one for one in found if one is not None]
    return min(known) if known and len(known) == len(found) else None
