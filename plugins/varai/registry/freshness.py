"""How long changes at the vendor take to get here: a few numbers per slice that brought some, kept for the last slices of each stream.

From the vendor's own instant of a change to the moment at which catalogue and warehouse have it. Collection `lags`:
{_id: "<tenant>/<feed>/<stream>", tenant, slices: [{at, rows, p50_s, p95_s, max_s}]}.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from varai.kernel import Scope, Word
from varai.registry.slices import Changes, StreamKey
from varai.stores import documents

SLICES: Final = 200
"""Slices with changes that are kept of a stream: two days and more at a run every 15 minutes."""


class Lag(Word):
    """Of the changes that one slice brought: how many seconds half of them took at most, 95 of 100, and all."""

    at: datetime
    rows: int
    p50_s: float
    p95_s: float
    max_s: float

    @classmethod
    def of(cls, changes: Changes, at: datetime) -> Lag:
        """Of changes that are here since `at`."""
        seconds = [
            max(0.0, (at - then).total_seconds()) for then in (changes.p50_at, changes.p95_at, changes.oldest_at)
        ]
        return cls(at=at, rows=changes.rows, p50_s=seconds[0], p95_s=seconds[1], max_s=seconds[2])


def keep_lag(scope: Scope, key: StreamKey, lag: Lag) -> None:
    """Add a slice to those kept of its stream."""
    documents(scope)["lags"].update_one(
        {"_id": "/".join(key)},
        {
            "$set": {"tenant": key.tenant},
            "$push": {"slices": {"$each": [lag.model_dump()], "$slice": -SLICES}},
        },
        upsert=True,
    )


def lags(scope: Scope) -> Mapping[StreamKey, Sequence[Lag]]:
    """The last slices of every stream that brought changes, oldest first; of the scope's tenant, or of the region."""
    wanted = {"tenant": scope.tenant} if scope.tenant else {}
    return {
        StreamKey(*found["_id"].split("/")): [Lag(**one) for one in found["slices"]]
        for found in documents(scope)["lags"].find(wanted)
    }


def freshness(slices: Sequence[Lag], promised_s: float | None) -> dict[str, Any]:
    """What a stream's last slices say: lags over all their changes, and the share of slices that kept the promise.

    A quantile is never told smaller than it is: of a slice only three are kept, and what lies between two counts as the larger.
    """
    parts = [
        part
        for one in slices
        for part in ((one.p50_s, one.rows * 0.5), (one.p95_s, one.rows * 0.45), (one.max_s, one.rows * 0.05))
    ]
    return {
        "lag_p50_s": _quantile(parts, 0.5),
        "lag_p95_s": _quantile(parts, 0.95),
        "lag_max_s": max((round(one.max_s, 1) for one in slices), default=None),
        "promised_s": promised_s,
        "kept": round(sum(one.max_s <= promised_s for one in slices) / len(slices), 4)
        if slices and promised_s is not None
        else None,
    }


def _quantile(parts: Iterable[tuple[float, float]], share: float) -> float | None:
    """The smallest value that has at least this share of the weight at or below it."""
    ordered = sorted(parts)
    wanted, met = sum(weight for _, weight in ordered) * share, 0.0
    for value, weight in ordered:
        met += weight
        if met >= wanted - 1e-9:
            return round(value, 1)
    return None
