"""How many requests a host without a rate of its own gets at once: one or two of all that read a shop, by how it bears them.

In: the turns of requests, timed. Out: the wait until a turn may begin.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from varai.kernel import Feed, Misconfigured, Throttled, Unavailable
from varai.sources.sharing import Shared

MOST: Final = 2
SLOWER: Final = 1.5
"""Two at once pay while each takes less than this many times as long: at 1.5, a third more come in the same time."""
KNOWN: Final = 4
"""Answers after which it is known how long one takes."""
TRIAL: Final = 16
_LONGEST_TRIAL: Final = 1024
_WEIGHT: Final = 0.25


@dataclass
class _Mean:
    """Seconds that answers took, the last ones counting most."""

    seconds: float = 0.0
    count: int = 0

    def take(self, seconds: float) -> None:
        self.count += 1
        self.seconds += (seconds - self.seconds) * max(_WEIGHT, 1 / self.count)

    @property
    def known(self) -> bool:
        return self.count >= KNOWN


@dataclass(eq=False)
class _Turn:
    """A request that is being answered; `company`: another was answered meanwhile."""

    kind: str
    began: float = 0.0
    company: bool = False


class Lanes:
    """Lets requests begin in the order in which they come, at most `most` at once. Safe to use from several threads.

    The first KNOWN requests of a kind are asked alone, then two at once. When two make an answer SLOWER times as late as one alone, or the
    host answers 429 or 5xx or not at all, one is asked at a time. Two are tried again after TRIAL answers, after twice as many each time
    that they did not pay.

    Args:
        most: requests at once, 1 or 2.
        monotonic: seconds of a clock that only goes forward.
    """

    def __init__(self, most: int = MOST, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.most, self._monotonic = most, monotonic
        self._changed = threading.Condition()
        self._waiting = deque[_Turn]()
        self._asked: list[_Turn] = []
        self._limit, self._trial, self._until_trial = most, TRIAL, TRIAL
        self._alone: dict[str, _Mean] = {}
        self._abreast: dict[str, _Mean] = {}

    @contextmanager
    def turn(self, kind: str) -> Iterator[None]:
        """A request, from before it waits until it is answered; requests of a kind take about as long as each other."""
        turn = self._begin(kind)
        try:
            yield
        except (Throttled, Unavailable):
            self._end(turn, broken=True)
            raise
        except BaseException:
            self._end(turn, broken=False)
            raise
        self._end(turn, broken=False)

    def free(self, kind: str) -> bool:
        """Whether a request of this kind may begin now, if no other waits."""
        if not self._asked:
            return True
        kinds = {kind, *(turn.kind for turn in self._asked)}
        return len(self._asked) < self._limit and all(self._known(one) for one in kinds)

    def _begin(self, kind: str) -> _Turn:
        turn = _Turn(kind)
        with self._changed:
            self._waiting.append(turn)
            try:
                self._changed.wait_for(lambda: self._waiting[0] is turn and self.free(kind))
            finally:
                self._waiting.remove(turn)
                self._changed.notify_all()
            for other in self._asked:
                other.company = turn.company = True
            self._asked.append(turn)
            turn.began = self._monotonic()
        return turn

    def _end(self, turn: _Turn, *, broken: bool) -> None:
        with self._changed:
            self._asked.remove(turn)
            if broken:
                self._fall()
            else:
                self._judge(turn, self._monotonic() - turn.began)
            self._changed.notify_all()

    def _known(self, kind: str) -> bool:
        return kind in self._alone and self._alone[kind].known

    def _judge(self, turn: _Turn, seconds: float) -> None:
        if not turn.company:
            self._alone.setdefault(turn.kind, _Mean()).take(seconds)
        elif self._limit > 1:
            abreast = self._abreast.setdefault(turn.kind, _Mean())
            abreast.take(seconds)
            if abreast.known and abreast.seconds > self._alone[turn.kind].seconds * SLOWER:
                self._fall()
        if self._limit < self.most:
            self._until_trial -= 1
            if self._until_trial <= 0:
                self._limit = self.most

    def _fall(self) -> None:
        """One at a time from now on. What two took is forgotten, and what one took is learned anew."""
        self._until_trial = self._trial
        if self._limit > 1:
            self._limit, self._trial = 1, min(self._trial * 2, _LONGEST_TRIAL)
        self._alone.clear()
        self._abreast.clear()


_SHARED: Final = Shared[Lanes]()


def lanes_of(feed: Feed, shop: str) -> Lanes:
    """The lanes of a feed's shop, by its address; its setting `requests_at_once` may say 1. Raises Misconfigured for another number."""
    most = feed.settings.get("requests_at_once", MOST)
    if type(most) is not int or not 1 <= most <= MOST:
        raise Misconfigured(f"Feed {feed.key}: settings.requests_at_once is {most!r}.", f"Let it be 1 to {MOST}.")
    return _SHARED.of(feed.key, shop, lambda: Lanes(most))
