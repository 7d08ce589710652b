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

Kind = Literal["reads", "answers", "events"]


@dataclass(frozen=True)
class Allowances:
    """Requests per minute.

    Attributes:
        reads: of a tenant, all its tokens together.
        answers: of a tenant: recommendations for its shoppers.
        events: batches of events of a tenant.
        tokens: tokens one client may ask for.
        addresses: token requests from one network address, whatever client they name.
    """

    reads: int = 600
    answers: int = 60_000
    events: int = 6_000
    tokens: int = 60
    addresses: int = 300
    _counted: SlidingWindowCounterRateLimiter = field(
        default_factory=lambda: SlidingWindowCounterRateLimiter(MemoryStorage()), repr=False
    )

    def take(self, kind: Kind, tenant: str) -> int | None:
        """Count a request of a tenant; None when it may go on, else seconds to wait."""
        return self._take(RateLimitItemPerMinute(getattr(self, kind)), kind, tenant)

    def token(self, client_id: str, address: str) -> int | None:
        """Count a request for a token; None when it may go on, else seconds to wait."""
        waits = (
            self._take(RateLimitItemPerMinute(self.addresses), "addresses", address),
            self._take(RateLimitItemPerMinute(self.tokens), "tokens", client_id[:128]),
        )
        return max((wait for wait in waits if wait is not None), default=None)

    def _take(self, item: RateLimitItem, kind: str, who: str) -> int | None:
        if self._counted.hit(item, kind, who):
            return None
        return max(1, round(self._counted.get_window_stats(item, kind, who).reset_time - time.time()))
