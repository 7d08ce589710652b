"""HTTP to one vendor: a client with time-outs, and the rules by which a call is made again.

In: requests. Out: answers with a status we understand, or typed errors. Redirects are never followed, so that a token
cannot leave its origin; addresses of bulk files, which are signed, and headers are never logged.
"""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Callable, Container, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cache
from http import HTTPStatus
from ipaddress import ip_address
from typing import Final, TypeVar
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import certifi
import stamina
import urllib3
from urllib3.exceptions import DecodeError, HTTPError, SSLError

from varai.kernel import Gone, Malformed, Misconfigured, Throttled, Unauthorised, Unavailable, VaraiError
from varai.sources.clock import dated

ATTEMPTS: Final = 6
LONGEST_WAIT_S: Final = 60.0
"""A Retry-After beyond this is not waited for: the run ends as throttled and the next one goes on."""
_TIMEOUT = urllib3.Timeout(connect=10.0, read=90.0)
_HEADERS: Final = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "varai-commerce-studio"}

_OF_ANOTHER_HOST: Final = frozenset({62, 64})
"""OpenSSL's codes for a name and for an IP address: https://docs.openssl.org/master/man3/X509_STORE_CTX_get_error/"""
_OF_NO_AUTHORITY: Final = frozenset({18, 19, 20, 21})

Result = TypeVar("Result")


class Http:
    """Connections to a vendor that are kept alive, through the proxy of the environment where one is set. Safe to use from several threads.

    Args:
        vendor: its name, as errors say it.
        own_address: what it should be asked by, said where it redirects elsewhere.
        named_by: what of a feed names that address.

    Attributes:
        earliest: the earliest date of all answers, by the vendor's clock; None where none had one.
    """

    def __init__(self, vendor: str, own_address: str, named_by: str = "base_url") -> None:
        self.vendor, self._own_address, self._named_by = vendor, own_address, named_by
        self.earliest: datetime | None = None
        # urllib3 writes paths at DEBUG, and those of bulk files carry a signature.
        logging.getLogger("urllib3").setLevel(logging.WARNING)
        self._noting = threading.Lock()
        self._trusted = _trust(ssl.get_default_verify_paths())
        self._direct = urllib3.PoolManager(maxsize=2, ssl_context=self._trusted)
        self._ways: dict[tuple[str, str], urllib3.PoolManager] = {}

    def send(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str],
        stream: bool = False,
        understood: Container[int] = (),
    ) -> urllib3.BaseHTTPResponse:
        """Send once; the body is read whole, or left to be read where `stream` is set. Answers of an `understood` status are given too.

        Raises Unavailable when no whole answer came, Misconfigured for an address that would carry a secret in the clear, for a certificate
        that is not trusted and for a header that cannot be sent, and what `refuse` raises for a status.
        """
        self._refuse_plain(url, headers)
        try:
            answer = self._way(url).request(
                method,
                url,
                body=body,
                headers={**_HEADERS, **headers},
                timeout=_TIMEOUT,
                retries=False,
                redirect=False,
                preload_content=not stream,
            )
        except HTTPError as error:
            raise self.broken(error) from error
        except UnicodeEncodeError:
            # Not chained: the header may be a secret, and this error quotes it.
            raise Misconfigured(
                f"A header for {self.vendor} has a letter that no header can carry.",
                "Look for other than ASCII letters in the feed's secret.",
            ) from None
        self._note_date(answer)
        if answer.status in understood:
            return answer
        try:
            self.refuse(answer)
        except VaraiError:
            answer.close()
            raise
        return answer

    def _refuse_plain(self, url: str, headers: Mapping[str, str]) -> None:
        """Without TLS a vendor is asked only where nobody listens, or what is sent is signed and holds no secret (OAuth 1.0a)."""
        parts = urlsplit(url)
        if parts.scheme != "https" and not (_near(parts.hostname or "") or _signed(headers)):
            raise Misconfigured(
                f"{self.vendor} would be asked without TLS, and who listens could read the feed's secret.",
                f"Write its own address, {self._own_address}, into the feed's {self._named_by}.",
            )

    def json(self, answer: urllib3.BaseHTTPResponse) -> bytes:
        """The body of an answer that says it is JSON; raises Malformed for one of another type: a page of the host, say."""
        kind = answer.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind != "application/json":
            raise Malformed(f"{self.vendor} answered with '{kind[:60]}' instead of JSON.")
        return answer.data

    def _note_date(self, answer: urllib3.BaseHTTPResponse) -> None:
        at = dated(answer.headers)
        if at is not None:
            with self._noting:
                self.earliest = at if self.earliest is None else min(at, self.earliest)

    def broken(self, error: HTTPError) -> VaraiError:
        """The typed error of a broken transport; the address stays out of the sentence."""
        cause = error.args[0] if error.args else None
        if isinstance(error, SSLError) and isinstance(cause, ssl.SSLCertVerificationError):
            return self._untrusted(cause)
        if isinstance(error, DecodeError):
            return Malformed(f"{self.vendor} sent a body that does not decompress.")
        return Unavailable(f"The connection to {self.vendor} broke ({type(error).__name__}).")

    def _untrusted(self, error: ssl.SSLCertVerificationError) -> VaraiError:
        """A certificate was refused, before anything was sent. It is asked for again by no retry: only a person can tell what it means."""
        if error.verify_code in _OF_ANOTHER_HOST:
            return Misconfigured(
                f"The certificate of {self.vendor}'s host is of another host than the feed's {self._named_by} names.",
                f"Write its own address, {self._own_address}, into the feed's {self._named_by}.",
            )
        if error.verify_code in _OF_NO_AUTHORITY:
            return Misconfigured(
                f"The certificate of {self.vendor}'s host is of no authority that is trusted here.",
                "If the authority is your own, let the environment's SSL_CERT_FILE name a file with its certificate.",
            )
        return Misconfigured(
            f"The certificate of {self.vendor}'s host was refused: {error.verify_message}.",
            "Let the host renew its certificate, and look at this machine's clock.",
        )

    def refuse(self, answer: urllib3.BaseHTTPResponse) -> None:
        """Raise the typed error of a status that is no success; a 401 is Unauthorised."""
        status = answer.status
        if status == HTTPStatus.OK:
            return
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            raise Throttled(f"{self.vendor} answered 429: too many requests.", retry_after_s=retry_after(answer))
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise Unauthorised(f"{self.vendor} refused the feed's token (HTTP {status}).")
        if status in (HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.LOCKED):
            raise Gone(f"The shop is frozen, locked or no longer there (HTTP {status}).")
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
            raise Unavailable(f"{self.vendor} answered HTTP {status}.")
        if answer.get_redirect_location():
            raise Malformed(
                f"{self.vendor} answered with a redirect (HTTP {status}), which is not followed: it could carry the token away.",
                f"Write its own address, {self._own_address}, into the feed's {self._named_by}.",
            )
        raise Malformed(f"{self.vendor} answered HTTP {status}.")

    def close(self) -> None:
        """End all connections."""
        for way in (self._direct, *self._ways.values()):
            way.clear()

    def _way(self, url: str) -> urllib3.PoolManager:
        """Connections to an origin. The environment is asked for a proxy once: reading it costs as much as a small answer."""
        parts = urlsplit(url)
        origin = parts.scheme, parts.netloc
        if origin not in self._ways:
            # Of two threads that look at once, the first one's serves both.
            self._ways.setdefault(origin, self._find_way(*origin))
        return self._ways[origin]

    def _find_way(self, scheme: str, host: str) -> urllib3.PoolManager:
        proxies = getproxies()
        proxy = proxies.get(scheme) or proxies.get("all")
        if proxy is None or proxy_bypass(host):
            return self._direct
        return urllib3.proxy_from_url(proxy, proxy_headers=_credentials(proxy), maxsize=2, ssl_context=self._trusted)


