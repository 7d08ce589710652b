"""Pacing by the shop's cost bucket: in go the costs that each answer reports, out come the seconds to wait.

Shopify restores points at a steady rate up to a maximum and refuses a query whose requested cost is not there. All
apps of a shop share nothing, but all streams of this feed do, so the server's last word counts, not our sum.
https://shopify.dev/docs/api/usage/limits
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import msgspec

FASTEST_POLL_S: Final = 0.2
_FALLBACK_S: Final = 2.0
_TIERS: Final = ((2000.0, "enterprise"), (1000.0, "Plus"), (200.0, "Advanced"), (0.0, "standard"))


class ThrottleStatus(msgspec.Struct, rename="camel", frozen=True):
    """The bucket as the vendor reports it, in points and points per second."""

    maximum_available: float
    currently_available: float
    restore_rate: float


class Cost(msgspec.Struct, rename="camel", frozen=True):
    """What a query cost, in points."""

    throttle_status: ThrottleStatus
    requested_query_cost: float | None = None
    actual_query_cost: float | None = None


class Pace:
    """Knows how full the bucket is and what each document costs."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._status: ThrottleStatus | None = None
        self._at = 0.0
        self._need: dict[str, float] = {}

    @property
    def status(self) -> ThrottleStatus | None:
        """The bucket as last reported."""
        return self._status

    def learn(self, document: str, cost: Cost | None) -> None:
        """Take in what an answer says about the bucket and about this document."""
        if cost is None:
            return
        self._status, self._at = cost.throttle_status, self._monotonic()
        if cost.requested_query_cost:
            self._need[document] = cost.requested_query_cost

    def wait(self, document: str) -> float:
        """Seconds until the bucket holds what this document asked for last time; 0 while that is unknown."""
        need = self._need.get(document)
        if need is None or self._status is None:
            return 0.0
        return self._until(need)

    def wait_throttled(self, document: str) -> float:
        """Seconds to wait after THROTTLED; never 0, for the server has just said no."""
        if self._status is None:
            return _FALLBACK_S
        need = self._need.get(document, self._status.maximum_available / 4)
        return max(self._until(need), FASTEST_POLL_S)

    def _until(self, need: float) -> float:
        status = self._status
        if status is None or status.restore_rate <= 0:
            return _FALLBACK_S
        regained = (self._monotonic() - self._at) * status.restore_rate
        available = min(status.maximum_available, status.currently_available + regained)
        return max(0.0, (min(need, status.maximum_available) - available) / status.restore_rate)

    def forget(self, document: str) -> None:
        """The document will be asked with another page size: its old cost says nothing now."""
        self._need.pop(document, None)


def tier(status: ThrottleStatus | None) -> str:
    """The shop's rate limit as a sentence."""
    if status is None:
        return "unknown"
    name = next(name for rate, name in _TIERS if status.restore_rate >= rate)
    return f"{name}: {status.restore_rate:g} points per second, at most {status.maximum_available:g} at once"
