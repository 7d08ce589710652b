"""Status of a region, read from what the river leaves behind: the contract of `varai status --json`."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from varai.kernel import Feed, FeedKey, Misconfigured, Scope, utc_now
from varai.privacy import overdue, overdue_requests
from varai.registry import inbox
from varai.registry.comparisons import SNAPSHOT, comparisons
from varai.registry.feeds import feeds
from varai.registry.freshness import lags
from varai.registry.hearing import hearing, silence
from varai.registry.slices import SliceReport, SliceState, StreamKey
from varai.registry.states import FeedState, feed_states
from varai.registry.streams import slice_keys
from varai.registry.sync import in_sync, told
from varai.stores import objects

SLICE_COUNTS = (
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
"""What is counted of a slice, in the order in which it is shown."""
_ENTITY_COUNTS = ("mapped", "published", "quarantined", "unchanged", "superseded")
_NO_STREAM = "-"

StreamNames = Callable[[Feed], Iterable[str]]
"""Streams of a feed, which the registry cannot know: connectors live a floor above. May raise Misconfigured."""

_PAUSED = {"state": "paused", "percent": None, "cure": "Take it up again with `varai feeds resume`."}


def status(scope: Scope, addresses: Mapping[str, str], stream_names: StreamNames) -> dict[str, Any]:
    """One region: a row per tenant, feed and stream, its snapshots, addresses, and what is overdue or led nowhere. Plain JSON values."""
    return {
        "slices": stream_rows(scope, stream_names),
        "snapshots": snapshots(scope),
        "addresses": dict(addresses),
        "overdue_erasures": overdue(scope, utc_now()),
        "overdue_requests": overdue_requests(scope, utc_now()),
        "dead_letters": inbox.dead_letters(scope),
    }


def stream_rows(scope: Scope, stream_names: StreamNames) -> list[dict[str, Any]]:
    """A row per feed and stream of the region, or of the scope's tenant, in this order. Plain JSON values.

    A row tells the stream's most recent slice, how far it is in sync (`varai.registry.sync`), and of its feed the connector
    (null: it is configured no more), state and cure, or what to do about webhooks that fell silent. A stream of a configured feed
    that was never read has a row too, so that a feed that fails from its first run on shows its state and cure: its counts and
    `balanced` are null.
    """
    states = feed_states(scope)
    configured = feeds(scope)
    read = {key: report for key in slice_keys(scope) if (report := SliceState(scope, key).report())}
    unread, broken = _unread(configured, stream_names, read.keys())
    rows = [_row(scope, key, report, states) for key, report in read.items()]
    rows += [_row(scope, key, None, states) for key in unread]
    rows += [_row(scope, key, None, states) | {"state": "failing", "cure": cure} for key, cure in broken.items()]
    rows.sort(key=lambda row: (row["tenant"], row["feed"], row["stream"]))
    by_key = {one.key: one for one in configured}
    silent = silence(hearing(scope))
    found, late = comparisons(scope), lags(scope)
    for row in rows:
        key = FeedKey(row["tenant"], row["feed"])
        one = by_key.get(key)
        row["connector"] = one.connector if one else None
        row["cure"] = row["cure"] or silent.get(key, "")
        row |= in_sync(scope, StreamKey(row["tenant"], row["feed"], row["stream"]), row, one, found, late)
        row["snapshot_compared"] = told(found.get((StreamKey(row["tenant"], row["feed"], SNAPSHOT), "rows")))
        if one and one.paused:
            row |= _PAUSED
    return rows


def _state(state: FeedState | None, unknown: str) -> dict[str, Any]:
    return {
        "state": state.kind if state else unknown,
        "percent": state.percent if state else None,
        "since": state.since.isoformat() if state else None,
        "cure": state.cure if state else "",
    }


def snapshots(scope: Scope) -> dict[str, str]:
    """The current snapshot of each tenant that has one; with the scope of a tenant, of this one alone."""
    store = objects(scope)
    found = {}
    for key in store.list(f"published/{scope.tenant}/" if scope.tenant else "published/"):
        parts = key.split("/")
        if len(parts) == 3 and parts[2] == "current.json":
            found[parts[1]] = json.loads(store.read(key))["snapshot_id"]
    return found


def _unread(
    configured: Iterable[Feed], stream_names: StreamNames, read: Collection[StreamKey]
) -> tuple[list[StreamKey], dict[StreamKey, str]]:
    """Streams that were never read; and feeds whose connector does not exist, with what to do about it."""
    unread, broken = [], {}
    for one in configured:
        try:
            keys = [StreamKey(one.tenant, one.name, stream) for stream in stream_names(one)]
        except Misconfigured as error:
            broken[StreamKey(one.tenant, one.name, _NO_STREAM)] = str(error)
            continue
        unread += [key for key in keys if key not in read]
    return unread, broken


def _row(scope: Scope, key: StreamKey, report: SliceReport | None, states: Mapping[str, FeedState]) -> dict[str, Any]:
    mark = SliceState(scope, key).watermark()
    entities = report.entities if report else {}
    return {
        "tenant": key.tenant,
        "feed": key.feed,
        "stream": key.stream,
        **{name: getattr(report, name, None) for name in SLICE_COUNTS},
        "entities": {
            name: {count: getattr(counts, count) for count in _ENTITY_COUNTS} for name, counts in entities.items()
        },
        "balanced": report.balanced if report else None,
        "watermark": mark.isoformat() if mark else None,
        "lag_s": round((utc_now() - mark).total_seconds(), 1) if mark else None,
        **_state(states.get(f"{key.tenant}/{key.feed}"), "ok" if report else "never run"),
        "settled": report.settled if report else False,
    }
