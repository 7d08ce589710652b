"""Questions to the Admin API: a document with variables in, the bytes of its data out, or a typed error.

Here live the rules that hold for every question: the token and its one renewal, the retries of one HTTP call, the cost
bucket, THROTTLED inside HTTP 200, and the alarm when another API version answers than the one asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import GenericAlias
from typing import Any, Final, Generic, TypeVar, cast

import msgspec
import urllib3

from varai.kernel import Malformed, Throttled, Unauthorised, Unavailable
from varai.sources.clock import skew_s
from varai.sources.contract import Session
from varai.sources.decoding import decode
from varai.sources.shopify.pace import Cost, pace_of
from varai.sources.shopify.queries import API_VERSION
from varai.sources.shopify.tokens import Authorisation
from varai.sources.transport import Http, insist

LONGEST_THROTTLE_S: Final = 600.0
"""How long one question may be held up by THROTTLED answers before the run ends as throttled."""

Data = TypeVar("Data")
_encode = msgspec.json.Encoder().encode


class TooDear(Malformed):
    """The query costs more points than a single one may; ask for a smaller page."""


class _Error(msgspec.Struct):
    message: str = ""
    extensions: dict[str, Any] | None = None

    @property
    def code(self) -> str:
        return str((self.extensions or {}).get("code", ""))


class _Extensions(msgspec.Struct):
    cost: Cost | None = None


class _Envelope(msgspec.Struct, Generic[Data]):
    """A GraphQL answer."""

    data: Data | None = None
    errors: list[_Error] | str | None = None
    extensions: _Extensions | None = None


class _OtherShape(Exception):
    """The data are not what the document's type says; asking again cannot help."""


@dataclass(frozen=True, slots=True)
class _Answer(Generic[Data]):
    envelope: _Envelope[Data]
    size: int


class Client:
    """One reader's conversation with a shop. Make it with `open_shop`; not for several threads."""

    def __init__(self, session: Session, http: Http) -> None:
        self.session = session
        self.http = http
        self.pace = pace_of(session.feed.key, session.base_url)
        self.clock_skew_s = 0.0
        self.api_version = ""
        self._authorisation = Authorisation(session, http)
        self._url = f"{session.base_url}/admin/api/{API_VERSION}/graphql.json"

    def ask(self, document: str, variables: Mapping[str, Any], type: type[Data]) -> Data:
        """Ask and decode the data as `type`.

        Raises:
            TooDear: the page is too large for one query.
            Throttled, Unauthorised, Gone, Unavailable, Malformed: as the vendor's answer says.
        """
        return self.ask_sized(document, variables, type)[0]

    def ask_sized(self, document: str, variables: Mapping[str, Any], type: type[Data]) -> tuple[Data, int]:
        """As `ask`; with the data, how many bytes the whole answer had."""
        body = _encode({"query": document, "variables": variables})
        throttled = 0.0
        while True:
            answer = self._paced(document, body, type)
            envelope = answer.envelope
            if not _throttled(envelope):
                return _data(envelope), answer.size
            wait = self.pace.wait_throttled(document)
            throttled += wait
            if throttled > LONGEST_THROTTLE_S:
                raise Throttled("Shopify kept the feed throttled; other apps may be using the shop's whole rate.")
            self.session.sleep(wait)

    def _paced(self, document: str, body: bytes, type: type[Data]) -> _Answer[Data]:
        """An answer, asked for when the bucket should hold its cost."""
        with self.pace.turn(document) as wait:
            if wait:
                self.session.sleep(wait)
            try:
                answer = insist(lambda: self._call(body, type))
            except _OtherShape as error:
                raise Malformed(f"Shopify's answer has another shape than its schema promises ({error}).") from error
            self._watch_version()
            extensions = answer.envelope.extensions
            self.pace.learn(document, extensions.cost if extensions else None)
            return answer

    def _call(self, body: bytes, type: type[Data]) -> _Answer[Data]:
        """One HTTP call; on 401 the token is renewed once and the call made once more."""
        token = self._authorisation.token()
        try:
            answer = self._post(body, token)
        except Unauthorised:
            answer = self._post(body, self._authorisation.renew(token))
        envelope = _decode(self.http.json(answer), type)
        if any(error.code == "INTERNAL_SERVER_ERROR" for error in _errors(envelope)):
            raise Unavailable("Shopify answered INTERNAL_SERVER_ERROR.")
        return _Answer(envelope, len(answer.data))

    def _post(self, body: bytes, token: str) -> urllib3.BaseHTTPResponse:
        headers = {"Content-Type": "application/json", "X-Shopify-Access-Token": token}
        answer = self.http.send("POST", self._url, body=body, headers=headers)
        self._look_at(answer.headers)
        return answer

    def _look_at(self, headers: Mapping[str, str]) -> None:
        """Note the vendor's clock and version."""
        self.clock_skew_s = skew_s(headers, self.session.clock(), self.clock_skew_s)
        self.api_version = headers.get("x-shopify-api-version", "")

    def _watch_version(self) -> None:
        """Raise Malformed when another version answered: fields may be missing or mean something else."""
        if self.api_version != API_VERSION:
            raise Malformed(
                f"Shopify answered as version '{self.api_version or 'unknown'}', but {API_VERSION} was asked for.",
                "Shopify no longer serves the version asked for: upgrade VARAi, whose connector names the version.",
            )


@contextmanager
def open_shop(session: Session) -> Iterator[Client]:
    """A client for as long as the block lasts."""
    with closing(open_http()) as http:
        yield Client(session, http)


def open_http() -> Http:
    """Connections to a shop, to be closed by the caller."""
    return Http("Shopify", "https://<shop>.myshopify.com")


def instant(at: datetime) -> str:
    """An instant as Shopify's search writes it: UTC, whole seconds (floored, so that windows still meet)."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _envelope_of(data: type[Data]) -> type[_Envelope[Data]]:
    return cast("type[_Envelope[Data]]", GenericAlias(_Envelope, (data,)))


def _decode(body: bytes, type: type[Data]) -> _Envelope[Data]:
    """The answer, its data as `type`. Raises Malformed for what is no JSON, _OtherShape for other data without an error."""
    try:
        try:
            return decode(body, _envelope_of(type))
        except msgspec.ValidationError as error:
            # Where there is an error, data may lack what the schema promises.
            refused = decode(body, _envelope_of(msgspec.Raw))
            if not refused.errors:
                raise _OtherShape(str(error)) from error
            return _Envelope(None, refused.errors, refused.extensions)
    except msgspec.DecodeError as error:
        raise Malformed(f"Shopify's JSON is cut or broken ({len(body)} bytes).") from error


def _errors(envelope: _Envelope[Any]) -> list[_Error]:
    if isinstance(envelope.errors, str):
        return [_Error(envelope.errors)]
    return envelope.errors or []


def _throttled(envelope: _Envelope[Any]) -> bool:
    return any(error.code == "THROTTLED" for error in _errors(envelope))


def _data(envelope: _Envelope[Data]) -> Data:
    """The data of an answer without errors; raises the typed error of the first one otherwise."""
    for error in _errors(envelope):
        if error.code == "ACCESS_DENIED":
            raise Unauthorised(
                f"Shopify denied access: {error.message[:200]}",
                "Grant the app the scope it names, then run `varai feeds check`.",
            )
        if error.code == "MAX_COST_EXCEEDED":
            raise TooDear("A query asks for more points than a single one may cost.")
        raise Malformed(f"Shopify refused a query ({error.code or 'no code'}): {error.message[:200]}")
    if envelope.data is None:
        raise Malformed("Shopify answered without data and without an error.")
    return envelope.data
