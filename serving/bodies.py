"""Bodies of requests, read no farther than they may be long."""

from __future__ import annotations

from fastapi import Request

from serving.answers import JSON
from serving.problems import Problem

LARGEST = 512 * 1024


async def read_json(request: Request, largest: int = LARGEST) -> bytes:
    """The bytes of a body that says it is JSON; whether it is one is for the caller to find out.

    Raises:
        Problem: it is of another kind, or longer than `largest` bytes.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise Problem("unsupported-media", f"Send the body as {JSON}.")
    return await read_body(request, largest)


async def read_body(request: Request, largest: int) -> bytes:
    """The bytes of a body, of whatever kind. Raises Problem when it is longer than `largest` bytes."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > largest:
            raise Problem("too-large", f"A body has at most {largest:,} bytes; send it in parts.")
    return bytes(body)
