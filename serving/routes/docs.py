"""GET /docs: the API for people to read and try, from this package alone; it asks no other server for anything."""

from __future__ import annotations

from dataclasses import asdict
from html import escape
from importlib.resources import files

import orjson
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from serving.problems import KINDS, Problem

router = APIRouter(include_in_schema=False)
_KINDS = {"page.css": "text/css", "page.js": "text/javascript"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@router.get("/docs")
def page(request: Request) -> HTMLResponse:
    """The page, with the OpenAPI document and the kinds of problems inside."""
    document = {**request.app.openapi(), "x-problems": {name: asdict(kind) for name, kind in KINDS.items()}}
    data = orjson.dumps(document).decode().replace("<", "\\u003c")
    text = _text("page.html").replace("{{title}}", escape(request.app.title)).replace("{{document}}", data)
    return HTMLResponse(text, headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"})


@router.get("/docs/{name}")
def part(name: str) -> Response:
    """The page's style and script."""
    if name not in _KINDS:
        raise Problem("not-found", "The page has no such part.")
    return Response(_text(name), headers={"Cache-Control": "no-cache"}, media_type=_KINDS[name])


def _text(name: str) -> str:
    return files("serving").joinpath("pages", name).read_text(encoding="utf-8")
