"""What simulators of REST vendors share: shops by their files, the fault switch, and what was asked.

- `/<shop>/_faults`, `/<shop>/_requests`: the fault switch, and what was asked (see switch.py)
- `POST /<shop>/_webhooks`: send a webhook (see webhooks.py), where the vendor sends any
- `GET /healthz`: the shops there are
- `GET /<shop>/<path>`: the vendor's API
- `POST /<shop>/<path>`: its tokens, where it grants any
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.vendors.faults import Faults
from sandbox.vendors.records import Records, reading
from sandbox.vendors.shaping import refuse, respond
from sandbox.vendors.switch import switch
from sandbox.vendors.webhooks import Body, Delivery, as_given, sender

ROUTE = "rest"
_ANY = frozenset({ROUTE})
KINDS: Mapping[str, frozenset[str]] = dict.fromkeys(
    (
        "429",
        "5xx",
        "cut",
        "truncated_json",
        "slow",
        "wrong_content_type",
        "revoked_token",
        "wrong_count",
        "duplicate_page",
        "missing_page",
        "clock_skew",
    ),
    _ANY,
)
_KEPT = 2000


@dataclass
class Answer:
    """What a vendor answers: JSON, status and headers."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Shop:
    """A simulated shop: its file, what shall go wrong, what was asked, and how many requests are being answered."""

    path: Path
    faults: Faults = field(default_factory=Faults)
    log: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_KEPT))
    at_once: int = 0


@dataclass(frozen=True)
class Asked:
    """A request as a vendor's API sees it: path below the shop, parameters, headers, and the whole address.

    Of a form that is posted, the parameters are its fields.
    """

    shop: Shop
    path: str
    parameters: Mapping[str, str]
    headers: Mapping[str, str]
    url: str

    @property
    def text(self) -> str:
        """What faults are matched with."""
        query = "&".join(f"{name}={value}" for name, value in self.parameters.items())
        return f"{self.path}?{query}"

    def strikes(self, kind: str) -> Mapping[str, Any] | None:
        """The options of a fault of this kind that hits this request, counted down."""
        fault = self.shop.faults.strike(kind, ROUTE, self.text)
        return None if fault is None else fault.options


Api = Callable[[Asked, Records], Answer]


@dataclass(frozen=True)
class Sends:
    """How a vendor sends webhooks: the fact of a shop that signs, and the headers and the body of a delivery."""

    secret: str
    headers: Callable[[Delivery], Mapping[str, str]]
    body: Body = as_given


def create_app(folder: Path, api: Api, sends: Sends | None = None, *, grants: Api | None = None) -> Starlette:
    """The ASGI application that serves the shops of `folder` by a vendor's API, and by `grants` its tokens."""
    service = _Service(folder, api, grants)

    async def signing(request: Request) -> str | None:
        shop = await service.shop(request)
        if shop is None or sends is None:
            return None
        with reading(shop.path) as records:
            return records.facts()[sends.secret]

    return Starlette(
        routes=[
            Route("/healthz", service.health),
            *switch(service.shop, KINDS),
            *(sender(signing, sends.headers, sends.body) if sends else ()),
            Route("/{shop}/{path:path}", service.ask),
            *([Route("/{shop}/{path:path}", service.ask, methods=["POST"])] if grants else ()),
        ]
    )


class _Service:
    def __init__(self, folder: Path, api: Api, grants: Api | None) -> None:
        self._folder, self._api, self._grants = folder, api, grants
        self._shops: dict[str, Shop] = {}

    async def shop(self, request: Request) -> Shop | None:
        """The shop that a request's path names."""
        name = request.path_params["shop"]
        if name not in self._shops:
            path = self._folder / f"{Path(name).name}.sqlite"
            if not path.is_file():
                return None
            self._shops[name] = Shop(path)
        return self._shops[name]

    async def health(self, request: Request) -> Response:
        del request
        return JSONResponse({"status": "ok", "shops": sorted(path.stem for path in self._folder.glob("*.sqlite"))})

    async def ask(self, request: Request) -> Response:
        shop = await self.shop(request)
        if shop is None:
            return JSONResponse({"message": "Not Found"}, 404)
        url = f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}{request.url.path}"
        posted = self._grants if request.method == "POST" else None
        given = dict(parse_qsl((await request.body()).decode())) if posted else dict(request.query_params)
        asked = Asked(shop, request.path_params["path"], given, request.headers, url)
        shop.at_once += 1
        try:
            return await run_in_threadpool(self._answer, asked, posted or self._api, shop.at_once)
        finally:
            shop.at_once -= 1

    def _answer(self, asked: Asked, api: Api, at_once: int) -> Response:
        faults = asked.shop.faults
        response = refuse(faults, ROUTE, asked.text)
        if response is None:
            with reading(asked.shop.path) as records:
                answer = api(asked, records)
            headers = {"Content-Type": "application/json; charset=UTF-8", **answer.headers}
            response = respond(faults, ROUTE, asked.text, answer.body, answer.status, headers)
        entry: dict[str, Any] = {"at": datetime.now(UTC).isoformat(), "path": asked.path}
        entry |= {
            "parameters": {} if api is self._grants else dict(asked.parameters),  # those of a form hold secrets
            # The word before the space only: where there is none, the header is all secret.
            "scheme": asked.headers.get("authorization", "").rpartition(" ")[0].partition(" ")[0],
            "at_once": at_once,
        }
        asked.shop.log.append({**entry, "status": response.status_code})
        return response
