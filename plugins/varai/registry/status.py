"""Status of a region, read from what the river leaves behind: the contract of `varai status --json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from varai.kernel import Feed, Scope, utc_now
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

_PAUSED = {"state": "paused", "percent": None, "cure": "Take it up again with `varai feeds resume`."}


def status(scope: Scope, addresses: Mapping[str, str]) -> dict[str, Any]:
    """One region: its feeds, its most recent slice per tenant, feed and stream, its snapshots and addresses. Plain JSON values."""
    states = feed_states(scope)
    known = feeds(scope)
    paused = {str(one.key) for one in known if one.paused}
    rows = [row for key in slice_keys(scope) if (row := _slice(scope, key, states))]
    for row in rows:
        if f"{row['tenant']}/{row['feed']}" in paused:
            row |= _PAUSED
    return {
        "feeds": [_feed(one, states) for one in known],
        "slices": rows,
        "snapshots": snapshots(scope),
        "addresses": dict(addresses),
    }


def _feed(feed: Feed, states: Mapping[str, FeedState]) -> dict[str, Any]:
    """A feed's state, also before its first slice."""
    told = {"tenant": feed.tenant, "feed": feed.name, **_state(states.get(str(feed.key)), "never run")}
    return told | _PAUSED if feed.paused else told


def _state(state: FeedState | None, unknown: str) -> dict[str, Any]:
    return {
        "state": state.kind if state else unknown,
        "percent": state.percent if state else None,
        "since": state.since.isoformat() if state else None,
        "cure": state.cure if state else "",
    }


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
        **_state(states.get(f"{key.tenant}/{key.feed}"), "ok"),
        "settled": report.settled,
    }
