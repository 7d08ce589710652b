"""Two routes that every simulated vendor has: the fault switch of a shop, and what was asked of it.

- `POST, GET, DELETE /<shop>/_faults`: the fault switch (see faults.py)
- `GET, DELETE /<shop>/_requests`: what was asked, oldest first
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.vendors.faults import Faults, fault_of


class Switched(Protocol):
    """A simulated shop: what shall go wrong with it, and what was asked of it."""

    faults: Faults
    log: deque[dict[str, Any]]


def switch(find: Callable[[Request], Awaitable[Switched | None]], kinds: Mapping[str, frozenset[str]]) -> list[Route]:
    """The routes.

    Args:
        find: the shop that a request's path names; None when there is none.
        kinds: the kinds of faults the vendor knows, and the routes each can strike.
    """

    async def faults(request: Request) -> Response:
        shop = await find(request)
        if shop is None:
            return _NO_SHOP
        if request.method == "DELETE":
            shop.faults.clear()
        elif request.method == "POST":
            try:
                shop.faults.add(fault_of(await request.json(), kinds))
            except ValueError as error:
                return JSONResponse({"error": str(error)}, 400)
        return JSONResponse({"faults": shop.faults.waiting()})

    async def requests(request: Request) -> Response:
        shop = await find(request)
        if shop is None:
            return _NO_SHOP
        if request.method == "DELETE":
            shop.log.clear()
        return JSONResponse({"requests": list(shop.log)})

    return [
        Route("/{shop}/_faults", faults, methods=["GET", "POST", "DELETE"]),
        Route("/{shop}/_requests", requests, methods=["GET", "DELETE"]),
    ]


_NO_SHOP = JSONResponse({"error": "There is no such shop."}, 404)
