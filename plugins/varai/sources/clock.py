"""The vendor's clock beside ours: windows are cut by both."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final

_MOST_SKEW_S: Final = 60.0


def skew_s(headers: Mapping[str, str], now: datetime, otherwise: float) -> float:
    """The vendor's clock minus ours, seconds, by the Date of an answer, or `otherwise` where it has none."""
    try:
        return (parsedate_to_datetime(headers.get("date", "")) - now).total_seconds()
    except ValueError:
        return otherwise


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
