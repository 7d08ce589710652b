"""Proof that a read is whole: the vendor's exact count before and after it, and a census of ids where they disagree.

A closed window can only lose records while it is read: one that changes leaves it for the next. So a record that was
met and is no longer listed must be listed as changed since the window's end, and one that is listed and was not met is
fetched. What stays unexplained after three rounds stands in the vendor count, and the slice does not balance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from varai.kernel import Malformed, Window
from varai.sources.contract import Page, Session
from varai.sources.seen import Seen
from varai.sources.shopify import bulk, queries
from varai.sources.shopify.client import open_shop
from varai.sources.shopify.lines import head_of, number
from varai.sources.shopify.pages import by_ids
from varai.sources.shopify.reading import WHOLE_LISTS, Reading, location_ids
from varai.sources.shopify.ways import read

ROUNDS: Final = 3
_GID = {"products": "Product", "customers": "Customer", "orders": "Order"}


class _Count(msgspec.Struct):
    count: int
    precision: str


class _CountData(msgspec.Struct):
    count: _Count | None = None


def proven(reading: Reading) -> Iterator[Page]:
    """All pages of the window; afterwards `reading.vendor_count` holds what the vendor counts."""
    if reading.stream == "shop":
        yield from read(reading)
        reading.vendor_count = 1 + reading.again
    elif reading.stream == "inventory" and reading.in_bulk:
        yield from _counted_in_bulk(reading)
    elif reading.stream in queries.COUNT:
        yield from _counted(reading)
    else:
        yield from read(reading)
        yield from _settled(reading)


def _counted(reading: Reading) -> Iterator[Page]:
    """A stream that the vendor counts exactly: done when the count stood still and is what came."""
    before = exact_count(reading)
    if before is not None:
        reading.client.session.progress("counted", before)
    yield from read(reading)
    after = exact_count(reading)
    if before == after == len(reading.seen):
        reading.vendor_count = after + reading.again
    else:
        yield from _settled(reading)


def _counted_in_bulk(reading: Reading) -> Iterator[Page]:
    """Inventory levels have no count: a second operation over ids alone counts them, without being downloaded.

    Where every such operation fails, their ids are listed page by page.
    """
    for _ in range(ROUNDS):
        yield from read(reading)
        try:
            operation = bulk.complete(reading.client, queries.bulk_query("inventory-census"))
        except bulk.NeverWhole:
            yield from _settled(reading)
            return
        levels = operation.objects - operation.roots
        reading.vendor_count = levels + reading.again
        if levels == len(reading.seen):
            return


def _settled(reading: Reading) -> Iterator[Page]:
    """Fetch what was missed, explain what has left the window, and count again until the count stands still."""
    for _ in range(ROUNDS):
        listed = census(reading, reading.filter)
        missed = [key for key in listed if key not in reading.seen]
        if missed:
            yield from _fetched(reading, missed)
        gone = [key for key in reading.seen if key not in listed]
        changed = census(reading, reading.changed_since) if gone else Seen()
        left = sum(key in changed for key in gone)
        count = exact_count(reading) if reading.stream in queries.COUNT else len(listed)
        reading.vendor_count = (len(listed) if count is None else count) + left + reading.again
        if reading.vendor_count == len(reading.seen) + reading.again:
            return


def _fetched(reading: Reading, missed: list[int]) -> Iterator[Page]:
    """Records that are listed and did not come: by their ids, or by reading the window once more."""
    kind = _GID.get(reading.stream)
    if kind is None:
        yield from read(reading)
        return
    ids = [f"gid://shopify/{kind}/{key}" for key in missed]
    for nodes in by_ids(reading.client, queries.NODES[reading.stream], ids):
        yield from reading.pages(nodes)


def count(session: Session, stream: str, window: Window) -> int | None:
    """The vendor's exact count of a window as it is now; None for a stream that it does not count."""
    if stream not in queries.COUNT:
        return None
    with open_shop(session) as client:
        return exact_count(Reading(client, stream, window))


def exact_count(reading: Reading, *, everything: bool = False) -> int | None:
    """The vendor's exact count of the window, or of the whole stream; None when it gives none, or only a lower bound."""
    filter = None if everything else reading.filter
    data = reading.client.ask(queries.COUNT[reading.stream], {"query": filter}, _CountData)
    return data.count.count if data.count is not None and data.count.precision == "EXACT" else None


def census(reading: Reading, filter: str) -> Seen:
    """The ids of records that the filter lists, asked for in another order than the records were."""
    found = Seen()
    for gids in listed(reading, filter):
        for gid in gids:
            found.meet(number(gid))
    return found


def listed(reading: Reading, filter: str | None) -> Iterator[list[str]]:
    """Gids of the records that the filter lists, page by page; of all records without one."""
    asked: list[tuple[str, Mapping[str, str | None]]]
    if reading.stream in WHOLE_LISTS:
        asked = [(queries.CENSUS[reading.stream], WHOLE_LISTS[reading.stream])]
    elif reading.stream == "inventory":
        asked = [(queries.LEVELS_CENSUS, {"id": place, "query": filter}) for place in location_ids(reading)]
    else:
        asked = [(queries.CENSUS[reading.stream], {"query": filter})]
    for document, variables in asked:
        for nodes in reading.pager.pages(document, variables):
            try:
                yield [head_of(node).id for node in nodes]
            except msgspec.DecodeError as error:
                raise Malformed("Shopify's list of ids holds something that has none.") from error
