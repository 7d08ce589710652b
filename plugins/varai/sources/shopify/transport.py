"""HTTP to one shop: a client with time-outs, and the rules by which a call is made again.

In: requests. Out: answers with a status we understand, or typed errors. Redirects are never followed, so that a token
cannot leave its origin; addresses of bulk files, which are signed, and headers are never logged.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Final, TypeVar

import httpx
import stamina

from varai.kernel import Gone, Malformed, Throttled, Unauthorised, Unavailable, VaraiError

ATTEMPTS: Final = 6
LONGEST_WAIT_S: Final = 60.0
"""A Retry-After beyond this is not waited for: the run ends as throttled and the next one goes on."""

Result = TypeVar("Result")


def open_client() -> httpx.Client:
    """A client that keeps connections alive (HTTP/1.1), follows no redirect and reads no proxy secrets from files."""
    # httpx writes whole addresses at INFO, and those of bulk files carry a signature.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    return httpx.Client(
        verify=_trust(),
        timeout=httpx.Timeout(connect=10.0, read=90.0, write=30.0, pool=30.0),
        limits=httpx.Limits(max_connections=2, max_keepalive_connections=2, keepalive_expiry=60.0),
        headers={"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "varai-commerce-studio"},
        follow_redirects=False,
    )


@cache
def _trust() -> ssl.SSLContext:
    """The certificates that are trusted; reading them costs more than a small read of a shop, so it is done once."""
    return httpx.create_ssl_context()


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


def send(client: httpx.Client, request: httpx.Request, *, stream: bool = False) -> httpx.Response:
    """Send once. Raises Unavailable when no whole answer came, and what `refuse` raises for its status."""
    try:
        answer = client.send(request, stream=stream)
    except httpx.HTTPError as error:
        raise broken(error) from error
    try:
        refuse(answer)
    except VaraiError:
        answer.close()
        raise
    return answer


def broken(error: httpx.HTTPError) -> VaraiError:
    """The typed error of a broken transport; the address stays out of the sentence."""
    if isinstance(error, httpx.DecodingError):
        return Malformed("Shopify sent a body that does not decompress.")
    return Unavailable(f"The connection to Shopify broke ({type(error).__name__}).")


def refuse(answer: httpx.Response) -> None:
    """Raise the typed error of a status that is no success; a 401 is Unauthorised."""
    status = answer.status_code
    if status == httpx.codes.OK:
        return
    if status == httpx.codes.TOO_MANY_REQUESTS:
        raise Throttled("Shopify answered 429: too many requests.", retry_after_s=retry_after(answer))
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        raise Unauthorised(f"Shopify refused the feed's token (HTTP {status}).")
    if status in (httpx.codes.PAYMENT_REQUIRED, httpx.codes.NOT_FOUND, httpx.codes.GONE, httpx.codes.LOCKED):
        raise Gone(f"The shop is frozen, locked or no longer there (HTTP {status}).")
    if status >= httpx.codes.INTERNAL_SERVER_ERROR or status == httpx.codes.REQUEST_TIMEOUT:
        raise Unavailable(f"Shopify answered HTTP {status}.")
    if answer.has_redirect_location:
        raise Malformed(
            f"Shopify answered with a redirect (HTTP {status}), which is not followed: it could carry the token away.",
            "Write the shop's own address, https://<shop>.myshopify.com, into the feed's base_url.",
        )
    raise Malformed(f"Shopify answered HTTP {status}.")


def retry_after(answer: httpx.Response) -> float | None:
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
