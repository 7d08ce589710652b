"""Webhooks of BigCommerce: a body that names a record, signed with its id and time as Standard Webhooks says.

https://docs.bigcommerce.com/developer/docs/integrations/webhooks
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from sandbox.vendors.webhooks import Delivery, mac


def body(topic: str, event: str, at: str, given: Any) -> Mapping[str, Any]:
    """What is signed: the scope, the record that was given, and the hash by which an event that fires twice is known."""
    return {
        "scope": topic,
        "store_id": "1",
        "data": given,
        "hash": hashlib.sha256(event.encode()).hexdigest()[:40],
        "created_at": int(datetime.fromisoformat(at).timestamp()),
        "producer": "stores/abcdefghij",
    }


def headers(delivery: Delivery) -> Mapping[str, str]:
    """Of one delivery; the time that is signed is that at which it is sent."""
    name, at = f"msg_{uuid4().hex}", str(int(time.time()))
    content = b".".join((name.encode(), at.encode(), delivery.body))
    return {
        "webhook-id": name,
        "webhook-timestamp": at,
        "webhook-signature": f"v1,{mac(delivery.secret, content)}",
    }
