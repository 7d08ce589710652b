"""The feed's access token, as Shopify gives it.

In: the feed's secret, {"client_id", "client_secret"} (a token lives 24 hours), the same with "refresh_token"
(rotating: each use gives a new pair and ends the old), or {"access_token"}. Out: an access token. A refresh token that a
merchant's authorisation gave (`install`) is in the store alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from varai.kernel import Malformed, Unauthorised
from varai.sources import tokens
from varai.sources.contract import Session
from varai.sources.credentials import read_secret
from varai.sources.tokens import Grant, KeptToken, grant_of
from varai.sources.transport import Http, insist

SECRET_FIELDS: Final = (
    ("client_id", "client_secret"),
    ("client_id", "client_secret", "refresh_token"),
    ("access_token",),
)
_CURE = "Reauthorise the feed with `varai feeds connect`, or with fresh credentials, then run `varai feeds check`."


class Authorisation:
    """Gives the access token of one session. Not for several threads: each read makes its own."""

    def __init__(self, session: Session, http: Http) -> None:
        self._session = session
        self._http = http
        self._secret = read_secret(session, SECRET_FIELDS)
        self._kept = KeptToken(session, self._ask)

    def token(self) -> str:
        """An access token that is still good by its date."""
        return self._secret["access_token"] if "access_token" in self._secret else self._kept.token()

    def renew(self, refused: str) -> str:
        """A token other than the one the vendor has just refused; raises Unauthorised when none can be had."""
        if "access_token" in self._secret:
            raise Unauthorised("Shopify refused the feed's access token, and it is not one that can be renewed.", _CURE)
        return self._kept.renew(refused)

    def _ask(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        form = {"client_id": self._secret["client_id"], "client_secret": self._secret["client_secret"]}
        # A new authorisation by hand (another token in the secret) goes before what was rotated to since the old.
        kept = stored.get("refresh_token") if stored.get("seed") == _seed(self._secret) else None
        refresh = kept or self._secret.get("refresh_token")
        if refresh is None:
            form["grant_type"] = "client_credentials"
        else:
            form |= {"grant_type": "refresh_token", "refresh_token": refresh}
        grant = ask_grant(self._session, self._http, form)
        return as_kept(self._session, self._secret, grant, grant.refresh_token or refresh)


def ask_grant(session: Session, http: Http, form: Mapping[str, str]) -> Grant:
    """A token from the shop's endpoint, asked for insistently. Raises Unauthorised when the credentials are refused."""
    return insist(lambda: _post(session, http, form))


def as_kept(session: Session, secret: Mapping[str, str], grant: Grant, refresh: str | None) -> dict[str, Any]:
    """A grant as the token store keeps it: with when it ends, and where it can be renewed, of which secret that is good."""
    kept = tokens.as_kept(session, grant)
    return kept if refresh is None else kept | {"refresh_token": refresh, "seed": _seed(secret)}


def _seed(secret: Mapping[str, str]) -> str | None:
    """A digest of the refresh token in a secret, which tells one authorisation by hand from the next."""
    given = secret.get("refresh_token")
    return hashlib.sha256(given.encode()).hexdigest() if given else None


def _post(session: Session, http: Http, form: Mapping[str, str]) -> Grant:
    url = f"{session.base_url}/admin/oauth/access_token"
    try:
        answer = http.send("POST", url, body=msgspec.json.encode(form), headers={"Content-Type": "application/json"})
    except Malformed as error:
        # 400 with invalid_grant: the refresh token or code was used, revoked or is too old. Asking again cannot help.
        raise Unauthorised(f"Shopify gave the feed no access token. {error.what}", _CURE) from error
    except Unauthorised as error:
        raise Unauthorised("Shopify gave the feed no access token: the credentials are refused.", _CURE) from error
    return grant_of(answer.data, "Shopify")