def _near(host: str) -> bool:
    """Whether a host is this machine, or a name without a dot: that of a service in a network of containers."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return "." not in host


def _signed(headers: Mapping[str, str]) -> bool:
    return headers.get("Authorization", "").startswith("OAuth ")


def _credentials(proxy: str) -> dict[str, str] | None:
    auth = urllib3.util.parse_url(proxy).auth
    return urllib3.make_headers(proxy_basic_auth=unquote(auth)) if auth else None


@cache
def _trust(_places: ssl.DefaultVerifyPaths) -> ssl.SSLContext:
    """Certifi's authorities and the system's, for which OpenSSL's SSL_CERT_FILE and SSL_CERT_DIR may name places of a company's own.

    Reading them takes long: it is done once for places of these names.
    """
    trusted = ssl.create_default_context(cafile=certifi.where())
    trusted.load_default_certs()
    return trusted


def insist(call: Callable[[], Result]) -> Result:
    """Make a call again while it is refused for a passing reason, with growing, jittered waits.

    The vendor's Retry-After goes before our own schedule. Raises what the last try raised: Throttled, Unavailable or
    Malformed; other errors at once.
    """
    for attempt in stamina.retry_context(
        on=_again, attempts=ATTEMPTS, timeout=None, wait_initial=0.3, wait_max=20.0, wait_jitter=0.3
    ):
        with attempt:
            return call()
    raise AssertionError("unreachable: the last attempt returns or raises")


def retry_after(answer: urllib3.BaseHTTPResponse) -> float | None:
    """Seconds of the Retry-After header, given as a number or as a date beside the answer's own Date."""
    text = answer.headers.get("retry-after")
    if text is None:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        until, now = parsedate_to_datetime(text), parsedate_to_datetime(answer.headers["date"])
    except (KeyError, ValueError):
        return None
    wait: float = (until - now).total_seconds()
    return max(0.0, wait)


def _again(error: Exception) -> bool | float:
    """Whether to try again, or the seconds after which to."""
    if isinstance(error, Throttled) and error.retry_after_s is not None:
        return error.retry_after_s if error.retry_after_s <= LONGEST_WAIT_S else False
    return isinstance(error, Throttled | Unavailable | Malformed)
