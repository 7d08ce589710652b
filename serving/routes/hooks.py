"""POST /v1/hooks/{vendor}/{tenant}/{feed} and /v1/hooks/{vendor}/compliance: what vendors tell, kept before it is answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute

from serving.bodies import read_body
from serving.context import Context, context_of
from serving.door import NotSigned
from serving.openapi import problems
from serving.problems import KINDS, Problem
from varai.kernel import FeedKey
from varai.sources.webhooks import OfAnApp

LARGEST: Final = 2 * 2**20
"""Of a body. A product with all the variants that Shopify allows stays below."""
_PATH: list[dict[str, Any]] = [
    {"name": name, "in": "path", "required": True, "description": about, "schema": {"type": "string"}}
    for name, about in (
        ("vendor", "which scheme signs: a connector's name"),
        ("tenant", "whose connection it is"),
        ("feed", "the connection"),
    )
]
_BODY: dict[str, Any] = {
    "required": True,
    "description": "as the vendor signed it; it is not kept",
    "content": {"application/json": {"schema": {}}},
}

_TOLD: dict[int | str, dict[str, Any]] = {
    200: {"description": "It is kept, or was before, or is of nothing that is followed"},
    **problems("unsigned", "not-found", "too-large", "too-many", "unavailable"),
}


class Bare(APIRoute):
    """A route whose endpoint takes the request as it is: nothing parses a body that is signed byte by byte."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The endpoint itself."""
        endpoint: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        return endpoint


router = APIRouter(prefix="/v1/hooks", tags=["hook"], route_class=Bare)


@router.post(
    "/{vendor}/{tenant}/{feed}",
    summary="Tell that something changed at a vendor",
    status_code=200,
    response_class=Response,
    responses=_TOLD,
    openapi_extra={"parameters": _PATH, "requestBody": _BODY},
)
async def take(request: Request) -> Response:
    """Keep a vendor's delivery, signed as the vendor signs. Sent again, it changes nothing.

    The body is checked as it came and is not kept: what changed is read from the vendor. Whatever is wrong with tenant, connection
    or signature, the answer is the same.
    """
    context = context_of(request)
    path = request.path_params
    if path["vendor"] not in context.door.vendors:
        raise Problem("not-found", "No vendor of this name sends webhooks.")
    body = await read_body(request, LARGEST)
    key = FeedKey(path["tenant"], path["feed"])
    fate = await _fate(request, context, context.door.take(path["vendor"], key, request.headers, body))
    if fate != "greeted":
        request.state.tenant = key.tenant
    return Response(status_code=200)


@router.post(
    "/{vendor}/compliance",
    summary="Tell what the law asks of an app",
    status_code=200,
    response_class=Response,
    responses=_TOLD,
    openapi_extra={"parameters": _PATH[:1], "requestBody": _BODY},
)
async def comply(request: Request) -> Response:
    """Keep a request for a person's data or to forget a person or a shop, for a vendor that sends those of all shops to one address.

    The shop is the one that is named in what is signed, and has to be read in this region. Otherwise as above.
    """
    context, vendor = context_of(request), request.path_params["vendor"]
    if not isinstance(context.door.vendors.get(vendor), OfAnApp):
        raise Problem("not-found", "No vendor of this name sends them to one address.")
    body = await read_body(request, LARGEST)
    await _fate(request, context, context.door.take_of_app(vendor, request.headers, body))
    return Response(status_code=200)


async def _fate(request: Request, context: Context, taken: Awaitable[str]) -> str:
    """What became of a delivery, counted. Raises Problem where it is not taken."""
    try:
        fate = await taken
    except TimeoutError:
        raise Problem("unavailable", KINDS["unavailable"].meaning, headers={"Retry-After": "5"}) from None
    except NotSigned:
        context.counters.hook("refused")
        address = request.client.host if request.client else ""
        wait = context.allowances.refused(address)
        if wait is not None:
            detail = f"Too much that is not signed came from there. Wait {wait} seconds."
            raise Problem("too-many", detail, headers={"Retry-After": str(wait)}) from None
        raise Problem("unsigned", KINDS["unsigned"].meaning) from None
    context.counters.hook(fate)
    return fate
