"""Pacing by the shop's cost bucket: in go the costs that each answer reports, out come the seconds to wait.

Shopify restores points at a steady rate up to a maximum and refuses a query whose requested cost is not there. All
apps of a shop share nothing, but all streams of this feed do: they share a pace, in which the server's last word counts.
https://shopify.dev/docs/api/usage/limits
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

from varai.kernel import FeedKey
from varai.sources.sharing import Shared

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
    """Knows how full the bucket is, what each document costs, and what is promised to questions that wait or are being answered.

    For all who read a shop at the same time: what one is about to take, no other counts on. Safe to use from several threads.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._status: ThrottleStatus | None = None
        self._at = 0.0
        self._need: dict[str, float] = {}
        self._promised = 0.0
        self._lock = threading.Lock()

    @property
    def status(self) -> ThrottleStatus | None:
        """The bucket as last reported."""
        return self._status

    def learn(self, document: str, cost: Cost | None) -> None:
        """Take in what an answer says about the bucket and about this document."""
        if cost is None:
            return
        with self._lock:
            self._status, self._at = cost.throttle_status, self._monotonic()
            if cost.requested_query_cost is not None:
                self._need[document] = cost.requested_query_cost

    @contextmanager
    def turn(self, document: str) -> Iterator[float]:
        """A question from before it waits until it is answered; gives the seconds to wait first.

        That is until the bucket holds what the document asked for last time, besides what others were promised before. One that was
        never asked is taken for as dear as the dearest that was.
        """
        with self._lock:
            need = 0.0 if self._status is None else self._needed(document)
            wait = self._until(need) if need else 0.0
            self._promised += need
        try:
            yield wait
        finally:
            with self._lock:
                self._promised -= need

    def wait_throttled(self, document: str) -> float:
        """Seconds to wait after THROTTLED; never 0, for the server has just said no."""
        with self._lock:
            if self._status is None:
                return _FALLBACK_S
            need = self._needed(document) or self._status.maximum_available / 4
            return max(self._until(need), FASTEST_POLL_S)

    def _needed(self, document: str) -> float:
        need = self._need.get(document, max(self._need.values(), default=0.0))
        return need if self._status is None else min(need, self._status.maximum_available)

    def _until(self, need: float) -> float:
        status = self._status
        if status is None or status.restore_rate <= 0:
            return _FALLBACK_S
        regained = (self._monotonic() - self._at) * status.restore_rate
        available = min(status.maximum_available, status.currently_available + regained) - self._promised
        return max(0.0, (need - available) / status.restore_rate)

    def forget(self, document: str) -> None:
        """The document will be asked with another page size: its old cost says nothing now."""
        with self._lock:
            self._need.pop(document, None)


_SHARED: Final = Shared[Pace]()


def pace_of(feed: FeedKey, shop: str) -> Pace:
    """The pace of a feed's shop, by its address: one for all who read it at the same time in this process."""
    return _SHARED.of(feed, shop, Pace)


def tier(status: ThrottleStatus | None) -> str:
    """The shop's rate limit as a sentence."""
    if status is None:
        return "unknown"
    name = next(name for rate, name in _TIERS if status.restore_rate >= rate)
    return f"{name}: {status.restore_rate:g} points per second, at most {status.maximum_available:g} at once"
