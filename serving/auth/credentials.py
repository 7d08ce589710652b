"""Reading a request for a token: RFC 6749 section 4.4 (client credentials), in HTTP Basic or in the form."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote_plus

from fastapi import Request

from serving.problems import Problem

LARGEST_FORM = 8192
_MEDIA = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who says to be which client, and what they want to read; `scope` None: all they may."""

    client_id: str
    client_secret: str = field(repr=False)
    scope: frozenset[str] | None


async def read_credentials(request: Request) -> Credentials:
    """The credentials of a token request.

    Raises:
        Problem: the form is none, repeats a parameter, names another grant, or gives no or two sets of credentials.
    """
    form = _form(await _body(request))
    if "grant_type" not in form:
        raise invalid_request("The form names no grant_type.")
    if form["grant_type"] != "client_credentials":
        raise Problem(
            "unsupported-grant", "The only grant_type here is client_credentials.", error="unsupported_grant_type"
        )
    basic = _basic(request.headers.get("authorization"))
    if basic is not None and "client_secret" in form:
        raise invalid_request("Credentials are in the header and in the form.")
    client_id, secret = basic or (form.get("client_id", ""), form.get("client_secret", ""))
    if not client_id or not secret:
        raise invalid_client()
    return Credentials(client_id, secret, frozenset(form["scope"].split()) if "scope" in form else None)


def invalid_client() -> Problem:
    """The one answer to unknown clients and wrong secrets."""
    headers = {"WWW-Authenticate": 'Basic realm="varai", charset="UTF-8"'}
    return Problem(
        "invalid-client", "These are no credentials of a client here.", headers=headers, error="invalid_client"
    )


def invalid_request(detail: str) -> Problem:
    """A request that is not one of RFC 6749."""
    return Problem("invalid-request", detail, error="invalid_request")


async def _body(request: Request) -> bytes:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _MEDIA:
        raise Problem("unsupported-media", f"Send the form as {_MEDIA}.", error="invalid_request")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM:
            raise Problem("too-large", f"A form has at most {LARGEST_FORM} bytes.", error="invalid_request")
    return bytes(body)


def _form(body: bytes) -> Mapping[str, str]:
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=16)
    except ValueError as error:
        raise invalid_request("The form cannot be read.") from error
    found = dict(pairs)
    if len(found) != len(pairs):
        raise invalid_request("A parameter is given twice.")
    return found


def _basic(header: str | None) -> tuple[str, str] | None:
    """Client id and secret of an Authorization header; None without one."""
    if header is None:
        return None
    kind, _, encoded = header.partition(" ")
    if kind.lower() != "basic":
        raise invalid_client()
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise invalid_client() from error
    client_id, separator, secret = text.partition(":")
    if not separator:
        raise invalid_client()
    return unquote_plus(client_id), unquote_plus(secret)
