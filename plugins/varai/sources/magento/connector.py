"""The Magento connector: what `varai.sources.connector("magento")` gives."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from varai.kernel import Feed, Misconfigured, Window
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
from varai.sources.magento.check import check
from varai.sources.magento.client import API, open_shop
from varai.sources.magento.families import Families
from varai.sources.magento.lists import Numbered
from varai.sources.magento.reading import KINDS, Reading
from varai.sources.magento.search import changed_in
from varai.sources.magento.signing import SECRET_FIELDS
from varai.sources.magento.streams import STREAMS

if TYPE_CHECKING:
    from varai.canonical.mapping import Mapping

_REVISION: Final = 1
_CUSTOMER: Final = re.compile(r"0*([1-9][0-9]{0,17})", re.ASCII)


class Magento:
    """See `varai.sources.Connector`."""

    name: Final = "magento"
    version: Final = f"{API}.{_REVISION}"
    streams: tuple[StreamSpec, ...] = STREAMS
    secret_fields: tuple[tuple[str, ...], ...] = SECRET_FIELDS

    def check(self, session: Session) -> FeedReport:
        """Which resources the integration may read, earliest order and clock skew."""
        return check(session)

    def extract(self, session: Session, stream: str, window: Window, *, listing: bool = False) -> Extraction:
        """Prepare a read. Products are read whole when they are listed: a choice that leaves its family need not change."""
        return _Extraction(session, stream_spec(self, stream), window, listing=listing)

    def count(self, session: Session, stream: str, window: Window) -> int | None:
        """Products (families count once), customers and orders of a window, exactly; of stock, which has no dates, only all."""
        stream_spec(self, stream)
        if stream == "shop" or (stream == "stock" and window.start is not None):
            return None
        with open_shop(session) as client:
            if stream == "products":
                return Families(client, window).count()
            filters = () if stream == "stock" else changed_in(window)
            return Numbered(client, KINDS[stream], filters).count()

    def subject_id(self, given: str) -> str:
        """A customer's number."""
        found = _CUSTOMER.fullmatch(given.strip())
        if found is None:
            raise Misconfigured(
                "This is no id of a Magento customer.", "Give the number that its list of customers shows."
            )
        return found[1]

    def mapping(self, stream: str, feed: Feed, facts: ShopFacts) -> Mapping:
        """How the stream's lines become canonical entities."""
        from varai.sources.magento.mapping import mapping  # reading needs no mapping, and mapping imports no HTTP

        return mapping(stream_spec(self, stream).name, feed, facts)


class _Extraction:
    """See `varai.sources.Extraction`. Nothing is requested before the first page is asked for."""

    def __init__(self, session: Session, spec: StreamSpec, window: Window, *, listing: bool) -> None:
        self._session, self._spec, self._window, self._listed = session, spec, window, listing
        self._vendor_count: int | None = None
        self._listing: Listing | None = None

    @property
    def vendor_count(self) -> int | None:
        """Records as the shop counts them, choices left out; those read beside the window, and each further version of one, count too."""
        return self._vendor_count

    @property
    def deletions(self) -> tuple[Deletion, ...]:
        """None: the shop tells none, its ids are listed instead."""
        return ()

    @property
    def listing(self) -> Listing | None:
        """Ids of the stream now, where they were asked for."""
        return self._listing

    @property
    def query_hash(self) -> str:
        """The API's version: whole records are asked for."""
        return Magento.version

    def __iter__(self) -> Iterator[Page]:
        """The pages; the counts are there when they are exhausted."""
        with open_shop(self._session) as client:
            whole = self._window.whole or (self._listed and self._spec.name == "products")
            reading = Reading(client, self._spec.name, self._window, whole=whole)
            yield from (page for page in reading.pages() if page.count)
            if self._listed and self._spec.listed:
                self._listing = reading.listing()
            self._vendor_count = reading.vendor_count
