"""What will be needed is asked for while what came is looked into: questions in, their answers out, in the sequence of the questions.

A question is asked once ahead, in a thread. Where that fails, who needs the answer asks again and waits, as if nothing had been asked
ahead, and until then nothing more is begun, though one that waits for its turn may still go out: so no retry runs that nobody waits for,
and what comes is what comes one by one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import Generic, TypeVar

from varai.kernel import VaraiError

Answer = TypeVar("Answer")
Item = TypeVar("Item")


class _Held(Exception):
    """A question was not asked ahead, because another failed."""


class Begun(Generic[Answer]):
    """A question that is being asked. Called first it gives that answer or raises its error; called again it asks again."""

    def __init__(self, ask: Callable[[], Answer], future: Future[Answer], held: Event) -> None:
        self._ask, self._held = ask, held
        self._future: Future[Answer] | None = future

    def __call__(self) -> Answer:
        """The answer; raises what asking raises."""
        future, self._future = self._future, None
        if future is not None:
            try:
                return future.result()
            except _Held:
                pass
        answer = self._ask()
        self._held.clear()
        return answer


class Ahead:
    """Asks in threads, at most `depth` questions before the one that is waited for. Close it: what was not begun is never asked."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self._threads = ThreadPoolExecutor(depth, "ahead")
        self._held = Event()

    def begin(self, ask: Callable[[], Answer]) -> Begun[Answer]:
        """Ask once, meanwhile."""
        return Begun(ask, self._threads.submit(self._once, ask), self._held)

    def _once(self, ask: Callable[[], Answer]) -> Answer:
        if self._held.is_set():
            raise _Held
        try:
            return ask()
        except VaraiError:
            self._held.set()
            raise

    def over(self, items: Iterable[Item], begin: Callable[[Item], object]) -> Iterator[Item]:
        """The items in sequence; before one is given, it and the next ones are begun."""
        begun = deque[Item]()
        for item in items:
            begin(item)
            begun.append(item)
            if len(begun) > self.depth:
                yield begun.popleft()
        yield from begun

    def close(self) -> None:
        """Wait for what is being asked."""
        self._threads.shutdown(cancel_futures=True)


class Pages(Generic[Answer]):
    """Pages by their number. From the second on the next ones are asked for ahead: the first may be all that is wanted.

    Args:
        ahead: asks.
        begin: begins a page; what it returns gives the page, once.
        last: the number of the last page, as a page says it. None beyond it is asked for ahead.
    """

    def __init__(
        self, ahead: Ahead, begin: Callable[[int], Callable[[], Answer]], last: Callable[[Answer], int]
    ) -> None:
        self._ahead, self._begin, self._last = ahead, begin, last
        self._begun: dict[int, Callable[[], Answer]] = {}

    def begin(self, number: int = 1) -> None:
        """Ask for a page ahead."""
        if number not in self._begun:
            self._begun[number] = self._begin(number)

    def take(self, number: int) -> Answer:
        """A page; raises what asking for it raises."""
        self.begin(number)
        # What is left of a reading that ended before is as old as that reading.
        self._begun = {page: begun for page, begun in self._begun.items() if page == number or number > 1}
        found = self._begun.pop(number)()
        if number > 1:
            for following in range(number + 1, min(number + self._ahead.depth, self._last(found)) + 1):
                self.begin(following)
        return found
