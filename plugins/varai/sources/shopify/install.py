"""A merchant's authorisation of the app: the address at which they agree out; their answer in, tokens into the feed's store.

The tokens are offline ones that expire and rotate; `tokens` renews them. In the feed's settings: `redirect_uri`, one of those that the
app allows, and `shop_domain` where that is not the host of `base_url`. Its secret: `client_id` and `client_secret`.
https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from varai.kernel import Conflict, Malformed, Misconfigured, Unauthorised
from varai.sources.connecting import Connected
from varai.sources.contract import Session, missing_scopes
from varai.sources.credentials import read_secret
from varai.sources.shopify.check import readable, scope_problems
from varai.sources.shopify.client import open_http
from varai.sources.shopify.domain import shop_domain
from varai.sources.shopify.streams import STREAMS
from varai.sources.shopify.tokens import as_kept, ask_grant

_APP: Final = (("client_id", "client_secret"),)
_SIGN: Final = ("client_secret", "previous_client_secret")
_EXPIRING: Final = {"expiring": "1"}
_LONGEST: Final = 4096
_FIELDS: Final = 32
_TRIES: Final = 10
_LOCAL: Final = frozenset({"localhost", "127.0.0.1"})
_AGAIN: Final = (
    "Run `varai feeds connect` without an answer, let the merchant agree at the new address, and give all of the address"
    " that they are sent to."
)


def authorise_at(session: Session, state: str, *, without: Collection[str] = ()) -> str:
    """See `varai.sources.connecting.Connecting`; asked for is what the streams need."""
    scopes = dict.fromkeys(scope for spec in STREAMS for scope in spec.needs_scopes if scope not in without)
    _domain(session)
    asked = {
        "client_id": _app(session)["client_id"],
        "scope": ",".join(scopes),
        "redirect_uri": _redirect(session),
        "state": state,
    }
    return f"{session.base_url}/admin/oauth/authorize?{urlencode(asked)}"


def connect(session: Session, answer: str, known: Callable[[str], bool]) -> Connected:
    """See `varai.sources.connecting.Connecting`. The signature is looked at first, so that nobody else's answer uses a state up."""
    secret, told = _app(session), _read(answer)
    if not _signed(told, secret):
        raise Unauthorised("The answer is not signed with the app's client secret.", _AGAIN)
    if told.get("shop", "").lower() != _domain(session):
        raise Unauthorised(f"The answer is of another shop than that of {session.feed.key}.", _AGAIN)
    if not known(told.get("state", "")):
        raise Unauthorised(
            f"{session.feed.key}: the answer is to no address that was given out, or to one that is too old.", _AGAIN
        )
    form = {"client_id": secret["client_id"], "client_secret": secret["client_secret"], "code": told.get("code", "")}
    with closing(open_http()) as http:
        grant = ask_grant(session, http, form | _EXPIRING)
    if grant.refresh_token is None or grant.expires_in is None:
        raise Malformed(
            "Shopify gave a token that does not expire, though one that does was asked for.",
            "Nothing was kept. Take the app off the shop and look at its settings in the Dev Dashboard, then connect it again.",
        )
    _keep(session, as_kept(session, secret, grant, grant.refresh_token))
    granted = tuple(sorted(readable((grant.scope or "").split(","))))
    return Connected(granted, tuple(scope_problems(missing_scopes(STREAMS, granted))))


def _app(session: Session) -> dict[str, str]:
    secret = read_secret(session, _APP)
    if "access_token" in secret:
        raise Misconfigured(
            f"The secret `{session.feed.secret}` of feed {session.feed.key} holds an access token, which would go before those of the app.",
            "Take the access_token out of the secret, then connect the feed.",
        )
    return secret


def _domain(session: Session) -> str:
    found = shop_domain(session.feed, session.base_url)
    if found is None:
        raise Misconfigured(
            f"Feed {session.feed.key} does not say which shop of Shopify's it is of.",
            "Write `shop_domain`, <shop>.myshopify.com, into the feed's settings.",
        )
    return found


def _redirect(session: Session) -> str:
    given = str(session.feed.settings.get("redirect_uri") or "")
    parts = urlsplit(given)
    if not parts.hostname or (parts.scheme != "https" and parts.hostname not in _LOCAL):
        raise Misconfigured(
            f"Feed {session.feed.key} does not say where Shopify sends the merchant's answer.",
            "Write `redirect_uri`, one of the https addresses that the app allows, into the feed's settings.",
        )
    return given


def _read(answer: str) -> dict[str, str]:
    """The query of an answer, each name once. Raises Unauthorised for what is none; it is not quoted, for it holds a code."""
    text = answer.strip()
    query = text.partition("?")[2].partition("#")[0] if "?" in text else text
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True, max_num_fields=_FIELDS, errors="strict")
    except ValueError:
        pairs = []
    found = dict(pairs)
    if not found or len(found) != len(pairs) or len(text) > _LONGEST:
        raise Unauthorised("This is no address that Shopify sends a merchant back to.", _AGAIN)
    return found


def _signed(told: Mapping[str, str], secret: Mapping[str, str]) -> bool:
    """Whether `hmac` is the HMAC-SHA256 in hex over the rest of the query, sorted, under the app's secret or the one before it."""
    rest = urlencode(sorted((name, text) for name, text in told.items() if name != "hmac")).encode()
    given, fits = told.get("hmac", "").encode(), False
    for name in _SIGN:
        if secret.get(name):
            fits |= hmac.compare_digest(hmac.digest(secret[name].encode(), rest, "sha256").hex().encode(), given)
    return fits


def _keep(session: Session, tokens: Mapping[str, Any]) -> None:
    """Put these in the place of whatever is kept: who was renewing what was there takes these."""
    for _ in range(_TRIES):
        try:
            session.tokens.swap(tokens, session.tokens.get()[1])
            return
        except Conflict:
            continue
    raise Conflict(f"The tokens of {session.feed.key} are written by others all the time.")
