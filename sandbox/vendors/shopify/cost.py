"""The cost of a query and the bucket of points a shop has.

Simplified from the real rule: a mutation costs 10, an object with an identity costs 1, scalars and value objects
(money, counts, page info) cost nothing, a list or connection of n costs 2 + ceil(sqrt(n)) times its node: the real
cost of connections also grows more slowly than their size (25 points were seen for 250 variants with their inventory
items). A single query may cost at most 1000. The actual cost is the same sum over what was really returned.
"""

from __future__ import annotations

import math
import threading
import time
from typing import Any

from sandbox.vendors.shopify.errors import ApiError
from sandbox.vendors.shopify.selection import Connection, Inner, Pick, Selection

LARGEST_COST = 1000
MUTATION_COST = 10
SECONDS_TO_FILL = 20
_VALUES = frozenset({"Count", "PageInfo", "MoneyBag", "MoneyV2", "Attribute", "SelectedOption", "SEO", "Weight"})
_LIMITS = "https://shopify.dev/api/usage/rate-limits"


def price(selection: Selection, *, actual: bool = False) -> int:
    """The points of a selection: as requested, or by what the last projection of it returned."""
    return sum(_pick_price(pick, actual) for pick in selection.picks)


def _pick_price(pick: Pick, actual: bool) -> int:
    if pick.denied:
        return 0
    if pick.connection is not None:
        return _connection_price(pick, pick.connection, actual)
    if pick.inner is None:
        return 0
    times = 1
    if pick.listed:
        size = pick.arguments.get("first") or len(pick.arguments.get("ids", ())) or 1
        times = math.ceil(math.sqrt(size))
    return times * _node_price(pick.inner, actual)


def _connection_price(pick: Pick, connection: Connection, actual: bool) -> int:
    size = pick.arguments.get("first") or pick.arguments.get("last") or 0
    if actual:
        size = min(size, connection.largest)
    node = max((_node_price(inner, actual) for inner in connection.inners()), default=0)
    return 2 + math.ceil(math.sqrt(size)) * node


def _node_price(inner: Inner, actual: bool) -> int:
    own = 0 if inner.declared in _VALUES or inner.declared.endswith("Payload") else 1
    return own + max((price(selection, actual=actual) for selection in inner.by_type.values()), default=0)


def refuse_too_dear(cost: int) -> None:
    """Raise what the real API answers to a query above the single-query maximum."""
    if cost > LARGEST_COST:
        raise ApiError(
            f"Query cost is {cost}, which exceeds the single query max cost limit ({LARGEST_COST}).\n\n"
            f"See {_LIMITS} for more information on how the cost of a query is calculated.",
            code="MAX_COST_EXCEEDED",
            cost=cost,
            maxCost=LARGEST_COST,
            documentation=_LIMITS,
        )


def throttled() -> ApiError:
    """The error that arrives inside HTTP 200 when the bucket is too empty."""
    return ApiError("Throttled", code="THROTTLED", documentation=_LIMITS)


class Bucket:
    """The leaky bucket of one shop; safe to use from several threads."""

    def __init__(self, restore_rate: float) -> None:
        self.restore_rate = restore_rate
        self.maximum = restore_rate * SECONDS_TO_FILL
        self._available = self.maximum
        self._at = time.monotonic()
        self._lock = threading.Lock()

    def take(self, points: int) -> bool:
        """Take points if they are there; says whether they were."""
        with self._lock:
            self._refill()
            if points > self._available:
                return False
            self._available -= points
            return True

    def give_back(self, points: int) -> None:
        """Return what was requested but not used."""
        with self._lock:
            self._refill()
            self._available = min(self.maximum, self._available + points)

    def drain(self) -> None:
        """Empty the bucket, as other apps of the same shop would."""
        with self._lock:
            self._refill()
            self._available = 0.0

    def status(self) -> dict[str, Any]:
        """`throttleStatus` as it is sent."""
        with self._lock:
            self._refill()
            return {
                "maximumAvailable": float(self.maximum),
                "currentlyAvailable": int(self._available),
                "restoreRate": float(self.restore_rate),
            }

    def _refill(self) -> None:
        now = time.monotonic()
        self._available = min(self.maximum, self._available + (now - self._at) * self.restore_rate)
        self._at = now
