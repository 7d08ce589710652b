"""Webhooks that a simulated shop sends when it is told to: signed as its vendor signs, over real HTTP, as often as asked.

`POST /<shop>/_webhooks`, JSON: `to` (the address) and `topic`; if given `body` (else empty), `event` (else a new one), `times` (else 1; 0:
it got lost), `secret` (else the shop's own) and `at`. The answer tells the event and what was answered to each delivery. Several go out in
the order in which they are asked for. A vendor's retries are not played: ask again with the same `event`.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

_PATIENCE_S = 5.0


@dataclass(frozen=True)
class Delivery:
    """What a vendor makes headers of."""

    topic: str
    event: str
    at: str
    body: bytes
    secret: str = field(repr=False)

    @property
    def signature(self) -> str:
        """Of the body alone, as Shopify and WooCommerce sign."""
        return mac(self.secret, self.body)


Body = Callable[[str, str, str, Any], Any]
"""Topic, event, time and the body that was asked for -> what is sent as JSON."""


def mac(secret: str, body: bytes) -> str:
    """Base64 of HMAC-SHA256 over a body."""
    return base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()


def as_given(topic: str, event: str, at: str, given: Any) -> Any:
    """A body as it was asked for, where topic and event stand in headers."""
    del topic, event, at
    return given


def sender(
    secret_of: Callable[[Request], Awaitable[str | None]],
    headers: Callable[[Delivery], Mapping[str, str]],
    body: Body = as_given,
) -> list[Route]:
    """The route.

    Args:
        secret_of: what the shop that a request's path names signs with; None when there is no such shop.
        headers: those of a delivery, besides the content's type.
        body: that of a delivery.
    """
    # One for all, for it is slow to make; it keeps no connection, for whoever listens may be gone when it is told again.
    client = httpx.Client(timeout=_PATIENCE_S, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))

    async def send(request: Request) -> Response:
        own = await secret_of(request)
        if own is None:
            return JSONResponse({"error": "There is no such shop."}, 404)
        asked: dict[str, Any] = await request.json()
        return await run_in_threadpool(_send, client, asked, own, headers, body)

    return [Route("/{shop}/_webhooks", send, methods=["POST"])]


def _send(
    client: httpx.Client,
    asked: Mapping[str, Any],
    own: str,
    headers: Callable[[Delivery], Mapping[str, str]],
    write: Body,
) -> Response:
    topic, event = str(asked["topic"]), str(asked.get("event") or uuid4())
    at = str(asked.get("at") or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    body = json.dumps(write(topic, event, at, asked.get("body", {})), separators=(",", ":")).encode()
    delivery = Delivery(topic, event, at, body, str(asked.get("secret") or own))
    told = {"Content-Type": "application/json", **headers(delivery)}
    answers = [_post(client, str(asked["to"]), body, told) for _ in range(int(asked.get("times", 1)))]
    return JSONResponse({"event": event, "answers": answers})


def _post(client: httpx.Client, to: str, body: bytes, headers: Mapping[str, str]) -> int | None:
    """The status, or None where nobody answered in time."""
    try:
        return client.post(to, content=body, headers=headers).status_code
    except httpx.HTTPError:
        return None
