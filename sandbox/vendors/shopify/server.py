"""The simulator's HTTP surface: every shop of a folder under its own path.

- `POST /<shop>/admin/api/<version>/graphql.json` with `X-Shopify-Access-Token`: the Admin API
- `POST /<shop>/admin/oauth/access_token`, JSON or form: tokens
- `GET /<shop>/admin/oauth/authorize`, `POST /<shop>/_uninstall`: the app is installed and taken off (see install.py)
- `GET /<shop>/bulk/<n>.jsonl?Expires=..&Signature=..`, no token: results of bulk operations
- `/<shop>/_faults`, `/<shop>/_requests`: the fault switch, and what was asked (see switch.py)
- `POST /<shop>/_webhooks`: send a webhook (see ../webhooks.py)
- `GET /healthz`: the shops there are
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.vendors.shaping import date_header, refuse, respond
from sandbox.vendors.shopify.admin import Admin, Answer, text_of
from sandbox.vendors.shopify.faults import KINDS
from sandbox.vendors.shopify.install import NotAuthorised, authorise, uninstall
from sandbox.vendors.shopify.shop import Shop, Shops
from sandbox.vendors.shopify.tokens import GrantRefused, forget, grant, scopes_of
from sandbox.vendors.shopify.versions import served_version
from sandbox.vendors.shopify.webhooks import headers
from sandbox.vendors.switch import switch
from sandbox.vendors.webhooks import sender

_WORKERS = 4
_KEPT_PAGES = 16
_CURSOR_NAMES = frozenset({"after", "before", "cursor", "endCursor"})
_BAD_TOKEN = {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}
_JSON = {"Content-Type": "application/json; charset=utf-8"}
T = TypeVar("T")


def create_app(folder: Path) -> Starlette:
    """The ASGI application that serves the shops of `folder`."""
    service = _Service(folder)
    return Starlette(
        routes=[
            Route("/healthz", service.health),
            Route("/{shop}/admin/api/{version}/graphql.json", service.graphql, methods=["POST"]),
            Route("/{shop}/admin/oauth/access_token", service.token, methods=["POST"]),
            Route("/{shop}/admin/oauth/authorize", service.authorise),
            Route("/{shop}/_uninstall", service.uninstall, methods=["POST"]),
            Route("/{shop}/bulk/{number:int}.jsonl", service.bulk),
            *switch(service.shop, KINDS),
            *sender(service.signing, headers),
        ]
    )


class _Service:
    def __init__(self, folder: Path) -> None:
        self._shops = Shops(folder)
        self._admin = Admin()
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="shopify")

    async def _off_loop(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def _shop(self, request: Request) -> Shop | None:
        return self._shops.get(request.path_params["shop"])

    async def shop(self, request: Request) -> Shop | None:
        """The shop that a request's path names, opened where it was not yet."""
        return await self._off_loop(lambda: self._shop(request))

    async def signing(self, request: Request) -> str | None:
        """What the shop that a request's path names signs webhooks with."""
        shop = await self.shop(request)
        return None if shop is None else await self._off_loop(lambda: shop.reader.meta()["client_secret"])

    async def health(self, request: Request) -> Response:
        return JSONResponse({"status": "ok", "shops": self._shops.names()})

    async def graphql(self, request: Request) -> Response:
        shop = await self.shop(request)
        if shop is None:
            return _not_found()
        payload = _parsed(await request.body(), request.headers.get("content-type", ""))
        token = request.headers.get("x-shopify-access-token", "")
        origin = f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}"
        version = str(request.path_params["version"])
        return await self._off_loop(lambda: self._graphql(shop, payload, token, origin, version))

    def _graphql(self, shop: Shop, payload: Mapping[str, Any], token: str, origin: str, version: str) -> Response:
        text = text_of(payload)
        served = served_version(version, shop.faults, text)
        if served is None:
            return _not_found()
        refused = refuse(shop.faults, "graphql", text)
        if refused is not None:
            _note(shop, "graphql", refused.status_code, payload=payload)
            return refused
        scopes = self._scopes(shop, token, text)
        if scopes is None:
            answer = Answer(orjson.dumps(_BAD_TOKEN), 401, dict(_JSON))
        else:
            answer = self._admin.answer(shop, payload, scopes, origin)
            answer.body = _perhaps_again(shop, payload, text, answer)
        answer.headers["X-Shopify-API-Version"] = served
        _note(shop, "graphql", answer.status, payload=payload, answer=answer, version=served)
        return respond(shop.faults, "graphql", text, answer.body, answer.status, answer.headers)

    def _scopes(self, shop: Shop, token: str, text: str) -> frozenset[str] | None:
        if shop.faults.strike("expired_token", "graphql", text):
            forget(shop.path, token)
        if shop.faults.strike("revoked_token", "graphql", text):
            return None
        return scopes_of(shop.reader, token)

    async def token(self, request: Request) -> Response:
        shop = await self.shop(request)
        if shop is None:
            return _not_found()
        asked = _parsed(await request.body(), request.headers.get("content-type", ""))
        return await self._off_loop(lambda: self._token(shop, asked))

    def _token(self, shop: Shop, asked: Mapping[str, Any]) -> Response:
        text = str(asked.get("grant_type"))
        response = refuse(shop.faults, "token", text)
        if response is None:
            body, status = self._granted(shop, asked, text)
            response = respond(shop.faults, "token", text, orjson.dumps(body), status, _JSON)
        _note(shop, "token", response.status_code, payload={"query": text})
        return response

    def _granted(self, shop: Shop, asked: Mapping[str, Any], text: str) -> tuple[dict[str, Any], int]:
        if shop.faults.strike("revoked_token", "token", text):
            return {"error": "app_not_installed", "error_description": "The app is not installed on this shop."}, 400
        try:
            return grant(shop.path, shop.reader, asked), 200
        except GrantRefused as refused:
            return {"error": refused.code, "error_description": str(refused)}, refused.status

    async def authorise(self, request: Request) -> Response:
        shop = await self.shop(request)
        if shop is None:
            return _not_found()
        asked = dict(request.query_params)
        try:
            return RedirectResponse(await self._off_loop(lambda: authorise(shop.path, shop.reader, asked)), 302)
        except NotAuthorised as refused:
            return PlainTextResponse(f"Oauth error invalid_request: {refused}", 400)

    async def uninstall(self, request: Request) -> Response:
        shop = await self.shop(request)
        if shop is None:
            return _not_found()
        await self._off_loop(lambda: uninstall(shop.path, shop.reader))
        return Response(status_code=204)

    async def bulk(self, request: Request) -> Response:
        return await self._off_loop(lambda: self._bulk(request))

    def _bulk(self, request: Request) -> Response:
        shop = self._shop(request)
        if shop is None:
            return _not_found()
        path, number = request.url.path, int(request.path_params["number"])
        file = shop.bulk.file_of(number)
        asked = request.query_params
        allowed = shop.may_fetch(path, asked.get("Expires", ""), asked.get("Signature", ""))
        if not allowed or not file.is_file():
            _note(shop, "bulk", 403, payload={"query": path})
            return Response("<Error><Code>AccessDenied</Code></Error>", 403, media_type="application/xml")
        response = refuse(shop.faults, "bulk", path)
        if response is None:
            response = _file(shop, path, file)
        _note(shop, "bulk", response.status_code, payload={"query": path})
        return response


