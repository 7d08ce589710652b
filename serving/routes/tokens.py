"""POST /v1/auth/token and the keys that check what it gives."""

from __future__ import annotations

from typing import Any

import orjson
import structlog
from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from serving.auth.credentials import Credentials, invalid_client, read_credentials
from serving.auth.tokens import READING, SCOPES
from serving.context import Context, context_of
from serving.openapi import problems
from serving.problems import Problem
from serving.schemas import KeySet, Token
from varai.registry.accounts import verify_client

router = APIRouter(tags=["auth"])
log = structlog.get_logger(__name__)
_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["grant_type"],
                    "properties": {
                        "grant_type": {"type": "string", "enum": ["client_credentials"]},
                        "client_id": {"type": "string"},
                        "client_secret": {"type": "string", "format": "password"},
                        "scope": {"type": "string", "example": " ".join(SCOPES)},
                    },
                }
            }
        },
    },
    "security": [{"client": []}, {}],
}


_TOLD = (
    "invalid-request",
    "unsupported-grant",
    "invalid-scope",
    "invalid-client",
    "too-large",
    "unsupported-media",
    "too-many",
)


@router.post(
    "/v1/auth/token",
    summary="Exchange a client secret for a token",
    response_model=Token,
    responses=problems(*_TOLD, "invalid", "unavailable"),
    openapi_extra=_FORM,
)
async def give_token(request: Request) -> Response:
    """Exchange a client's id and secret for a token (OAuth 2.0 client credentials).

    Send the credentials by HTTP Basic, or as `client_id` and `client_secret` in the form. A token lives 15 minutes; ask
    for another when it ends. Without `scope` it may read; to write events, ask for `events:write`.
    """
    context = context_of(request)
    credentials = await read_credentials(request)
    address = request.client.host if request.client else ""
    wait = context.allowances.token(credentials.client_id, address)
    if wait is not None:
        detail = f"Ask again in {wait} seconds."
        raise Problem("too-many", detail, headers={"Retry-After": str(wait)}, error="temporarily_unavailable")
    return await run_in_threadpool(_exchange, request, context, credentials)


def _exchange(request: Request, context: Context, credentials: Credentials) -> Response:
    """The token for good credentials; raises Problem for others."""
    client = verify_client(context.scope, credentials.client_id, credentials.client_secret, now=context.clock())
    if client is None:
        context.counters.token("refused")
        raise invalid_client()
    scope = credentials.scope if credentials.scope is not None else READING
    if not scope or not scope <= frozenset(SCOPES):
        raise Problem("invalid-scope", f"There are the scopes {', '.join(SCOPES)}.", error="invalid_scope")
    token, lives = context.tokens.give(client, scope)
    request.state.tenant = client.tenant
    context.counters.token("issued")
    body = {"access_token": token, "token_type": "Bearer", "expires_in": lives, "scope": " ".join(sorted(scope))}
    headers = {"Cache-Control": "no-store", "Pragma": "no-cache"}
    return Response(orjson.dumps(body), headers=headers, media_type="application/json")


@router.get(
    "/.well-known/jwks.json",
    summary="Keys that check tokens",
    response_model=KeySet,
    responses=problems("unavailable"),
)
def key_set(request: Request) -> Response:
    """The public keys of this region (RFC 7517): what checks its tokens, and no other region's."""
    headers = {"Cache-Control": "public, max-age=300"}
    return Response(
        orjson.dumps(context_of(request).tokens.published()), headers=headers, media_type="application/json"
    )
