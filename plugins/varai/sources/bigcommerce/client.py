"""Questions to a store's REST APIs: a path and its parameters in, values out, or a typed error.

The quota of requests is the store's and all its apps share it: every answer says how many are left and when it is filled again
(https://docs.bigcommerce.com/developer/docs/overview/api-fundamentals/rate-limits), and the last ones are left to others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http import HTTPStatus
from typing import Final, TypeVar
from urllib.parse import urlencode

import msgspec
import urllib3

from varai.kernel import Malformed, Throttled
from varai.sources.clock import skew_s
from varai.sources.contract import Session
from varai.sources.credentials import read_secret
from varai.sources.decoding import decode
from varai.sources.transport import LONGEST_WAIT_S, Http, insist

SECRET_FIELDS: Final = (("access_token",),)
LARGEST_PAGE: Final = 250
_PAGE: Final = 100
_LEFT_TO_OTHERS: Final = 5
_UNDERSTOOD: Final = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.TOO_MANY_REQUESTS})

Shape = TypeVar("Shape")


class Client:
    """One reader's conversation with a store. Make it with `open_store`; not for several threads.

    Attributes:
        size: records on a page.
        clock_skew_s: the store's clock minus ours.
        quota: requests that all apps may make in a window, and the window's seconds; None where no answer said so.
    """

    def __init__(self, session: Session, http: Http) -> None:
        self.session = session
        self.clock_skew_s = 0.0
        self.quota: tuple[int, float] | None = None
        self.size = max(1, min(int(session.feed.settings.get("page_size", _PAGE)), LARGEST_PAGE))
        self._token = read_secret(session, SECRET_FIELDS)["access_token"]
        self.http = http
        self._wait_s = 0.0

    def get(self, path: str, parameters: Mapping[str, str], shape: type[Shape]) -> Shape | None:
        """Ask for a path below the store and decode its body as `shape`; None: no content, as V2 says of an empty list.

        Raises Throttled, Unauthorised, Gone, Unavailable, Malformed, Misconfigured.
        """
        return insist(lambda: self._get(path, parameters, shape))

    def _get(self, path: str, parameters: Mapping[str, str], shape: type[Shape]) -> Shape | None:
        if self._wait_s:
            self.session.sleep(self._wait_s)
        url = f"{self.session.base_url}/{path}"
        if parameters:
            url += "?" + urlencode(parameters)
        answer = self.http.send("GET", url, headers={"X-Auth-Token": self._token}, understood=_UNDERSTOOD)
        self.clock_skew_s = skew_s(answer.headers, self.session.clock(), self.clock_skew_s)
        reset_s = self._note_quota(answer)
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            # Whoever asks again waits as long as this says. Without headers it is the platform that is busy, and says not how long.
            self._wait_s = 0.0
            raise Throttled("BigCommerce answered 429: too many requests.", retry_after_s=reset_s)
        if answer.status == HTTPStatus.NO_CONTENT:
            return None
        body = self.http.json(answer)
        try:
            return decode(body, shape)
        except msgspec.DecodeError:
            # Not chained: the decoder's error may quote what a person wrote.
            raise Malformed(f"BigCommerce's JSON is cut, or of another shape ({len(body)} bytes).") from None

    def _note_quota(self, answer: urllib3.BaseHTTPResponse) -> float | None:
        """Seconds until the quota is filled again, where the answer says so; waited for before the next request when little is left."""
        left, quota, reset, window = (
            _number(answer.headers.get(f"x-rate-limit-{name}", ""))
            for name in ("requests-left", "requests-quota", "time-reset-ms", "time-window-ms")
        )
        if quota is not None and window is not None:
            self.quota = (quota, window / 1000)
        reset_s = None if reset is None else reset / 1000
        few = left is not None and left < min(_LEFT_TO_OTHERS, quota or _LEFT_TO_OTHERS)
        self._wait_s = reset_s if few and reset_s is not None and reset_s <= LONGEST_WAIT_S else 0.0
        return reset_s


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


@contextmanager
def open_store(session: Session) -> Iterator[Client]:
    """A client for as long as the block lasts."""
    with closing(Http("BigCommerce", "https://api.bigcommerce.com/stores/<store hash>")) as http:
        yield Client(session, http)
