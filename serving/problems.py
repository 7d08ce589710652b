"""Errors as RFC 9457 says: `application/problem+json`, each of a kind that is described here once and on the page /docs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pymongo.errors import PyMongoError
from starlette.exceptions import HTTPException

from varai.kernel import VaraiError

MEDIA = "application/problem+json"
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem."""

    status: int
    title: str
    meaning: str


KINDS: Mapping[str, Kind] = {
    "invalid-request": Kind(
        400, "Not a token request", "The form is not one RFC 6749 describes; `error` has its code."
    ),
    "unsupported-grant": Kind(400, "Unsupported grant", "Only `client_credentials` gives a token here."),
    "invalid-scope": Kind(400, "Unknown scope", "The form asks for a scope there is not."),
    "unauthorised": Kind(
        401, "Unauthorised", "There is no token, or it is not one of this region's that is still good."
    ),
    "invalid-client": Kind(401, "Invalid client", "Client id and secret do not belong together, or have ended."),
    "unsigned": Kind(401, "Not signed", "No secret of a connection of this name has signed the delivery."),
    "forbidden": Kind(403, "Forbidden", "The token is good, and may not do this."),
    "not-found": Kind(404, "Not found", "There is nothing under this address."),
    "not-published": Kind(404, "Nothing published yet", "The tenant's first figures are still being made."),
    "not-trained": Kind(
        404, "No model yet", "No model of this tenant serves yet; one is trained when there is enough to learn from."
    ),
    "method-not-allowed": Kind(405, "Method not allowed", "This address answers to other methods, see `Allow`."),
    "not-acceptable": Kind(406, "Not acceptable", "None of the media types in `Accept` can be given."),
    "too-large": Kind(413, "Too large", "The body is larger than this address reads."),
    "unsupported-media": Kind(415, "Unsupported media type", "The body is of another kind than this address reads."),
    "invalid": Kind(422, "Invalid parameters", "A parameter is missing or wrong; `errors` names each."),
    "too-many": Kind(
        429, "Too many requests", "The tenant's or client's allowance is used up; `Retry-After` says for how long."
    ),
    "unexpected": Kind(500, "Unexpected", "A mistake of ours. Tell us the `request_id`."),
    "no-registry": Kind(
        503, "No registry of models", "This region serves no models: it was given no registry to find them in."
    ),
    "unavailable": Kind(503, "Unavailable", "A store of ours does not answer. Ask again later."),
}
_BY_STATUS = {
    404: "not-found",
    405: "method-not-allowed",
    406: "not-acceptable",
    413: "too-large",
    415: "unsupported-media",
}


class Problem(Exception):
    """An error a client is told about. `members` stand beside the standard ones."""

    def __init__(self, kind: str, detail: str, *, headers: Mapping[str, str] | None = None, **members: Any) -> None:
        self.kind = kind
        self.detail = detail
        self.headers = dict(headers or {})
        self.members = members
        super().__init__(kind)


def render(problem: Problem, request_id: str) -> Response:
    """The answer that tells a problem."""
    kind = KINDS[problem.kind]
    body = {
        "type": f"/docs#problem-{problem.kind}",
        "title": kind.title,
        "status": kind.status,
        "detail": problem.detail,
        "request_id": request_id,
        **problem.members,
    }
    headers = {"Cache-Control": "no-store", **problem.headers}
    return Response(orjson.dumps(body), kind.status, headers, MEDIA)


def handle_problems(app: FastAPI) -> None:
    """Make every error of the app a problem."""

    def problem(request: Request, error: Exception) -> Response:
        return render(_as_problem(error), request.state.request_id)

    for kind in (Problem, RequestValidationError, HTTPException, VaraiError, PyMongoError):
        app.add_exception_handler(kind, problem)


def _as_problem(error: Exception) -> Problem:
    """The problem a client is told of; what is ours to mend is logged, and told without details."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, RequestValidationError):
        return Problem(
            "invalid", "Correct the parameters named in `errors`.", errors=[_named(one) for one in error.errors()]
        )
    if isinstance(error, HTTPException):
        kind = _BY_STATUS.get(error.status_code)
        if kind is not None:
            return Problem(kind, HTTPStatus(error.status_code).description or KINDS[kind].title, headers=error.headers)
    if isinstance(error, VaraiError):
        log.error("request.failed", kind=error.kind, what=error.what)
        return Problem("unavailable", KINDS["unavailable"].meaning, headers={"Retry-After": "5"})
    log.error("request.failed", kind=type(error).__name__)
    if isinstance(error, PyMongoError):
        return Problem("unavailable", KINDS["unavailable"].meaning, headers={"Retry-After": "5"})
    return Problem("unexpected", KINDS["unexpected"].meaning)


def _named(error: Mapping[str, Any]) -> dict[str, str]:
    """Where a parameter is wrong and why; never what was sent."""
    return {"where": ".".join(str(part) for part in error["loc"]), "what": str(error["msg"])}
