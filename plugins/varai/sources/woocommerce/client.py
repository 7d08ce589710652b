"""Questions to a shop's REST API: a path and its parameters in, the records of a page and the count of all out, or a typed error.

The `Link` header is never followed, for it may name another host: pages are asked for by number. Shops stand on slow and shared hosts,
which say no rate: all that read one share one or two requests at a time, the next of which are asked for while what came is looked into.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Final, NoReturn, TypeVar
from urllib.parse import urlencode

import msgspec
from urllib3 import BaseHTTPResponse

from varai.kernel import Gone, Malformed, Window
from varai.sources.ahead import Ahead, Pages
from varai.sources.clock import skew_s
from varai.sources.contract import Session
from varai.sources.credentials import read_secret
from varai.sources.decoding import decode, told
from varai.sources.lanes import Lanes, lanes_of
from varai.sources.proof import Listed, Record
from varai.sources.transport import Http, insist
from varai.sources.woocommerce.signing import authorisation

API: Final = "wc/v3"
SECRET_FIELDS: Final = (("consumer_key", "consumer_secret"),)
LARGEST_PAGE: Final = 100
"""More is answered with 400."""

_NUMBER: Final = re.compile("[0-9]+")
Shape = TypeVar("Shape")
Parameters = Mapping[str, str]
Headers = Mapping[str, str]


class NoRoute(Gone):
    """The shop answers, and has nothing by that path: its WooCommerce is older, or the path is a plugin's."""


class _Refusal(msgspec.Struct):
    code: str = ""


class Head(msgspec.Struct):
    """What is read of every record."""

    id: int
    date_modified_gmt: str | None = None


class Client:
    """One reader's conversation with a shop. Make it with `open_shop`; not for several threads but its own.

    Attributes:
        clock_skew_s: the shop's clock minus ours, seconds, by its last answer.
        ahead: asks what is asked for with `begin`.
    """

    def __init__(self, session: Session, http: Http, lanes: Lanes, ahead: Ahead) -> None:
        secret = read_secret(session, SECRET_FIELDS)
        self.session = session
        self.clock_skew_s = 0.0
        self._key, self._secret = secret["consumer_key"], secret["consumer_secret"]
        self.http, self.ahead, self._lanes = http, ahead, lanes

    def now(self) -> datetime:
        """The present instant, by the shop's clock or by ours, whichever is ahead."""
        return self.session.clock() + timedelta(seconds=max(0.0, self.clock_skew_s))

    def get(self, path: str, parameters: Parameters, shape: type[Shape]) -> tuple[Shape, Headers]:
        """Ask for `/wp-json/<path>` and decode its body as `shape`; with it come the headers.

        Raises Throttled, Unauthorised, NoRoute, Gone, Unavailable, Malformed, Misconfigured.
        """
        return insist(lambda: self._get(path, parameters, shape))

    def begin(self, path: str, parameters: Parameters, shape: type[Shape]) -> Callable[[], tuple[Shape, Headers]]:
        """Ask as `get` does, meanwhile; what is returned gives the answer or raises the error, once."""
        begun = self.ahead.begin(lambda: self._get(path, parameters, shape))
        return lambda: insist(begun)

    def _get(self, path: str, parameters: Parameters, shape: type[Shape]) -> tuple[Shape, Headers]:
        url = f"{self.session.base_url}/wp-json/{path}"
        if parameters:
            url += "?" + urlencode(parameters)
        signed = {"Authorization": authorisation(url, self._key, self._secret)}
        with self._lanes.turn(f"{_NUMBER.sub('', path)} {parameters.get('_fields', '')}"):
            answer = self.http.send("GET", url, headers=signed, understood=(HTTPStatus.NOT_FOUND,))
        headers = {name.lower(): value for name, value in answer.headers.items()}
        if answer.status != HTTPStatus.OK:
            self._refuse(answer, path)
        self.clock_skew_s = skew_s(headers, self.session.clock(), self.clock_skew_s)
        body = self.http.json(answer)
        try:
            return decode(body, shape), headers
        except msgspec.DecodeError:
            # Not chained: the decoder's error may quote what a person wrote.
            raise Malformed(f"WooCommerce's JSON is cut, or of another shape ({len(body)} bytes).") from None

    def _refuse(self, answer: BaseHTTPResponse, path: str) -> NoReturn:
        """Tell a 404 of WordPress, which has no such route, from one of its host."""
        try:
            code = decode(answer.data, _Refusal).code
        except msgspec.DecodeError:
            code = ""
        if code == "rest_no_route":
            raise NoRoute(f"The shop has no route /wp-json/{path}.")
        raise Gone(f"The shop is no longer there (HTTP {answer.status}).")


