"""How far a first read is: progress of a feed's streams in, its state "backfilling n %" out."""

from __future__ import annotations

import threading
from collections.abc import Collection

from varai.kernel import utc_now
from varai.registry import FeedState, StreamKey, set_state
from varai.river.context import FeedRun
from varai.sources.contract import StreamSpec

_MOST = 99
"""What has landed is not judged yet; the state says ok when it is."""


class FirstRead:
    """A progress callback that keeps the percent in the feed's state and passes everything on.

    A hundred percent are the records the vendor counted of the streams that are read for the first time; streams that it does
    not count beforehand are left out. The percent waits until the others are counted, so that it never falls.
    """

    def __init__(self, run: FeedRun, streams: Collection[StreamSpec]) -> None:
        self._run = run
        self._uncounted = {spec.name for spec in streams if spec.census == "exact"}
        self._counts: dict[str, int] = {}
        self._landed: dict[str, int] = {}
        self._percent = 0
        self._lock = threading.Lock()
        self._tell()

    def __call__(self, key: StreamKey, step: str, records: int) -> None:
        """See `Progress`."""
        self._run.progress(key, step, records)
        with self._lock:
            if step == "counted" and key.stream in self._uncounted:
                self._counts[key.stream] = records
                self._uncounted.discard(key.stream)
            elif step in ("landing", "landed"):
                self._landed[key.stream] = records
            self._move()

    def ended(self, stream: str) -> None:
        """A stream is read or has failed: if it is not counted by now, it never will be."""
        with self._lock:
            self._uncounted.discard(stream)
            self._move()

    def _move(self) -> None:
        """Write the state where the whole percent has moved: a hundred times at most."""
        total = sum(self._counts.values())
        if self._uncounted or total == 0:
            return
        landed = sum(min(count, self._landed.get(stream, 0)) for stream, count in self._counts.items())
        percent = min(_MOST, 100 * landed // total)
        if percent > self._percent:
            self._percent = percent
            self._tell()

    def _tell(self) -> None:
        state = FeedState(kind="backfilling", since=utc_now(), percent=self._percent, what="first read")
        set_state(self._run.scope, self._run.feed.key, state)
