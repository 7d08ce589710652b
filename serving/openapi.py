"""The OpenAPI document: what FastAPI knows, with our problems instead of its own errors, and how to sign in."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from serving.problems import KINDS, MEDIA
from serving.schemas import EventBatch, ProblemDocument

PROBLEM = {"$ref": "#/components/schemas/ProblemDocument"}
GUARDED = ("unauthorised", "forbidden", "not-acceptable", "invalid", "too-many", "unavailable")
"""Kinds of problems every route that takes a token may tell."""
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "The client has this version already."}}
_SCHEMES = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A token of this region, from /v1/auth/token.",
    },
    "client": {"type": "http", "scheme": "basic", "description": "Client id and secret."},
}


def problems(*names: str) -> dict[int | str, dict[str, Any]]:
    """Responses of a route that tells problems of these kinds."""
    titles: dict[int, list[str]] = {}
    for kind in (KINDS[name] for name in names):
        titles.setdefault(kind.status, []).append(kind.title)
    return {
        status: {"description": "; ".join(said), "content": {MEDIA: {"schema": PROBLEM}}}
        for status, said in titles.items()
    }


def describe(app: FastAPI, region: str, guarded: frozenset[str]) -> None:
    """Give an app its document; routes whose operation ids are `guarded` take a token."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            components = made.setdefault("components", {})
            components.setdefault("schemas", {}).update(_schemas(ProblemDocument) | _schemas(EventBatch))
            components["securitySchemes"] = _SCHEMES
            for path in made["paths"].values():
                for operation in path.values():
                    if operation["operationId"] in guarded:
                        operation["security"] = [{"token": []}]
            made["x-region"] = region
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # FastAPI's own way to extend the document


def _schemas(shape: type[BaseModel]) -> dict[str, Any]:
    """A shape that FastAPI does not meet by itself, with those inside it."""
    schema = shape.model_json_schema(ref_template="#/components/schemas/{model}")
    inner: dict[str, Any] = schema.pop("$defs", {})
    return {**inner, shape.__name__: schema}
