"""How often a tenant may ask: a sliding window per tenant and kind of work, counted in this process.

One noisy tenant uses up its own allowance and nobody else's. Counts are per process, so a region with n processes allows
up to n times as much; they are lost with the process, which lets more through and never less.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Literal

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

_MINUTE_S = 60.0
Kind = Literal["reads", "answers", "events"]


@dataclass(slots=True)
class _Minute:
    """A sliding window of the kept library's kind, for what is asked most: that one starts a thread per hundredth of a second."""

    began: float = 0.0
    before: int = 0
    now: int = 0

    def take(self, most: int, at: float) -> int | None:
        """Count one; None when there are at most `most` in the last minute, else seconds to wait."""
        passed = at - self.began
        if passed >= _MINUTE_S:
            self.before = self.now if passed < 2 * _MINUTE_S else 0
            self.began, self.now, passed = at - passed % _MINUTE_S, 0, passed % _MINUTE_S
        if self.before * (1 - passed / _MINUTE_S) + self.now >= most:
            return max(1, round(_MINUTE_S - passed))
        self.now += 1
        return None


@dataclass(frozen=True)
class Allowances:
    """Requests per minute.

    Attributes:
        reads: of a tenant, all its tokens together.
        answers: of a tenant: recommendations for its shoppers.
        events: batches of events of a tenant.
        tokens: tokens one client may ask for.
        addresses: token requests from one network address, whatever client they name.
        unsigned: webhooks from one network address that nobody had signed; signed ones are not counted.
    """

    reads: int = 600
    answers: int = 60_000
    events: int = 6_000
    tokens: int = 60
    addresses: int = 300
    unsigned: int = 600
    _counted: SlidingWindowCounterRateLimiter = field(
        default_factory=lambda: SlidingWindowCounterRateLimiter(MemoryStorage()), repr=False
    )
    _minutes: dict[str, _Minute] = field(default_factory=dict, repr=False)

    def take(self, kind: Kind, tenant: str) -> int | None:
        """Count a request of a tenant; None when it may go on, else seconds to wait."""
        if kind == "answers":
            return self._minutes.setdefault(tenant, _Minute()).take(self.answers, time.monotonic())
        return self._take(RateLimitItemPerMinute(getattr(self, kind)), kind, tenant)

    def token(self, client_id: str, address: str) -> int | None:
        """Count a request for a token; None when it may go on, else seconds to wait."""
        waits = (
            self._take(RateLimitItemPerMinute(self.addresses), "addresses", address),
            self._take(RateLimitItemPerMinute(self.tokens), "tokens", client_id[:128]),
        )
        return max((wait for wait in waits if wait is not None), default=None)

    def refused(self, address: str) -> int | None:
        """Count an unsigned delivery; None when more of them are answered as ever, else seconds to wait."""
        return self._take(RateLimitItemPerMinute(self.unsigned), "unsigned", address)

    def _take(self, item: RateLimitItem, kind: str, who: str) -> int | None:
        if self._counted.hit(item, kind, who):
            return None
        return max(1, round(self._counted.get_window_stats(item, kind, who).reset_time - time.time()))
