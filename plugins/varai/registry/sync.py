"""How far a stream is in sync: as of when, what the last comparisons found, how long changes take, and the promise beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from varai.kernel import Feed, Scope
from varai.registry.comparisons import Comparison, Kind
from varai.registry.freshness import Lag, freshness
from varai.registry.slices import SliceState, StreamKey

_Found = Mapping[tuple[StreamKey, Kind], Comparison]


def in_sync(
    scope: Scope,
    key: StreamKey,
    row: Mapping[str, Any],
    feed: Feed | None,
    found: _Found,
    late: Mapping[StreamKey, Sequence[Lag]],
) -> dict[str, Any]:
    """What a row of status says besides of its stream. Plain JSON values.

    `in_sync_as_of` is the watermark, if the last comparison of each kind found nothing; null otherwise. `oldest_unsynced_at` is
    the oldest change that is not here as far as anybody knows: null where none is known, else the earliest of what a comparison
    found missing and, where a slice is unfinished, the watermark: whatever changed after it may be missing.
    """
    compared = {kind: told(found.get((key, kind))) for kind in get_args(Kind)}
    differences = sum(one["differences"] for one in compared.values() if one)
    rows = found.get((key, "rows"))
    missing = [rows.oldest_at.isoformat()] if rows and rows.oldest_at else []
    if row["watermark"] and not SliceState(scope, key).at_rest:
        missing.append(row["watermark"])
    return {
        "in_sync_as_of": row["watermark"] if not differences else None,
        "oldest_unsynced_at": min(missing, default=None),
        "compared": compared,
        **freshness(late.get(key, ()), (feed.fresh_minutes * 60.0 if feed else None)),
    }


def told(found: Comparison | None) -> dict[str, Any] | None:
    """A comparison as status tells it: when, how many differences, and the first of them by key."""
    if found is None:
        return None
    return {"at": found.at.isoformat(), "differences": found.differences, "sentences": list(found.sentences)}
