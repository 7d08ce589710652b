"""The file of a bulk operation: its address in, blocks of whole lines out, each byte once over as many connections as it takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from varai.kernel import Gone, Malformed, Unauthorised
from varai.sources.shopify.bulk import Operation
from varai.sources.shopify.client import Client
from varai.sources.shopify.lines import blocks
from varai.sources.transport import ATTEMPTS, insist

_CHUNK: Final = 1 << 18


def download(client: Client, operation: Operation) -> Iterator[bytes]:
    """The file in blocks of whole lines. A cut download begins again and passes over what was already given.

    Raises Unavailable when it stays cut, Gone when it has expired.
    """
    if operation.url is not None:
        yield from blocks(_chunks(client, operation.url))


def _chunks(client: Client, url: str) -> Iterator[bytes]:
    """The bytes of the file, each once, over as many connections as it takes."""
    if urlsplit(url).scheme != "https" and urlsplit(client.session.base_url).scheme == "https":
        raise Malformed("Shopify named a bulk file without TLS; it was not fetched.")
    given = 0
    for attempt in range(ATTEMPTS):
        answer = insist(lambda: _open(client, url))
        try:
            at = 0
            for chunk in answer.stream(_CHUNK):
                fresh = chunk[max(0, given - at) :]
                at += len(chunk)
                if fresh:
                    given += len(fresh)
                    yield fresh
            return
        except HTTPError as error:
            if attempt == ATTEMPTS - 1:
                raise client.http.broken(error) from error
        finally:
            answer.close()


def _open(client: Client, url: str) -> urllib3.BaseHTTPResponse:
    """Begin a download: no token goes with it, for the address is signed and of another origin."""
    try:
        return client.http.send("GET", url, headers={"Accept": "*/*"}, stream=True)
    except Unauthorised as error:
        raise Gone("The address of Shopify's bulk file is no longer good.") from error
