"""What a slice works with: settings, the tenant's scope, the feed, its connector and lease, and where progress goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from varai import sources
from varai.kernel import Feed, FeedKey, Scope, utc_now
from varai.registry import Lease, SealedTokens, SliceState, StreamKey, connections, feed
from varai.river.dropped import FeedDrop
from varai.river.notes import StreamNotes
from varai.settings import Settings
from varai.sources.contract import Connector, Session

Progress = Callable[[StreamKey, str, int], None]
"""Called with (stream, step, records). Steps in order: planned, counted (where the vendor counts beforehand), landing, landed,
judged, staged, catalogue, loaded, hashes, watermark."""


def silent(key: StreamKey, step: str, records: int) -> None:
    """Progress that nobody watches."""
    del key, step, records


def lease_name(key: FeedKey) -> str:
    """Name of the lease on a feed."""
    return f"feed:{key}"


def warehouse_lease(region: str) -> str:
    """Name of the lease on a region's warehouse."""
    return f"warehouse:{region}"


def documents_lease(region: str) -> str:
    """Name of the lease on judging a region's evidence again and on its Data Docs."""
    return f"documents:{region}"


@dataclass(frozen=True)
class FeedRun:
    """One feed while a run works on it under a lease."""

    settings: Settings
    scope: Scope
    feed: Feed
    lease: Lease
    progress: Progress = silent
    clock: Callable[[], datetime] = utc_now

    @classmethod
    def of(cls, settings: Settings, region: str, key: FeedKey, lease: Lease, progress: Progress = silent) -> FeedRun:
        """Look the feed up and make its scope; raises Misconfigured."""
        scope = settings.scope(region, key.tenant)
        return cls(settings, scope, feed(scope, key), lease, progress)

    @cached_property
    def connector(self) -> Connector:
        """The connector the feed names."""
        return sources.connector(self.feed.connector)

    def session(self, key: StreamKey) -> Session:
        """What the connector needs to speak to the vendor for one stream. Raises as `session` does."""
        made = session(self.settings, self.scope, self.feed, lambda step, count: self.progress(key, step, count))
        return replace(made, notes=StreamNotes(self.scope, key, self.lease.token))

    def state(self, stream: str) -> SliceState:
        """State of one of the feed's streams."""
        return SliceState(self.scope, StreamKey(self.feed.tenant, self.feed.name, stream))


def session(settings: Settings, scope: Scope, feed: Feed, progress: Callable[[str, int], None]) -> Session:
    """A session with the feed's vendor, for whoever asks about the feed; the secret is resolved when it is used.

    Raises:
        Unauthorised: the feed is disconnected. Misconfigured: its address cannot be told.
    """
    connections.insist(scope, feed.key)
    return opened(settings, scope, feed, progress)


def opened(settings: Settings, scope: Scope, feed: Feed, progress: Callable[[str, int], None]) -> Session:
    """As `session`, for who connects the feed."""
    return Session(
        feed=feed,
        base_url=settings.base_url(feed),
        secret=lambda: scope.secrets.read(feed.secret),
        tokens=SealedTokens(scope, feed.name),
        progress=progress,
        clock=utc_now,
        drop=FeedDrop(scope, feed),
    )
