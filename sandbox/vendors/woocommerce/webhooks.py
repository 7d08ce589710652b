"""Headers of WooCommerce's webhooks: https://woocommerce.github.io/woocommerce-rest-api-docs/#webhooks"""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.vendors.webhooks import Delivery


def headers(delivery: Delivery) -> Mapping[str, str]:
    """Of one delivery."""
    resource, _, event = delivery.topic.partition(".")
    return {
        "X-WC-Webhook-Topic": delivery.topic,
        "X-WC-Webhook-Resource": resource,
        "X-WC-Webhook-Event": event,
        "X-WC-Webhook-Signature": delivery.signature,
        "X-WC-Webhook-ID": "1",
        "X-WC-Webhook-Delivery-ID": delivery.event,
    }
