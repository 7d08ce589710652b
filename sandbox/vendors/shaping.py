"""How answers leave: headers of every answer, and bodies that drip or break off midway."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sandbox.vendors.faults import Faults

_DRIPS = 8


class ShapedResponse(Response):
    """A response whose body may come in drips over some seconds, or be cut after half."""

    def __init__(self, body: bytes, status: int, headers: Mapping[str, str], *, drip_s: float = 0.0, cut: bool = False):
        super().__init__(body, status_code=status, headers=dict(headers))
        self._drip_s = drip_s
        self._cut = cut

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the body; a cut one is left incomplete, which makes the server break the connection."""
        if not self._drip_s and not self._cut:
            await super().__call__(scope, receive, send)
            return
        body = bytes(self.body)
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        if self._cut:
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            return
        step = max(1, len(body) // _DRIPS)
        for start in range(0, len(body), step):
            await send({"type": "http.response.body", "body": body[start : start + step], "more_body": True})
            await asyncio.sleep(self._drip_s / _DRIPS)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def respond(faults: Faults, route: str, text: str, body: bytes, status: int, headers: Mapping[str, str]) -> Response:
    """The response after the transport faults that strike an answer already made."""
    sent = dict(headers)
    sent["Date"] = date_header(faults, route, text)
    if faults.strike("truncated_json", route, text):
        body = body[: len(body) // 2]
    if faults.strike("wrong_content_type", route, text):
        body, sent["Content-Type"] = b"<html><body>We will be back shortly.</body></html>", "text/html; charset=utf-8"
        status = 200
    slow = faults.strike("slow", route, text)
    cut = faults.strike("cut", route, text) is not None
    return ShapedResponse(body, status, sent, drip_s=float(slow.options.get("seconds", 1.0)) if slow else 0.0, cut=cut)


def refuse(faults: Faults, route: str, text: str) -> Response | None:
    """The response of a fault that strikes before any work is done: 429 or a server error."""
    limited = faults.strike("429", route, text)
    if limited is not None:
        wait = limited.options.get("retry_after")
        headers = {**limited.options.get("headers", {}), **({} if wait is None else {"Retry-After": str(wait)})}
        body = {"errors": "Exceeded 2 calls per second for api client. Reduce request rates to resume uninterrupted."}
        return respond(faults, route, text, orjson.dumps(body), 429, {**headers, "Content-Type": "application/json"})
    broken = faults.strike("5xx", route, text)
    if broken is not None:
        status = int(broken.options.get("status", 503))
        return respond(faults, route, text, b"<html>Service unavailable</html>", status, {"Content-Type": "text/html"})
    return None


def date_header(faults: Faults, route: str, text: str) -> str:
    """The time the simulator claims."""
    skewed = faults.strike("clock_skew", route, text)
    moment = datetime.now(UTC)
    if skewed is not None:
        moment += timedelta(seconds=float(skewed.options.get("seconds", 600)))
    return format_datetime(moment, usegmt=True)
