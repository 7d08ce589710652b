"""Streams that have any state in the region's bucket, by one listing of it."""

from __future__ import annotations

from collections.abc import Iterator

from varai.kernel import FeedKey, Scope
from varai.registry.slices import StreamKey
from varai.stores import objects


def slice_keys(scope: Scope, feed: FeedKey | None = None) -> Iterator[StreamKey]:
    """Streams of the region, of one tenant (the scope's) or of one feed, that have any state."""
    prefix = (
        "state/" + (f"{scope.tenant}/" if scope.tenant else "") if feed is None else f"state/{feed.tenant}/{feed.feed}/"
    )
    seen: set[StreamKey] = set()
    for key in objects(scope).list(prefix):
        parts = key.split("/")
        stream = StreamKey(*parts[1:4])
        if len(parts) == 5 and stream not in seen:
            seen.add(stream)
            yield stream


def waiting_keys(scope: Scope) -> Iterator[StreamKey]:
    """Streams of the region of which a slice waits for the warehouse: one listing tells them, however many do not wait."""
    for key in objects(scope).list("state/"):
        parts = key.split("/")
        if len(parts) == 5 and parts[4] == "pending.json":
            yield StreamKey(*parts[1:4])
