"""What every route that is not public depends on: a token of this region, of the tenant asked for, with the right scope."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query, Request
from starlette.concurrency import run_in_threadpool

from serving.auth.tokens import Claims, Refused
from serving.context import Context, context_of
from serving.problems import Problem

_LONGEST_NAME, _MOST_NAMES = 63, 10
"""What of unknown parameters is told back."""


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
    request.state.tenant = claims.tenant
    return claims


def reads(scope: str) -> Callable[..., Awaitable[Access]]:
    """A dependency that lets a request through which may read `scope` of the tenant it names (its own when it names none).

    Another tenant's name gets 403, the same whether there is such a tenant or not.
    """

    async def checked(
        request: Request,
        claims: Annotated[Claims, Depends(signed_in)],
        tenant: Annotated[
            str | None,
            Query(description="The tenant whose data are asked for; only the token's own.", examples=["northwind-eu"]),
        ] = None,
    ) -> Access:
        if scope not in claims.scope or tenant not in (None, claims.tenant):
            raise Problem("forbidden", "This token may not read what was asked for.")
        context = context_of(request)
        wait = context.allowances.read(claims.tenant)
        if wait is not None:
            raise Problem("too-many", f"Ask again in {wait} seconds.", headers={"Retry-After": str(wait)})
        _refuse_unknown(request)
        return Access(context, claims.tenant)

    return checked


def _refuse_unknown(request: Request) -> None:
    """Raise Problem for parameters that the route's own description does not name: a misspelt one would be a silent default."""
    described = request.app.openapi()["paths"][request.scope["route"].path][request.method.lower()]
    known = {one["name"] for one in described.get("parameters", ()) if one["in"] == "query"}
    unknown = [name for name in dict.fromkeys(request.query_params) if name not in known]
    if unknown:
        what = f"there is no such parameter, known: {', '.join(sorted(known))}"
        errors = [{"where": f"query.{name[:_LONGEST_NAME]}", "what": what} for name in unknown[:_MOST_NAMES]]
        raise Problem("invalid", "Correct the parameters named in `errors`.", errors=errors)


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
