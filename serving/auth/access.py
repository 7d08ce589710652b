"""What every route that is not public depends on: a token of this region, of the tenant asked for, with the right scope."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from serving.allowance import Kind
from serving.auth.tokens import Claims, Refused
from serving.context import Context, context_of
from serving.problems import Problem
from serving.queries import no_such

TENANT = "The tenant whose data are asked for; only the token's own."


@dataclass(frozen=True, slots=True)
class Access:
    """A checked request: what it may use, and whose data it may see."""

    context: Context
    tenant: str


async def signed_in(request: Request) -> Claims:
    """What the request's token says; raises Problem (401), which says the same whatever is wrong."""
    tokens = context_of(request).tokens
    token = _bearer(request)
    try:
        claims = tokens.recall(token)
        if claims is None:
            claims = await run_in_threadpool(tokens.verify, token)
    except Refused as error:
        raise unauthorised("invalid_token") from error
    request.state.tenant, request.state.claims = claims.tenant, claims
    return claims


class Direct(APIRoute):
    """A busy route whose endpoint takes the request alone: signed in, and handed over.

    FastAPI's own handler looks for bodies and solves dependencies in every request, which `bench.serving` shows. Here none is solved, those
    of the routers above it neither: signing in is done by the route itself.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler; raises Problem (401) before the endpoint is reached."""
        endpoint = self.endpoint

        async def handled(request: Request) -> Response:
            await signed_in(request)
            answer: Response = await endpoint(request)
            return answer

        return handled


def admit(request: Request, scope: str, kind: Kind) -> Access:
    """Let a signed-in request through whose token has `scope`, for the tenant it names (its own when it names none).

    Raises:
        Problem: the token may not, or the tenant's allowance of this kind is used up.
    """
    claims: Claims = request.state.claims
    if scope not in claims.scope or any(name != claims.tenant for name in request.query_params.getlist("tenant")):
        raise Problem("forbidden", "This token may not do what was asked for.")
    context = context_of(request)
    wait = context.allowances.take(kind, claims.tenant)
    if wait is not None:
        raise Problem("too-many", f"Ask again in {wait} seconds.", headers={"Retry-After": str(wait)})
    return Access(context, claims.tenant)


def may(scope: str, kind: Kind = "reads") -> Callable[..., Awaitable[Access]]:
    """A dependency that does as `admit` does, and refuses parameters that the route does not describe."""

    async def checked(
        request: Request,
        claims: Annotated[Claims, Depends(signed_in)],
        tenant: Annotated[str | None, Query(description=TENANT, examples=["northwind-eu"])] = None,
    ) -> Access:
        del claims, tenant  # both stand in the request; they are declared for the document
        access = admit(request, scope, kind)
        _refuse_unknown(request)
        return access

    return checked


def _refuse_unknown(request: Request) -> None:
    """Raise Problem for parameters that the route's own description does not name."""
    described = request.app.openapi()["paths"][request.scope["route"].path][request.method.lower()]
    known = {one["name"] for one in described.get("parameters", ()) if one["in"] == "query"}
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        raise no_such(unknown, known)


def unauthorised(error: str | None = None) -> Problem:
    """The one answer to a missing or refused token (RFC 6750 section 3)."""
    challenge = 'Bearer realm="varai"' + (f', error="{error}"' if error else "")
    return Problem(
        "unauthorised", "Send a token of this region that is still good.", headers={"WWW-Authenticate": challenge}
    )


def _bearer(request: Request) -> str:
    headers = request.headers.getlist("authorization")
    if len(headers) != 1:
        raise unauthorised()
    kind, _, token = headers[0].partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise unauthorised()
    return token.strip()
