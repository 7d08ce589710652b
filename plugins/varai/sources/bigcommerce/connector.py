"""The BigCommerce connector: what `varai.sources.connector("bigcommerce")` gives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

from varai.kernel import Feed, Window
from varai.sources.bigcommerce.check import check
from varai.sources.bigcommerce.client import SECRET_FIELDS, open_store
from varai.sources.bigcommerce.lists import Listing, stock_at
from varai.sources.bigcommerce.reading import Reading, listed
from varai.sources.bigcommerce.site import locations
from varai.sources.bigcommerce.streams import STREAMS
from varai.sources.clock import insist_on
from varai.sources.contract import Extraction, FeedReport, Session, ShopFacts, StreamSpec, stream_spec
from varai.sources.lists import ListExtraction
from varai.sources.subjects import customer_number

if TYPE_CHECKING:
    from varai.canonical.mapping import Mapping

_REVISION: Final = 1


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
        spec = stream_spec(self, stream)
        whole = window.whole or (listing and stream == "products")
        opened = partial(_reading, session, stream, window, whole)
        return ListExtraction(self.version, opened, listing=listing and spec.listed)

    def count(self, session: Session, stream: str, window: Window) -> int | None:
        """Products, customers and orders of a window, exactly; of stock, which has no dates, only all."""
        stream_spec(self, stream)
        if stream == "shop" or (stream == "inventory" and window.start is not None):
            return None
        with open_store(session) as client:
            if stream == "inventory":
                return sum(Listing(client, stock_at(one.id)).count() for one in locations(client))
            return listed(client, stream, window).count()

    def subject_id(self, given: str) -> str:
        """A customer's number."""
        return customer_number("BigCommerce", given)

    def mapping(self, stream: str, feed: Feed, facts: ShopFacts) -> Mapping:
        """How the stream's lines become canonical entities."""
        from varai.sources.bigcommerce.mapping import mapping  # reading needs no mapping, and mapping imports no HTTP

        return mapping(stream_spec(self, stream), feed, facts)


@contextmanager
def _reading(session: Session, stream: str, window: Window, whole: bool) -> Iterator[Reading]:
    with open_store(session) as client:
        yield Reading(client, stream, window, whole=whole)
        insist_on(window, session, client.http.earliest)
