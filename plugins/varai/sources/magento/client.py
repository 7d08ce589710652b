"""Questions to a shop's REST API: a path and its parameters in, values out, or a typed error.

One request of a reader at a time. Shops may limit the size of a page and answer a larger one with 400: it is lowered then, for all lists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http import HTTPStatus
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode

import msgspec
import urllib3

from varai.kernel import Malformed, Unauthorised
from varai.sources.clock import skew_s
from varai.sources.contract import Session
from varai.sources.decoding import decode
from varai.sources.magento.access import access_of
from varai.sources.transport import Http, insist

API: Final = "V1"
_PAGE: Final = 100
_LARGEST: Final = 300
_LIMIT: Final = re.compile(r"page ?size", re.IGNORECASE)

Shape = TypeVar("Shape")


class PageTooLarge(Exception):
    """The shop takes pages of fewer records; how many, where it says so. Not for callers beyond this package."""

    def __init__(self, most: int | None) -> None:
        super().__init__(most)
        self.most = most


class _Refusal(msgspec.Struct):
    message: str = ""
    parameters: Any = None


class Client:
    """One reader's conversation with a shop. Make it with `open_shop`; not for several threads.

    Attributes:
        access: who asks, and where.
        size: records on a full page.
        clock_skew_s: the shop's clock minus ours.
    """

    def __init__(self, session: Session, http: Http) -> None:
        self.session = session
        self.clock_skew_s = 0.0
        self.size = max(1, min(int(session.feed.settings.get("page_size", _PAGE)), _LARGEST))
        self.access = access_of(session)
        self.http = http

    def get(self, path: str, parameters: Mapping[str, str], shape: type[Shape]) -> Shape:
        """Ask for a path below V1 and decode its body as `shape`.

        Raises Throttled, Unauthorised, Gone, Unavailable, Malformed, Misconfigured; and PageTooLarge.
        """
        return insist(lambda: self._get(path, parameters, shape))

    def lower(self, most: int | None) -> bool:
        """Ask for smaller pages from now on; False where there are none."""
        before, self.size = self.size, max(1, min(most or self.size // 2, self.size - 1))
        return self.size < before

    def _get(self, path: str, parameters: Mapping[str, str], shape: type[Shape]) -> Shape:
        url = f"{self.access.base}/{API}/{path}"
        if parameters:
            # Brackets and blanks by their codes: what is signed is what is sent.
            url += "?" + urlencode(parameters, quote_via=quote)
        headers = self.access.headers(url)
        try:
            answer = self._send(url, headers)
        except Unauthorised:
            if not self.access.renew():
                raise
            answer = self._send(url, self.access.headers(url))
        self.clock_skew_s = skew_s(answer.headers, self.session.clock(), self.clock_skew_s)
        if answer.status == HTTPStatus.BAD_REQUEST:
            raise _refused(answer.data)
        body = self.http.json(answer)
        try:
            return decode(body, shape)
        except msgspec.DecodeError:
            # Not chained: the decoder's error may quote what a person wrote.
            raise Malformed(f"Magento's JSON is cut, or of another shape ({len(body)} bytes).") from None

    def _send(self, url: str, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        return self.http.send("GET", url, headers=headers, understood={HTTPStatus.BAD_REQUEST})


def _refused(body: bytes) -> Exception:
    """What a 400 means: a page that is too large ("Maximum SearchCriteria pageSize is %max"), or a question that is not understood."""
    try:
        refusal = decode(body, _Refusal)
    except msgspec.DecodeError:
        refusal = _Refusal()
    if not _LIMIT.search(refusal.message):
        return Malformed("Magento answered HTTP 400: it does not understand what was asked.")
    said = f"{refusal.message} {refusal.parameters}"
    found = re.search(r"\d+", said)
    return PageTooLarge(int(found[0]) if found else None)


@contextmanager
def open_shop(session: Session) -> Iterator[Client]:
    """A client for as long as the block lasts."""
    with closing(Http("Magento", "https://<shop>")) as http:
        yield Client(session, http)
