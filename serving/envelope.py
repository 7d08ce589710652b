"""Around every answer: a request id, security headers, a line in the log and figures; and no error leaves with its details."""

from __future__ import annotations

import re
import time
import traceback
import uuid
from typing import Any

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.counters import Counters
from serving.problems import KINDS, Problem, render

_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
log = structlog.get_logger(__name__)


class Envelope:
    """ASGI middleware, outermost.

    The log holds tenant, region, route, method, status and time: no token, no parameter, no address.
    """

    def __init__(self, app: ASGIApp, *, region: str, counters: Counters) -> None:
        self._app = app
        self._region = region
        self._counters = counters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _GIVEN_ID.fullmatch(given) else uuid.uuid4().hex
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        began, status = time.perf_counter(), 0

        async def sealed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        with structlog.contextvars.bound_contextvars(region=self._region, request_id=request_id):
            try:
                await self._app(scope, receive, sealed)
            except Exception as error:  # noqa: BLE001 - whatever it is, the client gets a problem and the log the place
                _tell(error)
                if status == 0:
                    await render(Problem("unexpected", KINDS["unexpected"].meaning), request_id)(scope, receive, sealed)
            self._note(scope, state, status, time.perf_counter() - began)

    def _note(self, scope: Scope, state: dict[str, Any], status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._counters.answered(route, method, status, seconds)
        if route.startswith(("/health", "/metrics")) and status < 400:
            return
        log.info(
            "request",
            tenant=state.get("tenant"),
            route=route,
            method=method,
            status=status,
            ms=round(seconds * 1000, 1),
        )


def _tell(error: Exception) -> None:
    """Log kind and place of an error; its text may hold a value of a request."""
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    log.error(
        "request.broke",
        kind=type(error).__name__,
        at=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    )
