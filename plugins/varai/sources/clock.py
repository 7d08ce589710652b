"""The vendor's clock beside ours: windows are cut by both."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from varai.kernel import Misconfigured, Window
from varai.sources.contract import Session

_MOST_SKEW_S: Final = 60.0


def dated(headers: Mapping[str, str]) -> datetime | None:
    """When the vendor says that it answered; None where it does not."""
    try:
        at = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def insist_on(window: Window, session: Session, earliest: datetime | None) -> None:
    """Refuse a read in which the vendor's clock had not come to the window's end, less what the next window reads again.

    What it changes afterwards would be dated before the next window. An answer that a cache kept, which is as old as its date, looks
    the same.

    Args:
        window: what was read.
        session: has our clock, and the feed's overlap of windows. A window that ends in our own future is nobody's but an operator's.
        earliest: the earliest date of an answer; None where there was none.

    Raises Misconfigured.
    """
    overlap_s = session.feed.overlap_s
    if earliest is None or earliest >= window.end - timedelta(seconds=overlap_s) or window.end > session.clock():
        return
    raise Misconfigured(
        f"The vendor answered as of {earliest:%Y-%m-%d %H:%M:%S} for a window that ends at {window.end:%Y-%m-%d %H:%M:%S}:"
        " its clock is behind ours, or a cache before it gave an old answer. Changes would be missed.",
        f"Synchronise the clocks and let no cache keep the API's answers, or set the feed's overlap_s, now {overlap_s}, above"
        " the difference.",
    )


def skew_s(headers: Mapping[str, str], now: datetime, otherwise: float) -> float:
    """The vendor's clock minus ours, seconds, by the Date of an answer, or `otherwise` where it has none."""
    at = dated(headers)
    return otherwise if at is None else (at - now).total_seconds()


def skew_problems(skew_s: float) -> list[str]:
    """A sentence with its cure where the clocks differ by too much."""
    if abs(skew_s) <= _MOST_SKEW_S:
        return []
    return [
        (
            f"The shop's clock and ours differ by {skew_s:.0f} s: windows would miss or repeat changes."
            " Synchronise this machine's clock (NTP), and the shop's where it is yours."
        )
    ]
