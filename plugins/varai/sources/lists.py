"""A read of a vendor that gives lists and tells no deletes: the pages, then where they are asked for the ids of all there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from varai.sources.contract import Deletion, Listing, Page


class Reading(Protocol):
    """One read of one stream; the count is final when `pages` is exhausted."""

    @property
    def vendor_count(self) -> int | None:
        """Records as the vendor counts them."""
        ...

    def pages(self) -> Iterator[Page]:
        """The pages."""
        ...

    def listing(self) -> Listing:
        """Every id of the stream now."""
        ...


class ListExtraction:
    """See `varai.sources.Extraction`. Nothing is requested before the first page is asked for.

    Args:
        version: the connector's: whole records are asked for, so that it tells what is selected.
        open: the reading, with its connection for as long as the block lasts.
        listing: list the ids too.
    """

    def __init__(self, version: str, open: Callable[[], AbstractContextManager[Reading]], *, listing: bool) -> None:
        self._version, self._open, self._listed = version, open, listing
        self._vendor_count: int | None = None
        self._listing: Listing | None = None

    @property
    def vendor_count(self) -> int | None:
        """Records as the vendor counts them; those read beside the window, and each further version of one that was met, count too."""
        return self._vendor_count

    @property
    def deletions(self) -> tuple[Deletion, ...]:
        """None: the vendor tells none, its ids are listed instead."""
        return ()

    @property
    def listing(self) -> Listing | None:
        """Ids of the stream now, where they were asked for."""
        return self._listing

    @property
    def query_hash(self) -> str:
        """The connector's version."""
        return self._version

    def __iter__(self) -> Iterator[Page]:
        """The pages; the counts are there when they are exhausted."""
        with self._open() as reading:
            yield from (page for page in reading.pages() if page.count)
            if self._listed:
                self._listing = reading.listing()
            self._vendor_count = reading.vendor_count
