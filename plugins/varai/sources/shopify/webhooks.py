"""Webhooks of Shopify: signed with the app's client secret over the raw body; the headers are not signed.

https://shopify.dev/docs/apps/build/webhooks/verify-deliveries ; answers are awaited 5 seconds, and what was not taken is sent again 8 times
in 4 hours. A new client secret signs within an hour of its rotation: until then the one before it, kept in the feed's secret as
`previous_client_secret`, is good too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from varai.kernel import Feed
from varai.sources.shopify.domain import shop_domain
from varai.sources.webhooks import Headers, Notice, Told, event_of, instant, signed_body

_NOTICES: Final[Mapping[str, Notice]] = {
    "app/uninstalled": "uninstalled",
    "customers/data_request": "data_request",
    "customers/redact": "redact_customer",
    "shop/redact": "redact_shop",
}
"""https://shopify.dev/docs/apps/build/compliance/privacy-law-compliance"""
_STREAMS: Final[Mapping[str, tuple[str, ...]]] = {
    "products": ("products", "inventory"),
    "inventory_items": ("products", "inventory"),
    "inventory_levels": ("inventory",),
    "orders": ("orders",),
    "refunds": ("orders",),
    "fulfillments": ("orders",),
    "customers": ("customers",),
    "disputes": ("disputes",),
    "locations": ("locations",),
    "shop": ("shop",),
}
"""What changes with a resource: a product brings its stock, a refund or a shipment its order."""
_GONE: Final = frozenset({"delete", "disconnect", "merge"})
"""Events after which a record is no longer where it was; of two customers that are merged one is left."""


class _Customer(msgspec.Struct):
    id: int


class _Request(msgspec.Struct):
    """A compliance request. Its topic is not signed, so the body has to say the same: only such requests have this shape."""

    shop_id: int
    shop_domain: str
    customer: _Customer | None = None
    data_request: _Customer | None = None
    orders_to_redact: list[int] | None = None


class _Named(msgspec.Struct):
    """The same, as far as it says of whom."""

    shop_domain: str


class ShopifyWebhooks:
    """See `varai.sources.webhooks.Webhooks`."""

    deadline_s: Final = 5.0
    secret_keys: Final = ("client_secret", "previous_client_secret")

    def greets(self, headers: Headers, body: bytes) -> bool:
        """Shopify sends nothing unsigned."""
        del headers, body
        return False

    def genuine(self, headers: Headers, body: bytes, secrets: Sequence[bytes], now: datetime) -> bool:
        """`X-Shopify-Hmac-Sha256`. No time is signed, so an old delivery is as good as its first; it is only taken once."""
        del now
        return signed_body(headers.get("x-shopify-hmac-sha256", ""), body, secrets)

    def shop_told(self, body: bytes) -> str | None:
        """`shop_domain` of a compliance request."""
        try:
            return msgspec.json.decode(body, type=_Named).shop_domain.lower()
        except (msgspec.DecodeError, RecursionError):
            return None

    def shop_of(self, feed: Feed, base_url: str) -> str | None:
        """<shop>.myshopify.com."""
        return shop_domain(feed, base_url)

    def read(self, headers: Headers, body: bytes) -> Told | None:
        """The topic's streams, or its notice. The event is named by topic and event id: one change may be told under several topics."""
        topic = headers.get("x-shopify-topic", "").lower()
        event = event_of(headers, ("x-shopify-event-id", "x-shopify-webhook-id"), body)
        sent_at = instant(headers.get("x-shopify-triggered-at", ""))
        resource, _, what = topic.partition("/")
        notice = _NOTICES.get(topic)
        if notice == "uninstalled":
            return Told(f"{topic} {event}", topic, sent_at=sent_at, notice=notice)
        if notice is not None:
            return _compliance(topic, notice, event, sent_at, body)
        if resource not in _STREAMS or not what.isidentifier():
            return None
        return Told(f"{topic} {event}", topic, _STREAMS[resource], what in _GONE, sent_at)


def _compliance(topic: str, notice: Notice, event: str, sent_at: datetime | None, body: bytes) -> Told | None:
    """A request in the shape of its topic; None for a body of another kind that came under it."""
    try:
        asked = msgspec.json.decode(body, type=_Request)
    except (msgspec.DecodeError, RecursionError):
        return None
    fits = {
        "data_request": asked.customer is not None and asked.data_request is not None,
        "redact_customer": asked.customer is not None and asked.data_request is None,
        "redact_shop": asked.customer is None and asked.data_request is None,
    }
    if not fits[notice]:
        return None
    subject = str(asked.customer.id) if asked.customer else None
    return Told(f"{topic} {event}", topic, sent_at=sent_at, notice=notice, subject=subject)


WEBHOOKS: Final = ShopifyWebhooks()
