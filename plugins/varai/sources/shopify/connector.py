"""The Shopify connector: what `varai.sources.connector("shopify")` gives."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Final

from varai.kernel import Feed, Misconfigured, Window
from varai.sources.connecting import Connected
from varai.sources.contract import Extraction, FeedReport, Session, ShopFacts, StreamSpec, stream_spec
from varai.sources.shopify import install
from varai.sources.shopify.census import count
from varai.sources.shopify.check import check
from varai.sources.shopify.extraction import ShopifyExtraction
from varai.sources.shopify.queries import API_VERSION
from varai.sources.shopify.streams import STREAMS
from varai.sources.shopify.tokens import SECRET_FIELDS

if TYPE_CHECKING:
    from varai.canonical.mapping import Mapping

_REVISION = 2
_CUSTOMER = re.compile(r"(?:gid://shopify/Customer/)?0*([1-9][0-9]{0,17})", re.ASCII)


class Shopify:
    """See `varai.sources.Connector`."""

    name: Final = "shopify"
    version: Final = f"{API_VERSION}.{_REVISION}"
    streams: tuple[StreamSpec, ...] = STREAMS
    secret_fields: tuple[tuple[str, ...], ...] = SECRET_FIELDS

    def check(self, session: Session) -> FeedReport:
        """Scopes granted against needed, earliest visible order, version, rate tier and clock skew."""
        return check(session)

    def extract(self, session: Session, stream: str, window: Window, *, listing: bool = False) -> Extraction:
        """Prepare a read; raises Misconfigured for a stream there is not."""
        return ShopifyExtraction(session, stream_spec(self, stream), window, listing=listing)

    def count(self, session: Session, stream: str, window: Window) -> int | None:
        """Products, customers and orders are counted exactly; the other streams are not."""
        return count(session, stream_spec(self, stream).name, window)

    def authorise_at(self, session: Session, state: str, *, without: Collection[str] = ()) -> str:
        """Shopify's page, for the scopes that the streams need. See `varai.sources.connecting`."""
        return install.authorise_at(session, state, without=without)

    def connect(self, session: Session, answer: str, known: Callable[[str], bool]) -> Connected:
        """Signature, shop and state are checked, then the code is exchanged for tokens that rotate."""
        return install.connect(session, answer, known)

    def subject_id(self, given: str) -> str:
        """A customer's number, of the number or of the global id that holds it."""
        found = _CUSTOMER.fullmatch(given.strip())
        if found is None:
            raise Misconfigured(
                "This is no id of a Shopify customer.", "Give its number, or gid://shopify/Customer/<number>."
            )
        return found[1]

    def mapping(self, stream: str, feed: Feed, facts: ShopFacts) -> Mapping:
        """How the stream's lines become canonical entities."""
        from varai.sources.shopify.mapping import mapping  # reading needs no mapping, and mapping imports no HTTP

        return mapping(stream_spec(self, stream), feed, facts)
