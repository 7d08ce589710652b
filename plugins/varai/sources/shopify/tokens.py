"""The feed's access token: kept, renewed before it ends, and written back by compare-and-swap.

In: the feed's secret, {"client_id", "client_secret"} (a token lives 24 hours), the same with "refresh_token"
(rotating: each use gives a new pair and ends the old), or {"access_token"}. Out: an access token. Who renews first
claims it in the token store, so that two processes never spend one refresh token; the other waits for the winner's.
A refresh token that a merchant's authorisation gave (`install`) is in the store alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from varai.kernel import Conflict, Malformed, Unauthorised, Unavailable, VaraiError
from varai.sources.contract import Session
from varai.sources.credentials import read_secret
from varai.sources.decoding import decode
from varai.sources.transport import Http, insist

SECRET_FIELDS: Final = (
    ("client_id", "client_secret"),
    ("client_id", "client_secret", "refresh_token"),
    ("access_token",),
)
_MARGIN = timedelta(minutes=2)
_CLAIM = timedelta(seconds=60)
_LOOK_AGAIN_S = 0.25
_LOOKS = 300
_CURE = "Reauthorise the feed with `varai feeds connect`, or with fresh credentials, then run `varai feeds check`."


class Grant(msgspec.Struct):
    """The token endpoint's answer."""

    access_token: str
    expires_in: int | None = None
    refresh_token: str | None = None
    scope: str | None = None


class Authorisation:
    """Gives the access token of one session. Not for several threads: each read makes its own."""

    def __init__(self, session: Session, http: Http) -> None:
        self._session = session
        self._http = http
        self._secret = read_secret(session, SECRET_FIELDS)
        self._held: dict[str, Any] | None = None

    def token(self) -> str:
        """An access token that is still good by its date."""
        if "access_token" in self._secret:
            return self._secret["access_token"]
        if self._held is None or not self._good(self._held):
            self._held = self._settle(refused=None)
        return str(self._held["access_token"])

    def renew(self, refused: str) -> str:
        """A token other than the one the vendor has just refused; raises Unauthorised when none can be had."""
        if "access_token" in self._secret:
            raise Unauthorised("Shopify refused the feed's access token, and it is not one that can be renewed.", _CURE)
        self._held = self._settle(refused=refused)
        return str(self._held["access_token"])

    def _settle(self, refused: str | None) -> dict[str, Any]:
        """Take the stored token if it is good and not the refused one; else claim the renewal and renew."""
        for _ in range(_LOOKS):
            stored, version = self._session.tokens.get()
            stored = stored or {}
            if self._good(stored) and stored["access_token"] != refused:
                return stored
            if self._claimed(stored):
                self._session.sleep(_LOOK_AGAIN_S)
                continue
            try:
                claim = {**stored, "claimed_until": (self._session.clock() + _CLAIM).isoformat()}
                version = self._session.tokens.swap(claim, version)
                return self._renewed(stored, version)
            except Conflict:
                continue
        raise Unavailable("Another process has been renewing the feed's token for too long.")

    def _renewed(self, stored: Mapping[str, Any], version: Any) -> dict[str, Any]:
        """Ask for a token and write it back; raises Conflict when the claim ran out and somebody else was quicker."""
        try:
            tokens = self._ask(stored)
        except VaraiError:
            kept = {key: value for key, value in stored.items() if key != "claimed_until"}
            self._session.tokens.swap(kept, version)
            raise
        self._session.tokens.swap(tokens, version)
        return tokens

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

    def _good(self, tokens: Mapping[str, Any]) -> bool:
        if "access_token" not in tokens:
            return False
        return datetime.fromisoformat(tokens["expires_at"]) - _MARGIN > self._session.clock()

    def _claimed(self, tokens: Mapping[str, Any]) -> bool:
        until = tokens.get("claimed_until")
        return until is not None and datetime.fromisoformat(until) > self._session.clock()


def ask_grant(session: Session, http: Http, form: Mapping[str, str]) -> Grant:
    """A token from the shop's endpoint, asked for insistently. Raises Unauthorised when the credentials are refused."""
    return insist(lambda: _post(session, http, form))


def as_kept(session: Session, secret: Mapping[str, str], grant: Grant, refresh: str | None) -> dict[str, Any]:
    """A grant as the token store keeps it: with when it ends, and where it can be renewed, of which secret that is good."""
    life = timedelta(seconds=grant.expires_in if grant.expires_in is not None else 86_400)
    tokens: dict[str, Any] = {"access_token": grant.access_token, "expires_at": (session.clock() + life).isoformat()}
    if refresh is not None:
        tokens |= {"refresh_token": refresh, "seed": _seed(secret)}
    return tokens


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
    try:
        return decode(answer.data, Grant)
    except msgspec.DecodeError as error:
        raise Malformed("Shopify's token endpoint answered without a token.") from error
