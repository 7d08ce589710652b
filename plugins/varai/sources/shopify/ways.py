"""The ways to read a stream: a snapshot, the file of a bulk operation, or pages. Both of the latter land the same records.

In: a reading. Out: its pages, each record once per version, with all its children.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from varai.kernel import Unbalanced
from varai.sources.contract import Page
from varai.sources.shopify import bulk, queries
from varai.sources.shopify.files import download
from varai.sources.shopify.lines import BulkSplitter, LevelSplitter
from varai.sources.shopify.reading import WHOLE_LISTS, Reading, location_ids

_REFUNDS_AT_ONCE: Final = 2000


class _Data(msgspec.Struct):
    node: msgspec.Raw


def read_shop(reading: Reading) -> Iterator[Page]:
    """The shop's own record, as it is now."""
    yield from reading.pages([reading.client.ask(queries.SHOP, {}, _Data).node])


def read_all(reading: Reading) -> Iterator[Page]:
    """All records of a stream that Shopify cannot filter by the time of their change."""
    for nodes in reading.pager.pages(queries.PAGE[reading.stream], WHOLE_LISTS[reading.stream]):
        yield from reading.pages(nodes)


def read_bulk(reading: Reading) -> Iterator[Page]:
    """A whole stream from the file of a bulk operation; then the refunds its orders name.

    What an operation leaves that fails looks like a whole and is none, so where every one of them fails the stream is paged.
    Raises Unbalanced when the file does not hold what the operation says it does.
    """
    stream = reading.stream
    try:
        text = queries.bulk_query(stream, reading.filter)
        operation = bulk.complete(reading.client, text, since=reading.window.end)
    except bulk.NeverWhole:
        yield from read_pages(reading)
        return
    splitter = LevelSplitter(reading.seen) if stream == "inventory" else BulkSplitter(_ROOTS[stream], reading.seen)
    lines = roots = 0
    for block in download(reading.client, operation):
        stretch = splitter.split(block)
        lines += stretch.lines
        roots += stretch.roots
        yield reading.told(stretch.page)
    reading.again += splitter.again
    if (lines, roots) != (operation.objects, operation.roots):
        raise Unbalanced(
            f"Shopify's bulk file of {stream} holds {lines} lines, {roots} of them records,"
            f" but the operation counted {operation.objects} and {operation.roots}.",
            "Nothing was published and the watermark stays; the next run asks for a new file.",
        )
    if isinstance(splitter, BulkSplitter):
        yield from _named_refunds(reading, splitter.refunds)


def _named_refunds(reading: Reading, named: Sequence[int]) -> Iterator[Page]:
    """The refunds that the orders of a bulk file name. Raises Unbalanced when some do not come.

    That may be because their order went since the file was written: then the next file does not name them.
    """
    came = 0
    for at in range(0, len(named), _REFUNDS_AT_ONCE):
        for page in reading.refunds([f"gid://shopify/Refund/{key}" for key in named[at : at + _REFUNDS_AT_ONCE]]):
            came += page.count
            yield page
    if came != len(named):
        raise Unbalanced(
            f"The orders of Shopify's bulk file name {len(named)} refunds, of which {came} came.",
            "Nothing was published and the watermark stays; the next run asks for a new file.",
        )


_ROOTS = {"products": "Product", "customers": "Customer", "orders": "Order"}


def read_listing(reading: Reading) -> Iterator[Page]:
    """Records of a window, page by page."""
    yield from reading.paged(queries.PAGE[reading.stream])


def read_levels(reading: Reading) -> Iterator[Page]:
    """Stock that moved in the window. It is asked for by location: an item's own date does not move with its stock."""
    for location in location_ids(reading):
        for nodes in reading.pager.pages(queries.LEVELS, {"id": location, "query": reading.filter}):
            yield from reading.pages(nodes)


def read(reading: Reading) -> Iterator[Page]:
    """The window, the way that suits it: a snapshot, a bulk operation for a whole stream, or pages."""
    if reading.stream == "shop":
        return read_shop(reading)
    if reading.stream in WHOLE_LISTS:
        return read_all(reading)
    return read_bulk(reading) if reading.in_bulk else read_pages(reading)


def read_pages(reading: Reading) -> Iterator[Page]:
    """The window page by page."""
    return read_levels(reading) if reading.stream == "inventory" else read_listing(reading)
