"""The WooCommerce connector: what `varai.sources.connector("woocommerce")` gives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

from varai.kernel import Feed, Window
from varai.sources.clock import insist_on
from varai.sources.contract import Extraction, FeedReport, Session, ShopFacts, StreamSpec, stream_spec
from varai.sources.lists import ListExtraction
from varai.sources.subjects import customer_number
from varai.sources.woocommerce.check import check
from varai.sources.woocommerce.client import API, SECRET_FIELDS, Numbered, changed_in, open_shop
from varai.sources.woocommerce.reading import ALL, Reading
from varai.sources.woocommerce.streams import STREAMS

if TYPE_CHECKING:
    from varai.canonical.mapping import Mapping

_REVISION: Final = 1


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
        spec = stream_spec(self, stream)
        whole = window.whole or (listing and stream == "products")
        opened = partial(_reading, session, stream, window, whole)
        return ListExtraction(self.version, opened, listing=listing and spec.listed)

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
        return customer_number("WooCommerce", given)

    def mapping(self, stream: str, feed: Feed, facts: ShopFacts) -> Mapping:
        """How the stream's lines become canonical entities."""
        from varai.sources.woocommerce.mapping import mapping  # reading needs no mapping, and mapping imports no HTTP

        return mapping(stream_spec(self, stream), feed, facts)


@contextmanager
def _reading(session: Session, stream: str, window: Window, whole: bool) -> Iterator[Reading]:
    with open_shop(session) as client:
        yield Reading(client, stream, window, whole=whole)
        insist_on(window, session, client.http.earliest)