def _not_found() -> Response:
    return JSONResponse({"errors": "Not Found"}, 404)


def _parsed(body: bytes, content_type: str) -> dict[str, Any]:
    """The object in a request's body; empty when it holds none."""
    if content_type.startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(body.decode("utf-8", "replace")))
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _file(shop: Shop, path: str, file: Path) -> Response:
    """A bulk file: streamed with ranges, or whole in memory when a fault shall shape it."""
    shaped = any(fault["kind"] in ("cut", "slow") and "bulk" in fault["on"] for fault in shop.faults.waiting())
    if shaped:
        return respond(shop.faults, "bulk", path, file.read_bytes(), 200, {"Content-Type": "application/jsonl"})
    return FileResponse(file, media_type="application/jsonl", headers={"Date": date_header(shop.faults, "bulk", path)})


def _perhaps_again(shop: Shop, payload: Mapping[str, Any], text: str, answer: Answer) -> bytes:
    """The page just made, or the one before of the same query when a duplicate is due."""
    variables = payload.get("variables") or {}
    kept = {name: value for name, value in variables.items() if name not in _CURSOR_NAMES}
    key = hashlib.sha256(f"{payload.get('query')}{kept}".encode()).hexdigest()
    before = shop.last_pages.get(key)
    if before is not None and shop.faults.strike("duplicate_page", "graphql", text):
        return before
    shop.last_pages[key] = answer.body
    while len(shop.last_pages) > _KEPT_PAGES:
        shop.last_pages.pop(next(iter(shop.last_pages)), None)
    return answer.body


def _note(
    shop: Shop,
    route: str,
    status: int,
    *,
    payload: Mapping[str, Any],
    answer: Answer | None = None,
    version: str | None = None,
) -> None:
    entry: dict[str, Any] = {"at": datetime.now(UTC).isoformat(), "route": route, "status": status}
    entry["text"] = str(payload.get("query"))[:500]
    if route == "graphql":
        entry["variables"] = payload.get("variables") or {}
        entry["version"] = version
    if answer is not None:
        entry |= {"fields": answer.fields, "cost": answer.cost}
    shop.log.append(entry)
