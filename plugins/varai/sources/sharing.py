"""What all who read a shop at the same time in this process have together: a feed and a shop's address in, one thing for all out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

from varai.kernel import FeedKey

Thing = TypeVar("Thing")


class Shared(Generic[Thing]):
    """One thing per feed and shop: made for the first who asks for it, gone with the last who holds it. Safe from several threads."""

    def __init__(self) -> None:
        self._held = WeakValueDictionary[tuple[FeedKey, str], Thing]()
        self._lock = threading.Lock()

    def of(self, feed: FeedKey, shop: str, make: Callable[[], Thing]) -> Thing:
        """The thing of a feed's shop, by its address."""
        with self._lock:
            found = self._held.get((feed, shop))
            if found is None:
                found = self._held[feed, shop] = make()
            return found
