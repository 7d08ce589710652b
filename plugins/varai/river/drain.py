"""Drain the webhook inbox of a region: events in, ordinary slices of the streams they tell of out, as far as the catalogue.

An event is a signal. Those of a feed are taken together, and each stream they name is read up to now by the verbs that every run uses, so
that order, lateness and repetition of deliveries change nothing. A deletion is believed when the stream's ids are listed without it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import structlog
from pymongo.errors import PyMongoError

from varai import sources
from varai.kernel import FeedKey, LeaseHeld, Scope, Unexpected, VaraiError, utc_now
from varai.registry import SliceState, StreamKey, connections, feed, holding, inbox
from varai.registry.hearing import hear
from varai.registry.inbox import Event
from varai.river.context import Progress, silent
from varai.river.ingest import ingest_feed, release_feeds
from varai.river.notices import heed
from varai.settings import Settings
from varai.sources.contract import StreamSpec

LINGER = timedelta(seconds=5)
"""How long the oldest event of a feed waits for others: a slice costs as much for one as for a hundred."""
SOON, LATER = timedelta(seconds=15), timedelta(minutes=5)
LISTED_AGAIN = timedelta(minutes=15)
"""How long a stream's ids are not listed anew, whatever is said to be gone."""
log = structlog.get_logger(__name__)


@dataclass
class Drained:
    """What became of the events of one round: counts."""

    done: int = 0
    waiting: int = 0
    failed: int = 0
    dead: int = 0
    feeds: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Feed:
    """A feed whose events are drained: the scope of its tenant, and its streams by name."""

    scope: Scope
    key: FeedKey
    streams: dict[str, StreamSpec]

    def state(self, stream: str) -> SliceState:
        return SliceState(self.scope, StreamKey(self.key.tenant, self.key.feed, stream))

    def read(self, event: Event, stream: str) -> bool:
        """Whether the stream was read beyond the event. What the overlap of windows brings later, the next poll brings."""
        until = self.state(stream).read_until()
        return until is not None and until > event.received_at

    def listed(self, event: Event, stream: str) -> bool:
        """Whether what the event says is gone would have been seen to be."""
        if not event.gone or not self.streams[stream].listed:
            return True
        at = self.state(stream).listed_at()
        return at is not None and at >= event.received_at

    def lately(self, stream: str) -> bool:
        """Whether the stream's ids were listed so lately that they are not listed again."""
        at = self.state(stream).listed_at()
        return at is not None and utc_now() - at < LISTED_AGAIN

    def through(self, event: Event) -> bool:
        """Whether the event has led to all it could lead to."""
        return all(self.read(event, one) and self.listed(event, one) for one in event.streams if one in self.streams)


def drain(
    settings: Settings, region: str, *, holder: str, linger: timedelta = LINGER, progress: Progress = silent
) -> Drained:
    """One round over every feed of the region that has events; an event is done when what it led to is in the catalogue.

    What fails is tried again, `inbox.WAITS` apart, and is a dead letter then; one feed stops no other.

    Raises:
        LeaseHeld: another process drains this region's inbox.
    """
    scope = settings.scope(region)
    round_ = Drained()
    if not inbox.waiting(scope, utc_now(), 1):
        return round_
    with holding(scope, f"inbox:{region}", holder):
        for key, events in inbox.by_feed(inbox.waiting(scope, utc_now())):
            if events[0].received_at + linger <= utc_now():
                _attempt(settings, region, key, events, holder, round_, progress)
    return round_


def _attempt(
    settings: Settings,
    region: str,
    key: FeedKey,
    events: Sequence[Event],
    holder: str,
    round_: Drained,
    progress: Progress,
) -> None:
    """Notices one by one, then the changes together. Whatever fails, fails these events alone."""
    scope = settings.scope(region, key.tenant)
    round_.feeds.append(str(key))
    changes = [one for one in events if not one.notice]
    work: list[tuple[list[Event], Callable[[], None]]] = [
        ([one], partial(_heed, settings, scope, one, round_)) for one in events if one.notice
    ]
    work += [(changes, partial(_follow, settings, scope, key, changes, holder, round_, progress))] if changes else []
    for some, do in work:
        try:
            do()
        except LeaseHeld as error:
            _wait(scope, some, SOON, error.what, round_)
        except VaraiError as error:
            _fail(scope, some, error, round_)
        except PyMongoError:
            raise
        except Exception as error:  # noqa: BLE001  # a mistake of ours over one feed must not keep others waiting
            # Only the type is told: texts of foreign errors may quote the data they choked on.
            _fail(scope, some, Unexpected(f"{type(error).__name__} was raised."), round_)


