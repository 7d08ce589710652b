"""Headers of Shopify's webhooks: https://shopify.dev/docs/apps/build/webhooks/verify-deliveries"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import uuid4

from sandbox.vendors.shopify.versions import VERSIONS
from sandbox.vendors.webhooks import Delivery


def headers(delivery: Delivery) -> Mapping[str, str]:
    """Of one delivery: its own id, and that of the event."""
    return {
        "X-Shopify-Topic": delivery.topic,
        "X-Shopify-Hmac-Sha256": delivery.signature,
        "X-Shopify-API-Version": VERSIONS[-1],
        "X-Shopify-Triggered-At": delivery.at,
        "X-Shopify-Event-Id": delivery.event,
        "X-Shopify-Webhook-Id": str(uuid4()),
    }
