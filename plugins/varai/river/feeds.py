"""Questions about feeds before a run: what the vendor lets us read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from varai import sources
from varai.kernel import FeedKey, Window, utc_now
from varai.registry import SliceState, StreamKey, feed
from varai.river.context import session
from varai.settings import Settings
from varai.sources.contract import FeedReport, chosen_streams


def check_feed(settings: Settings, region: str, key: FeedKey) -> FeedReport:
    """Ask the vendor about scopes, history, version, rate tier and clock. Raises typed errors when it cannot be asked."""
    scope = settings.scope(region, key.tenant)
    found = feed(scope, key)
    return sources.connector(found.connector).check(session(settings, scope, found, lambda step, count: None))


def next_windows(
    settings: Settings, region: str, key: FeedKey, *, streams: Sequence[str] | None = None
) -> dict[str, Window]:
    """The window that the next run of each of these streams would read; nothing is written. Raises Misconfigured for unknown names."""
    scope = settings.scope(region, key.tenant)
    found = feed(scope, key)
    windows = {}
    for spec in chosen_streams(sources.connector(found.connector), found, streams):
        mark = SliceState(scope, StreamKey(key.tenant, key.feed, spec.name)).watermark()
        start = mark - timedelta(seconds=found.overlap_s) if mark and spec.incremental else None
        windows[spec.name] = Window(start=start, end=utc_now().replace(microsecond=0))
    return windows
