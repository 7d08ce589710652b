"""One read of one stream: in go a session and a window, out come pages of lines and then the counts that prove them."""

from __future__ import annotations

from collections.abc import Iterator

from varai.kernel import Window
from varai.sources.clock import insist_on
from varai.sources.contract import Deletion, Listing, Page, Session, StreamSpec
from varai.sources.shopify import queries
from varai.sources.shopify.census import proven
from varai.sources.shopify.check import granted_scopes
from varai.sources.shopify.client import open_shop
from varai.sources.shopify.edits import with_edits
from varai.sources.shopify.listing import list_ids
from varai.sources.shopify.reading import Reading, destroyed_products


class ShopifyExtraction:
    """See `varai.sources.Extraction`. Nothing is requested before the first page is asked for."""

    def __init__(self, session: Session, spec: StreamSpec, window: Window, *, listing: bool = False) -> None:
        self._session = session
        self._spec = spec
        self._stream = spec.name
        self._window = window
        self._vendor_count: int | None = None
        self._deletions: tuple[Deletion, ...] = ()
        self._listed = listing
        self._listing: Listing | None = None

    @property
    def vendor_count(self) -> int | None:
        """Records of the window as the vendor counts them; each further version of one that was met counts too."""
        return self._vendor_count

    @property
    def deletions(self) -> tuple[Deletion, ...]:
        """Products destroyed in the window."""
        return self._deletions

    @property
    def listing(self) -> Listing | None:
        """Ids of the stream now. Stock is listed unasked when products were destroyed, for it went with them."""
        return self._listing

    @property
    def query_hash(self) -> str:
        """Hash of the selection."""
        return queries.query_hash(self._stream)

    def __iter__(self) -> Iterator[Page]:
        """The pages; the counts are there when they are exhausted."""
        with open_shop(self._session) as client:
            if self._spec.optional and not granted_scopes(client).issuperset(self._spec.needs_scopes):
                self._vendor_count = 0
                return
            reading = Reading(client, self._stream, self._window)
            pages = with_edits(reading, proven(reading)) if self._stream == "orders" else proven(reading)
            yield from (page for page in pages if page.count)
            destroyed = destroyed_products(reading) if self._stream in ("products", "inventory") else ()
            if self._stream == "products":
                self._deletions = destroyed
            if self._listed or (self._stream == "inventory" and destroyed):
                self._listing = list_ids(reading)
            insist_on(self._window, self._session, client.http.earliest)
            self._vendor_count = reading.vendor_count
