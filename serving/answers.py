"""Answers as JSON or CSV, with ETags; what a client has already is not sent again."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import orjson
from fastapi import Request
from fastapi.responses import Response

from serving.problems import Problem

JSON, CSV = "application/json", "text/csv"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - spreadsheets read the wide ones too


def etag(*parts: object) -> str:
    """A strong ETag over what an answer is made from."""
    return f'"{hashlib.sha256(orjson.dumps(parts, default=str)).hexdigest()[:32]}"'


def unchanged(request: Request, tag: str) -> Response | None:
    """304 when the client has this version (RFC 9110 section 13.1.2), else None."""
    known = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    return Response(status_code=304, headers=_cached(tag)) if tag in known or "*" in known else None


def as_json(content: object, tag: str) -> Response:
    """A JSON answer, to be asked for again with its ETag."""
    return Response(orjson.dumps(content), headers=_cached(tag), media_type=JSON)


def as_csv(names: Sequence[str], rows: Iterable[Mapping[str, Any]], tag: str, headers: Mapping[str, str]) -> Response:
    """A CSV answer (RFC 4180) with a header line."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([cell(name) for name in names])
    for row in rows:
        writer.writerow([cell(row[name]) for name in names])
    return Response(text.getvalue(), headers={**_cached(tag), **headers}, media_type=CSV)


def cell(value: str | int | Decimal | None) -> str:
    """A cell as a spreadsheet may read it: numbers as they are, and text that never starts a formula."""
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def chosen(request: Request, offered: Sequence[str]) -> str:
    """The media type to answer with (RFC 9110 section 12.5.1): the first offered one of those the client likes best.

    Raises:
        Problem: it accepts none of them (406).
    """
    accepted = request.headers.get("accept", "*/*") or "*/*"
    if accepted in ("*/*", offered[0]):  # what nearly all clients send
        return offered[0]
    liked = {media: _liking(accepted, media) for media in offered}
    best = max(liked.values())
    if best <= 0:
        raise Problem("not-acceptable", f"This address gives {' or '.join(offered)}.")
    return next(media for media in offered if liked[media] == best)


def _liking(accepted: str, media: str) -> float:
    """How much a client likes a media type: the weight of the most specific range that fits, 0 to 1."""
    found: tuple[int, float] = (-1, 0.0)
    for part in accepted.split(","):
        name, *parameters = (one.strip().lower() for one in part.split(";"))
        ranges = ("*/*", f"{media.partition('/')[0]}/*", media)
        if name in ranges:
            found = max(found, (ranges.index(name), _weight(parameters)))
    return found[1]


def _weight(parameters: Sequence[str]) -> float:
    for one in parameters:
        name, _, value = one.partition("=")
        if name.strip() == "q":
            try:
                return min(1.0, max(0.0, float(value)))
            except ValueError:
                return 0.0
    return 1.0


def _cached(tag: str) -> dict[str, str]:
    return {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Accept, Authorization"}
