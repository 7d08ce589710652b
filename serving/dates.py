"""Dates of a tenant's shops: in goes how far each feed is known, out comes up to when the figures are complete."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from varai.marts import FeedCoverage

Coverage = Mapping[str, FeedCoverage]
"""Feed -> how far its sales are known."""


def complete_until(coverage: Coverage) -> datetime | None:
    """Up to when every feed is complete, UTC; None when one was never read, or nobody knows."""
    marks = [one.complete_until for one in coverage.values()]
    known = [mark for mark in marks if mark is not None]
    return min(known) if known and len(known) == len(marks) else None


def complete_to(coverage: Coverage) -> date | None:
    """The last date that every feed has reached, each counted in its own shop's zone; None where one has not begun or is not known."""
    found = [_date(one.complete_until, one.timezone) for one in coverage.values()]
    known = [on for on in found if on is not None]
    return min(known) if known and len(known) == len(found) else None


def today(coverage: Coverage, now: datetime) -> date:
    """The latest date that has begun in any of the shops' zones, so that nobody's present day is left out; UTC's where none is known."""
    zones = {one.timezone for one in coverage.values() if one.timezone} or {"UTC"}
    return max(now.astimezone(ZoneInfo(zone)).date() for zone in zones)


def _date(at: datetime | None, zone: str | None) -> date | None:
    return None if at is None or zone is None else at.astimezone(ZoneInfo(zone)).date()