def _heed(settings: Settings, scope: Scope, event: Event, round_: Drained) -> None:
    heed(settings, scope, event)
    _done(scope, [event], round_)


def _follow(
    settings: Settings,
    scope: Scope,
    key: FeedKey,
    events: list[Event],
    holder: str,
    round_: Drained,
    progress: Progress,
) -> None:
    """Read the streams that events tell of, as far as they have not been read since."""
    for stream in {one.streams[0] for one in events}:
        hear(scope, key, stream, max(one.received_at for one in events if one.streams[0] == stream))
    found = _opened(scope, key)
    if found is None:
        _wait(scope, events, LATER, "The feed is paused, or disconnected.", round_)
        return
    ready = _ready(found, _settle(found, events, round_), round_)
    if not ready:
        return
    unread = {name for one in ready for name in one.streams if not found.read(one, name)}
    gone = {name for one in ready for name in one.streams if not found.listed(one, name) and not found.lately(name)}
    failures: dict[str, VaraiError] = {}
    if unread | gone:
        try:
            wanted = sorted(unread | gone)
            outcome = ingest_feed(
                settings, scope.region, key, holder=holder, streams=wanted, onward=gone, progress=progress
            )
        finally:
            release_feeds(settings, scope.region, [key], holder=holder)
        failures = outcome.failures
    for one in _settle(found, ready, round_):
        error = next((failures[name] for name in one.streams if name in failures), None)
        if error is not None:
            _fail(scope, [one], error, round_)
        elif any(found.lately(name) for name in one.streams if not found.listed(one, name)):
            _wait(scope, [one], LATER, "What is gone is looked for when ids are listed again.", round_)
        else:
            _wait(scope, [one], SOON, "A window that was planned before it had to be read first.", round_)


def _opened(scope: Scope, key: FeedKey) -> _Feed | None:
    """The feed; None while it is paused or disconnected. Raises Misconfigured when it or its connector is no more."""
    found = feed(scope, key)
    if found.paused or connections.connection(scope, key).disconnected_at is not None:
        return None
    return _Feed(scope, key, {one.name: one for one in sources.connector(found.connector).streams})


def _settle(feed: _Feed, events: list[Event], round_: Drained) -> list[Event]:
    """Mark what is through, by whatever run; returns the rest."""
    through = [one for one in events if feed.through(one)]
    _done(feed.scope, through, round_)
    return [one for one in events if one not in through]


def _ready(feed: _Feed, events: list[Event], round_: Drained) -> list[Event]:
    """Events whose streams can be read now; the others are looked at again later."""
    ready = []
    second = utc_now().replace(microsecond=0)
    for one in events:
        if one.received_at >= second:  # a window ends at a whole second, which has to be after it
            continue
        reason = _reason(feed, one)
        if reason is None:
            ready.append(one)
        else:
            _wait(feed.scope, [one], SOON, reason, round_)
    return ready


def _reason(feed: _Feed, event: Event) -> str | None:
    """Why an event has to wait, in a sentence."""
    for name in event.streams:
        state = feed.state(name)
        pending = state.pending()
        if state.read_until() is None:
            return f"{name} is read for the first time by the ordinary runs."
        if not feed.read(event, name) and pending is not None and pending.batch.window.whole:
            return f"A whole read of {name} waits for the warehouse."
    return None


def _done(scope: Scope, events: Sequence[Event], round_: Drained) -> None:
    inbox.done(scope, events, utc_now())
    round_.done += len(events)


def _wait(scope: Scope, events: Sequence[Event], wait: timedelta, reason: str, round_: Drained) -> None:
    inbox.postpone(scope, events, utc_now() + wait, reason)
    round_.waiting += len(events)


def _fail(scope: Scope, events: Sequence[Event], error: VaraiError, round_: Drained) -> None:
    dead = inbox.failed(scope, events, str(error), utc_now())
    round_.failed += len(events)
    round_.dead += len(dead)
    for one in dead:
        log.error("inbox.dead", name=one.id, tenant=one.tenant, feed=one.feed, topic=one.topic, kind=error.kind)
