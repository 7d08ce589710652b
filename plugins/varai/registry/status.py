"""Status of a region, read from what the river leaves behind: the contract of `varai status --json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from varai.kernel import Scope, utc_now
from varai.registry.feeds import feeds
from varai.registry.slices import SliceState, StreamKey, slice_keys
from varai.registry.states import FeedState, feed_states
from varai.stores import objects

_COUNTS = (
    "vendor_count",
    "landed",
    "published",
    "quarantined",
    "unchanged",
    "superseded",
    "unmappable",
    "erased",
    "tombstoned",
)
_ENTITY_COUNTS = ("mapped", "published", "quarantined", "unchanged", "superseded")


def status(scope: Scope, addresses: Mapping[str, str]) -> dict[str, Any]:
    """One region: its most recent slice per tenant, feed and stream, its snapshots and addresses. Plain JSON values."""
    states = feed_states(scope)
    paused = {str(one.key) for one in feeds(scope) if one.paused}
    rows = [row for key in slice_keys(scope) if (row := _slice(scope, key, states))]
    for row in rows:
        if f"{row['tenant']}/{row['feed']}" in paused:
            row |= {"state": "paused", "cure": "Take it up again with `varai feeds resume`."}
    return {"slices": rows, "snapshots": snapshots(scope), "addresses": dict(addresses)}


def snapshots(scope: Scope) -> dict[str, str]:
    """The current snapshot of each tenant that has one."""
    store = objects(scope)
    found = {}
    for key in store.list("published/"):
        parts = key.split("/")
        if len(parts) == 3 and parts[2] == "current.json":
            found[parts[1]] = json.loads(store.read(key))["snapshot_id"]
    return found


def _slice(scope: Scope, key: StreamKey, states: Mapping[str, FeedState]) -> dict[str, Any] | None:
    state = SliceState(scope, key)
    report = state.report()
    if report is None:
        return None
    mark = state.watermark()
    feed_state = states.get(f"{key.tenant}/{key.feed}")
    return {
        "tenant": key.tenant,
        "feed": key.feed,
        "stream": key.stream,
        **{name: getattr(report, name) for name in _COUNTS},
        "entities": {
            name: {count: getattr(counts, count) for count in _ENTITY_COUNTS}
            for name, counts in report.entities.items()
        },
        "balanced": report.balanced,
        "watermark": mark.isoformat() if mark else None,
        "lag_s": round((utc_now() - mark).total_seconds(), 1) if mark else None,
        "state": feed_state.kind if feed_state else "ok",
        "since": feed_state.since.isoformat() if feed_state else None,
        "cure": feed_state.cure if feed_state else "",
        "settled": report.settled,
    }
