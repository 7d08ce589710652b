"""What is searched for, as the parameters of an address: filters, order and page in, `searchCriteria` out.

https://developer.adobe.com/commerce/webapi/rest/use-rest/performing-searches/
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from varai.kernel import Window

_CLOSE: Final = 2
_MOST: Final = 100
"""Ids in one address: so many make a kilobyte, which is encoded and signed."""


class Filter(NamedTuple):
    """A condition on a field of a record: eq, neq, in, gteq, lteq or lt."""

    field: str
    condition: str
    value: str


def criteria(filters: Sequence[Filter], *, size: int, page: int, order: str) -> dict[str, str]:
    """The parameters of one page. All filters must hold: those of different groups are joined by AND.

    The size is always said: without it the shop answers with all rows. The order too: its own is downwards, so that new rows move pages.
    """
    asked: dict[str, str] = {}
    for place, filter in enumerate(filters):
        group = f"searchCriteria[filterGroups][{place}][filters][0]"
        asked |= {
            f"{group}[field]": filter.field,
            f"{group}[value]": filter.value,
            f"{group}[conditionType]": filter.condition,
        }
    return asked | {
        "searchCriteria[sortOrders][0][field]": order,
        "searchCriteria[sortOrders][0][direction]": "ASC",
        "searchCriteria[pageSize]": str(size),
        "searchCriteria[currentPage]": str(page),
    }


def among(field: str, numbers: Iterable[int]) -> Filter:
    """That a field is one of these numbers."""
    return Filter(field, "in", ",".join(map(str, numbers)))


def of_owners(field: str, numbers: Collection[int]) -> Iterator[tuple[Filter, ...]]:
    """That a field is one of these numbers, in as many questions as it takes: where they lie close together, one that it is between the
    least and the greatest of them, else so many numbers at a time.

    What else lies between them must be left out by the caller.
    """
    least, greatest = min(numbers), max(numbers)
    if greatest - least < _CLOSE * len(numbers):
        yield Filter(field, "gteq", str(least)), Filter(field, "lteq", str(greatest))
        return
    listed = sorted(numbers)
    for start in range(0, len(listed), _MOST):
        yield (among(field, listed[start : start + _MOST]),)


def changed_in(window: Window) -> tuple[Filter, ...]:
    """That a record was last changed in the window. The shop keeps whole seconds, so windows that meet miss nothing and share nothing."""
    end = Filter("updated_at", "lt", _instant(window.end))
    return (end,) if window.start is None else (Filter("updated_at", "gteq", _instant(window.start)), end)


def _instant(at: datetime) -> str:
    """UTC without a zone: the shop compares the text with what it keeps, which is UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