class Numbered:
    """A list of the shop by numbered pages, sorted by id: its own order by date loses rows whose dates are equal.

    Args:
        client: asks.
        path: below `wc/v3/`.
        filter: what restricts the list.
        head: what is read of its records.
    """

    def __init__(self, client: Client, path: str, filter: Parameters, head: type[Head] = Head) -> None:
        self._client, self._path, self._filter, self._head = client, path, filter, head
        self.size = min(int(client.session.feed.settings.get("page_size", LARGEST_PAGE)), LARGEST_PAGE)
        self._pages = Pages(client.ahead, self._begin, lambda listed: -(-listed.total // self.size))

    def begin(self) -> None:
        """Ask for the first page ahead."""
        self._pages.begin()

    def page(self, number: int) -> Listed:
        """See `varai.sources.proof.Numbered`."""
        return self._pages.take(number)

    def _begin(self, number: int) -> Callable[[], Listed]:
        asked = {**self._filter, "orderby": "id", "order": "asc", "per_page": str(self.size), "page": str(number)}
        take = self._client.begin(f"{API}/{self._path}", asked, list[msgspec.Raw])

        def listed() -> Listed:
            nodes, headers = take()
            return Listed([record_of(node, self._head) for node in nodes], total_of(headers))

        return listed

    def still_listed(self, ids: list[int]) -> set[int]:
        """See `varai.sources.proof.Numbered`."""
        found = set[int]()
        for start in range(0, len(ids), self.size):
            some = ",".join(map(str, ids[start : start + self.size]))
            asked = {**self._filter, "include": some, "per_page": str(self.size), "_fields": "id"}
            nodes, _ = self._client.get(f"{API}/{self._path}", asked, list[msgspec.Raw])
            found |= {record_of(node).id for node in nodes}
        return found

    def count(self) -> int:
        """How many records it has now."""
        _, headers = self._client.get(
            f"{API}/{self._path}", {**self._filter, "per_page": "1", "_fields": "id"}, list[Any]
        )
        return total_of(headers)


def each(client: Client, parents: Iterable[int], path: str) -> Iterator[tuple[int, Numbered]]:
    """The lists of what hangs on records, by a path with a place for the record's id; the next ones are begun ahead."""
    lists = ((parent, Numbered(client, path.format(parent), {})) for parent in parents)
    return client.ahead.over(lists, lambda one: one[1].begin())


def record_of(node: msgspec.Raw, shape: type[Head] = Head) -> Record:
    """A record with its id and version; raises Malformed for what has none."""
    try:
        head = told(node, shape)
    except msgspec.DecodeError:
        raise Malformed("WooCommerce's list holds something that has no id.") from None
    return Record(head.id, head.date_modified_gmt or "", node, head)


def total_of(headers: Headers) -> int:
    """How many records the whole list has; raises Malformed where the shop does not say."""
    text = headers.get("x-wp-total", "")
    if not text.isdecimal():
        raise Malformed(
            "WooCommerce's answer lacks its count, the header X-WP-Total, without which nothing proves that all came.",
            "Let the shop's host or its cache pass the headers X-WP-Total and X-WP-TotalPages.",
        )
    return int(text)


def changed_in(window: Window) -> dict[str, str]:
    """The window as parameters, for records by their last change."""
    return _bounds(window, "modified_after", "modified_before")


def created_in(window: Window) -> dict[str, str]:
    """The window as parameters, for records that are never changed."""
    return _bounds(window, "after", "before")


def _bounds(window: Window, after: str, before: str) -> dict[str, str]:
    """The shop keeps whole seconds and leaves out both bounds, so the lower one lies a second before the window."""
    found = {before: _instant(window.end), "dates_are_gmt": "true"}
    if window.start is not None:
        found[after] = _instant(window.start - timedelta(seconds=1))
    return found


def _instant(at: datetime) -> str:
    """UTC without a zone: with one, and `dates_are_gmt`, the shop shifts the instant by its own zone."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


@contextmanager
def open_shop(session: Session) -> Iterator[Client]:
    """A client for as long as the block lasts. Raises Misconfigured."""
    lanes = lanes_of(session.feed, session.base_url)
    with closing(Http("WooCommerce", "https://<shop>")) as http, closing(Ahead(lanes.most)) as ahead:
        yield Client(session, http, lanes, ahead)
