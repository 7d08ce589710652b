"""What is asked ahead comes as if it were asked when it is needed, whatever fails meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from varai.kernel import Throttled
from varai.sources.ahead import Ahead, Pages

DEPTH = 2


@pytest.fixture
def ahead() -> Iterator[Ahead]:
    with closing(Ahead(DEPTH)) as made:
        yield made


def test_what_comes_next_is_asked_while_this_is_looked_into(ahead: Ahead) -> None:
    asked = {number: threading.Event() for number in range(5)}

    def question(number: int) -> Callable[[], int]:
        def ask() -> int:
            asked[number].set()
            return number

        return ask

    begun = {}
    for number in ahead.over(range(5), lambda one: begun.__setitem__(one, ahead.begin(question(one)))):
        assert begun[number]() == number
        for near in range(number + 1, min(number + DEPTH + 1, 5)):
            assert asked[near].wait(10)
        assert not any(asked[far].is_set() for far in range(number + DEPTH + 1, 5))


def test_a_question_that_fails_is_asked_again_by_who_needs_it_and_nothing_more_meanwhile(ahead: Ahead) -> None:
    asked: list[str] = []

    def refused() -> str:
        asked.append("refused")
        if len(asked) == 1:
            raise Throttled("429.")
        return "came"

    first = ahead.begin(refused)
    with pytest.raises(Throttled):
        first()
    second = ahead.begin(lambda: asked.append("second"))
    ahead.begin(lambda: asked.append("third"))
    assert first() == "came"
    second()
    assert asked[:2] == ["refused", "refused"]
    assert sorted(asked[2:]) in (["second"], ["second", "third"])


def test_a_held_question_is_asked_by_who_needs_it_and_then_all_go_on_ahead(ahead: Ahead) -> None:
    def fail() -> None:
        raise Throttled("429.")

    failing = ahead.begin(fail)
    with pytest.raises(Throttled):
        failing()
    here = threading.current_thread().name
    held, free = (ahead.begin(lambda: threading.current_thread().name)() for _ in range(2))
    assert held == here != free


class Book:
    """Pages that know how many there are, and what was asked of them."""

    def __init__(self, ahead: Ahead, count: int) -> None:
        self.count, self.asked = count, list[int]()
        self.pages = Pages(ahead, self.begin, lambda page: page[1])

    def begin(self, number: int) -> Callable[[], tuple[int, int]]:
        self.asked.append(number)
        return lambda: (number, self.count)


def test_a_first_page_may_be_all_that_is_wanted_and_none_is_asked_beyond_the_last(ahead: Ahead) -> None:
    book = Book(ahead, 6)
    book.pages.take(1)
    assert book.asked == [1]
    assert [book.pages.take(number)[0] for number in range(2, 7)] == [2, 3, 4, 5, 6]
    assert book.asked == [1, 2, 3, 4, 5, 6]


def test_a_new_reading_takes_no_page_of_the_one_before(ahead: Ahead) -> None:
    book = Book(ahead, 6)
    for number in (1, 2):
        book.pages.take(number)
    assert book.asked == [1, 2, 3, 4]
    for number in (1, 2, 3):
        book.pages.take(number)
    assert book.asked[4:] == [1, 2, 3, 4, 5]
