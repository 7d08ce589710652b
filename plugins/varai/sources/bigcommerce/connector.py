"""The BigCommerce connector: what `varai.sources.connector("bigcommerce")` gives."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from varai.kernel import Feed, Misconfigured, Window
from varai.sources.bigcommerce.check import check
from varai.sources.bigcommerce.client import SECRET_FIELDS, open_store
from varai.sources.bigcommerce.lists import Listing as Listed
from varai.sources.bigcommerce.lists import stock_at
from varai.sources.bigcommerce.reading import Reading, listed
from varai.sources.bigcommerce.site import locations
from varai.sources.bigcommerce.streams import STREAMS
from varai.sources.contract import (
    Deletion,
    Extraction,
    FeedReport,
    Listing,
    Page,
    Session,
    ShopFacts,
    StreamSpec,
    stream_spec,
)

if TYPE_CHECKING:
    from varai.canonical.mapping import Mapping

_REVISION: Final = 1
_CUSTOMER: Final = re.compile(r"0*([1-9][0-9]{0,17})", re.ASCII)


class BigCommerce:
    """See `varai.sources.Connector`."""

    name: Final = "bigcommerce"
    version: Final = f"v3.{_REVISION}"
    streams: tuple[StreamSpec, ...] = STREAMS
    secret_fields: tuple[tuple[str, ...], ...] = SECRET_FIELDS

    def check(self, session: Session) -> FeedReport:
        """Which resources the account may read, earliest order, quota and clock skew."""
        return check(session)

    def extract(self, session: Session, stream: str, window: Window, *, listing: bool = False) -> Extraction:
        """Prepare a read. Products are read whole when they are listed: a variant that changes need not change its product."""
        return _Extraction(session, stream_spec(self, stream), window, listing=listing)

    def count(self, session: Session, stream: str, window: Window) -> int | None:
        """Products, customers and orders of a window, exactly; of stock, which has no dates, only all."""
        stream_spec(self, stream)
        if stream == "shop" or (stream == "inventory" and window.start is not None):
            return None
        with open_store(session) as client:
            if stream == "inventory":
                return sum(Listed(client, stock_at(one.id)).count() for one in locations(client))
            return listed(client, stream, window).count()

    def subject_id(self, given: str) -> str:
        """A customer's number."""
        found = _CUSTOMER.fullmatch(given.strip())
        if found is None:
            raise Misconfigured(
                "This is no id of a BigCommerce customer.", "Give the number that its list of customers shows."
            )
        return found[1]

    def mapping(self, stream: str, feed: Feed, facts: ShopFacts) -> Mapping:
        """How the stream's lines become canonical entities."""
        from varai.sources.bigcommerce.mapping import mapping  # reading needs no mapping, and mapping imports no HTTP

        return mapping(stream_spec(self, stream).name, feed, facts)


class _Extraction:
    """See `varai.sources.Extraction`. Nothing is requested before the first page is asked for."""

    def __init__(self, session: Session, spec: StreamSpec, window: Window, *, listing: bool) -> None:
        self._session, self._spec, self._window, self._listed = session, spec, window, listing
        self._vendor_count: int | None = None
        self._listing: Listing | None = None

    @property
    def vendor_count(self) -> int | None:
        """Records as the store counts them; those read beside the window, and each further version of one that was met, count too."""
        return self._vendor_count

    @property
    def deletions(self) -> tuple[Deletion, ...]:
        """None: the store tells none, its ids are listed instead."""
        return ()

    @property
    def listing(self) -> Listing | None:
        """Ids of the stream now, where they were asked for."""
        return self._listing

    @property
    def query_hash(self) -> str:
        """The API's version: whole records are asked for."""
        return BigCommerce.version

    def __iter__(self) -> Iterator[Page]:
        """The pages; the counts are there when they are exhausted."""
        with open_store(self._session) as client:
            whole = self._window.whole or (self._listed and self._spec.name == "products")
            reading = Reading(client, self._spec.name, self._window, whole=whole)
            yield from (page for page in reading.pages() if page.count)
            if self._listed and self._spec.listed:
                self._listing = reading.listing()
            self._vendor_count = reading.vendor_count
