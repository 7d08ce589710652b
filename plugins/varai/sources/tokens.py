"""A feed's access token that ends: kept, renewed before that, and written back by compare-and-swap.

In: a session's token store, and how its vendor is asked for a token. Out: an access token. Who renews first claims it in the
store, so that two processes never spend one refresh token; the other waits for the winner's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from varai.kernel import Conflict, Malformed, Unavailable, VaraiError
from varai.sources.contract import Session
from varai.sources.decoding import decode

_MARGIN: Final = timedelta(minutes=2)
_CLAIM: Final = timedelta(seconds=60)
_LOOK_AGAIN_S: Final = 0.25
_LOOKS: Final = 300
_DAY_S: Final = 86_400


class Grant(msgspec.Struct):
    """A token endpoint's answer."""

    access_token: str
    expires_in: int | None = None
    refresh_token: str | None = None
    scope: str | None = None


class KeptToken:
    """Gives the access token of one session. Not for several threads: each read makes its own.

    Args:
        session: whose token store keeps it.
        ask: what is stored in, a new token as `as_kept` makes it out; raises typed errors.
    """

    def __init__(self, session: Session, ask: Callable[[Mapping[str, Any]], dict[str, Any]]) -> None:
        self._session, self._ask = session, ask
        self._held: dict[str, Any] | None = None

    def token(self) -> str:
        """An access token that is still good by its date."""
        if self._held is None or not self._good(self._held):
            self._held = self._settle(refused=None)
        return str(self._held["access_token"])

    def renew(self, refused: str) -> str:
        """A token other than the one the vendor has just refused; raises what asking for one does."""
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

    def _good(self, tokens: Mapping[str, Any]) -> bool:
        if "access_token" not in tokens:
            return False
        return datetime.fromisoformat(tokens["expires_at"]) - _MARGIN > self._session.clock()

    def _claimed(self, tokens: Mapping[str, Any]) -> bool:
        until = tokens.get("claimed_until")
        return until is not None and datetime.fromisoformat(until) > self._session.clock()


def grant_of(body: bytes, vendor: str) -> Grant:
    """The grant in an endpoint's answer; raises Malformed where there is none, without quoting it."""
    try:
        return decode(body, Grant)
    except msgspec.DecodeError:
        # Not chained: the decoder's error may quote what it could not read.
        raise Malformed(f"{vendor}'s token endpoint answered without a token.") from None


def as_kept(session: Session, grant: Grant) -> dict[str, Any]:
    """A grant as the token store keeps it: with when it ends."""
    life = timedelta(seconds=grant.expires_in if grant.expires_in is not None else _DAY_S)
    return {"access_token": grant.access_token, "expires_at": (session.clock() + life).isoformat()}
