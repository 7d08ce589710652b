"""The WooCommerce connector: what `varai.sources.connector("woocommerce")` gives."""

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
from varai.sources.woocommerce.check import check
from varai.sources.woocommerce.client import API, SECRET_FIELDS, Numbered, changed_in, open_shop
from varai.sources.woocommerce.reading import ALL, Reading
from varai.sources.woocommerce.streams import STREAMS

if TYPE_CHECKING:
    from varai.canonical.mapping import Mapping

_REVISION: Final = 1
_CUSTOMER: Final = re.compile(r"0*([1-9][0-9]{0,17})", re.ASCII)


class WooCommerce:
    """See `varai.sources.Connector`."""

    name: Final = "woocommerce"
    version: Final = f"{API}.{_REVISION}"
    streams: tuple[StreamSpec, ...] = STREAMS
    secret_fields: tuple[tuple[str, ...], ...] = SECRET_FIELDS

    def check(self, session: Session) -> FeedReport:
        """Which resources the key may read, earliest order, version and clock skew; the rate is the host's affair."""
        return check(session)

    def extract(self, session: Session, stream: str, window: Window, *, listing: bool = False) -> Extraction:
        """Prepare a read. Products are read whole when they are listed: a variation that changes need not change its product."""
        return _Extraction(session, stream_spec(self, stream), window, listing=listing)

    def count(self, session: Session, stream: str, window: Window) -> int | None:
        """Products and orders of a window, exactly; customers have no date of change, so only all of them are counted."""
        stream_spec(self, stream)
        if stream == "shop" or (stream == "customers" and window.start is not None):
            return None
        filter = ALL[stream] if stream == "customers" else {**ALL[stream], **changed_in(window)}
        with open_shop(session) as client:
            return Numbered(client, stream, filter).count()

    def subject_id(self, given: str) -> str:
        """A customer's number."""
        found = _CUSTOMER.fullmatch(given.strip())
        if found is None:
            raise Misconfigured(
                "This is no id of a WooCommerce customer.", "Give the number that its users list shows."
            )
        return found[1]

    def mapping(self, stream: str, feed: Feed, facts: ShopFacts) -> Mapping:
        """How the stream's lines become canonical entities."""
        from varai.sources.woocommerce.mapping import mapping  # reading needs no mapping, and mapping imports no HTTP

        return mapping(stream_spec(self, stream).name, feed, facts)


class _Extraction:
    """See `varai.sources.Extraction`. Nothing is requested before the first page is asked for."""

    def __init__(self, session: Session, spec: StreamSpec, window: Window, *, listing: bool) -> None:
        self._session, self._spec, self._window, self._listed = session, spec, window, listing
        self._vendor_count: int | None = None
        self._listing: Listing | None = None

    @property
    def vendor_count(self) -> int | None:
        """Records as the shop counts them; those read beside the window, and each further version of one that was met, count too."""
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
        return WooCommerce.version

    def __iter__(self) -> Iterator[Page]:
        """The pages; the counts are there when they are exhausted."""
        with open_shop(self._session) as client:
            whole = self._window.whole or (self._listed and self._spec.name == "products")
            reading = Reading(client, self._spec.name, self._window, whole=whole)
            yield from (page for page in reading.pages() if page.count)
            if self._listed and self._spec.listed:
                self._listing = reading.listing()
            self._vendor_count = reading.vendor_count
