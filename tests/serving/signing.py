"""Deliveries as vendors send them: a body, and headers that are signed or wrong in one way."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any
from uuid import uuid4


def signature(body: bytes, secret: str) -> str:
    """Base64 of HMAC-SHA256, as Shopify and WooCommerce sign."""
    return base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()


def shopify(topic: str, body: Any, secret: str, *, event: str = "", at: str = "2026-11-10T11:59:59Z") -> dict[str, Any]:
    """What httpx posts for a delivery of Shopify."""
    content = json.dumps(body).encode()
    headers = {
        "Content-Type": "application/json",
        "X-Shopify-Topic": topic,
        "X-Shopify-Hmac-Sha256": signature(content, secret),
        "X-Shopify-Event-Id": event or str(uuid4()),
        "X-Shopify-Webhook-Id": str(uuid4()),
        "X-Shopify-Triggered-At": at,
    }
    return {"content": content, "headers": headers}


def woocommerce(topic: str, body: Any, secret: str, *, delivery: str = "") -> dict[str, Any]:
    """What httpx posts for a delivery of WooCommerce."""
    content = json.dumps(body).encode()
    headers = {
        "Content-Type": "application/json",
        "X-WC-Webhook-Topic": topic,
        "X-WC-Webhook-Signature": signature(content, secret),
        "X-WC-Webhook-Delivery-ID": delivery or uuid4().hex,
    }
    return {"content": content, "headers": headers}
