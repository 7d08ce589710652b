"""Webhooks of WooCommerce: signed over the raw body with the webhook's own secret, which is the key's consumer secret unless set.

https://woocommerce.github.io/woocommerce-rest-api-docs/#webhooks ; none is sent twice, and after 5 failures in a row no more are sent.
A secret of the webhook's own stands in the feed's secret as `webhook_secret`; the one before it, as `previous_webhook_secret`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from varai.sources.webhooks import Headers, Told, event_of, signed_body

_STREAMS: Final[Mapping[str, tuple[str, ...]]] = {
    "product": ("products",),
    "order": ("orders",),
    "customer": ("customers",),
}
_EVENTS: Final = frozenset({"created", "updated", "deleted", "restored"})
_PING: Final = re.compile(rb"webhook_id=[0-9]{1,20}")


class WooCommerceWebhooks:
    """See `varai.sources.webhooks.Webhooks`."""

    deadline_s: Final = 5.0
    """What WordPress waits for an answer, unless the shop has set another time."""
    secret_keys: Final = ("webhook_secret", "previous_webhook_secret", "consumer_secret")

    def greets(self, headers: Headers, body: bytes) -> bool:
        """When a webhook is made the shop posts a form, `webhook_id=N`, unsigned; unless it is answered 200 the shop tells of an error."""
        del headers
        return _PING.fullmatch(body) is not None

    def genuine(self, headers: Headers, body: bytes, secrets: Sequence[bytes], now: datetime) -> bool:
        """`X-WC-Webhook-Signature`. No time is signed."""
        del now
        return signed_body(headers.get("x-wc-webhook-signature", ""), body, secrets)

    def read(self, headers: Headers, body: bytes) -> Told | None:
        """The topic's streams; None for coupons, for actions of other plugins and for what a shop sends in no topic."""
        topic = headers.get("x-wc-webhook-topic", "").lower()
        resource, _, what = topic.partition(".")
        if resource not in _STREAMS or what not in _EVENTS:
            return None
        event = event_of(headers, ("x-wc-webhook-delivery-id",), body)
        return Told(event, topic, _STREAMS[resource], what == "deleted")


WEBHOOKS: Final = WooCommerceWebhooks()
