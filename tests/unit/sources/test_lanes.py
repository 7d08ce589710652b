"""A host is asked as much at once as it bears: two requests at most, one where two make it slower or it breaks. Time is simulated."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import pairwise

import pytest

from varai.kernel import Feed, Misconfigured, Throttled, Unauthorised, Unavailable
from varai.sources.lanes import KNOWN, MOST, SLOWER, TRIAL, Lanes, lanes_of


class Host:
    """Answers so many requests at once in so many seconds each, and keeps how many were asked at once."""

    def __init__(self, seconds: Callable[[int], float], most: int = MOST) -> None:
        self.now, self.seconds = 0.0, seconds
        self.lanes = Lanes(most, lambda: self.now)
        self.at_once: list[int] = []

    def ask(self, count: int, kind: str = "orders") -> list[int]:
        """Ask as many as may be asked, wait for all of them, and so on; how many those were."""
        begun = len(self.at_once)
        while count:
            turns = list[AbstractContextManager[None]]()
            while count and self.lanes.free(kind):
                turns.append(self.lanes.turn(kind))
                turns[-1].__enter__()
                count -= 1
            self.at_once.append(len(turns))
            self.now += self.seconds(len(turns))
            for turn in turns:
                turn.__exit__(None, None, None)
        return self.at_once[begun:]


def even(at_once: int) -> float:
    """A host that does not mind."""
    return 0.5


def queueing(at_once: int) -> float:
    """A host that answers one after the other."""
    return 0.5 * at_once


def test_a_host_that_does_not_mind_is_asked_two_at_once_when_its_time_is_known() -> None:
    host = Host(even)
    assert host.ask(KNOWN + 40) == [1] * KNOWN + [2] * 20


@pytest.mark.parametrize(("slower", "asked"), [(SLOWER - 0.01, 2), (SLOWER + 0.01, 1)])
def test_a_host_that_gets_slower_is_asked_one_at_a_time(slower: float, asked: int) -> None:
    host = Host(lambda at_once: 1.0 if at_once == 1 else slower)
    host.ask(KNOWN + 8)
    assert host.ask(2)[0] == asked


def test_two_are_tried_again_ever_more_rarely_where_they_do_not_pay() -> None:
    host = Host(queueing)
    host.ask(2000)
    tries = [place for place, at_once in enumerate(host.at_once) if at_once == 2]
    pauses = [after - before - 1 for before, after in pairwise(tries) if after - before > 1]
    assert pauses[0] >= TRIAL - 1
    assert all(after >= 2 * before - TRIAL for before, after in pairwise(pauses))
    assert len(tries) < len(host.at_once) / 50


def test_a_host_that_recovers_is_asked_two_at_once_again() -> None:
    host = Host(queueing)
    host.ask(KNOWN + 12)
    host.seconds = even
    host.ask(TRIAL + KNOWN)
    assert set(host.ask(20)) == {2}


def test_a_kind_of_request_is_compared_with_itself() -> None:
    host = Host(even)
    host.ask(20, "orders")
    host.seconds = lambda at_once: 9.0
    assert host.ask(KNOWN + 20, "customers") == [1] * KNOWN + [2] * 10


@pytest.mark.parametrize(
    ("error", "asked"), [(Throttled("429."), 1), (Unavailable("503."), 1), (Unauthorised("401."), 2)]
)
def test_a_host_that_breaks_is_asked_one_at_a_time(error: Exception, asked: int) -> None:
    host = Host(even)
    host.ask(20)
    with pytest.raises(type(error)), host.lanes.turn("orders"):
        raise error
    assert set(host.ask(TRIAL - 2)) == {asked}


def test_a_feed_may_have_its_host_asked_one_at_a_time() -> None:
    assert set(Host(even, most=1).ask(100)) == {1}


def test_never_more_are_asked_at_once_from_however_many_threads() -> None:
    lanes, lock = Lanes(), threading.Lock()
    asked, most = 0, 0

    def ask(kind: str) -> None:
        nonlocal asked, most
        for _ in range(200):
            with lanes.turn(kind):
                with lock:
                    asked += 1
                    most = max(most, asked)
                with lock:
                    asked -= 1

    threads = [threading.Thread(target=ask, args=(kind,)) for kind in "aabbcc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= most <= MOST


def feed(**settings: object) -> Feed:
    return Feed(tenant="n", name="shop", connector="woocommerce", base_url="http://x", secret="s", settings=settings)


def test_all_that_read_a_shop_share_its_lanes() -> None:
    first = lanes_of(feed(), "http://x")
    assert lanes_of(feed(), "http://x") is first
    assert lanes_of(feed(), "http://y") is not first


@pytest.mark.parametrize("most", [0, 3, "2", 1.5, True])
def test_another_number_of_lanes_is_refused(most: object) -> None:
    with pytest.raises(Misconfigured, match="requests_at_once"):
        lanes_of(feed(requests_at_once=most), "http://x")
