"""Notice a feed whose webhooks fell silent: slices that found changes of which no webhook had told. Polling goes on all the while.

In: the last slice of each stream, and when a webhook told of it last. Out: `varai.registry.hearing`, which status and the River page show.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

import structlog

from varai.kernel import Feed, FeedKey, Scope
from varai.registry import SliceReport, SliceState, StreamKey, feeds
from varai.registry.hearing import Hearing, hearing, keep_hearing
from varai.settings import Settings
from varai.sources import webhook_vendors

GRACE: Final = timedelta(minutes=2)
"""A webhook may come so long after the poll that found its change."""
MOST_UNHEARD: Final = 2
"""Slices in a row. One may find what a vendor changes without telling."""
log = structlog.get_logger(__name__)


def listen(settings: Settings, region: str, now: datetime) -> list[Hearing]:
    """Look at the slices since the last look; returns streams that are silent now."""
    scope = settings.scope(region)
    known = {(one.key, one.stream): one for one in hearing(scope)}
    silent = []
    for one in feeds(scope):
        if one.paused or one.connector not in webhook_vendors():
            continue
        for stream in sorted({*_declared(one), *_known(known.values(), one.key)}):
            before = known.get((one.key, stream)) or Hearing(tenant=one.tenant, feed=one.name, stream=stream)
            after = _look(scope, before, now)
            if after != before:
                keep_hearing(scope, after)
            if after.silent_since is not None:
                silent.append(after)
                if before.silent_since is None:
                    log.warning("webhooks.silent", region=region, tenant=one.tenant, feed=one.name, stream=stream)
    return silent


def _look(scope: Scope, before: Hearing, now: datetime) -> Hearing:
    report = SliceState(scope, StreamKey(before.tenant, before.feed, before.stream)).report()
    if report is None or report.batch_id == before.looked or report.ingested_at > now - GRACE:
        return before
    after = before.model_copy(update={"looked": report.batch_id})
    start = report.window.start
    if start is not None and before.heard_at is not None and before.heard_at >= start:
        return after.model_copy(update={"unheard": 0, "silent_since": None})
    if start is None or not _changed(report):  # a whole read does not tell when what it found has changed
        return after
    unheard = before.unheard + 1
    since = before.silent_since or (now if unheard >= MOST_UNHEARD else None)
    return after.model_copy(update={"unheard": unheard, "silent_since": since})


def _changed(report: SliceReport) -> bool:
    return report.published + report.tombstoned > 0


def _declared(feed: Feed) -> Iterator[str]:
    given = feed.settings.get("webhooks", ())
    yield from (str(one) for one in given if isinstance(given, list | tuple))


def _known(found: Iterable[Hearing], key: FeedKey) -> Iterator[str]:
    yield from (one.stream for one in found if one.key == key)
