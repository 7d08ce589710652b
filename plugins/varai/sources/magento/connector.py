"""The Magento connector: what `varai.sources.connector("magento")` gives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

from varai.kernel import Feed, Window
from varai.sources.clock import insist_on
from varai.sources.contract import Extraction, FeedReport, Session, ShopFacts, StreamSpec, stream_spec
from varai.sources.lists import ListExtraction
from varai.sources.magento.access import SECRET_FIELDS
from varai.sources.magento.check import check
from varai.sources.magento.client import API, open_shop
from varai.sources.magento.families import Families
from varai.sources.magento.lists import Numbered
from varai.sources.magento.reading import KINDS, Reading
from varai.sources.magento.search import changed_in
from varai.sources.magento.streams import STREAMS
from varai.sources.subjects import customer_number

if TYPE_CHECKING:
    from varai.canonical.mapping import Mapping

_REVISION: Final = 1


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
        spec = stream_spec(self, stream)
        whole = window.whole or (listing and stream == "products")
        opened = partial(_reading, session, stream, window, whole)
        return ListExtraction(self.version, opened, listing=listing and spec.listed)

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
        return customer_number("Magento", given)

    def mapping(self, stream: str, feed: Feed, facts: ShopFacts) -> Mapping:
        """How the stream's lines become canonical entities."""
        from varai.sources.magento.mapping import mapping  # reading needs no mapping, and mapping imports no HTTP

        return mapping(stream_spec(self, stream), feed, facts)


@contextmanager
def _reading(session: Session, stream: str, window: Window, whole: bool) -> Iterator[Reading]:
    with open_shop(session) as client:
        yield Reading(client, stream, window, whole=whole)
        insist_on(window, session, client.http.earliest)
