"""Keys that sign a region's tokens: one to come, one in use, and earlier ones until their overlap ends.

Private keys are secrets of the region (`<region>-signing-<kid>`), made once, never changed or shared with another region,
and deleted when their key is dropped. MongoDB holds only which key has which part: `signing` {_id: region, version,
keys: [{kid, signs_from, ends_at}], dropped: [kid]}; `dropped` are keys whose secrets may not be deleted yet.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from joserfc.jwk import ECKey
from pymongo.errors import DuplicateKeyError

from varai.kernel import Conflict, Misconfigured, Scope, utc_now
from varai.privacy import audit
from varai.stores import documents

ALGORITHM = "ES256"
TOKEN_LIFE = timedelta(minutes=15)
REREAD = timedelta(seconds=30)
"""How long a process may go on with the ring it has read."""
OVERLAP = timedelta(hours=1)
_CURVE = "P-256"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key with its part: it signs from `signs_from` (None: not yet) and verifies until `ends_at` (None: no end is set)."""

    kid: str
    key: ECKey
    signs_from: datetime | None
    ends_at: datetime | None

    def verifies(self, at: datetime) -> bool:
        """Whether tokens of this key are still good."""
        return self.ends_at is None or at < self.ends_at


@dataclass(frozen=True, slots=True)
class Ring:
    """The keys of a region, newest first."""

    keys: tuple[SigningKey, ...]

    @property
    def current(self) -> SigningKey:
        """The key that signs."""
        return next(one for one in self.keys if one.signs_from is not None and one.ends_at is None)

    def verifying(self, at: datetime) -> Mapping[str, ECKey]:
        """Keys whose tokens are good at an instant, by key id: the next, the current and the previous ones."""
        return {one.kid: one.key for one in self.keys if one.verifies(at)}

    def public(self, at: datetime) -> dict[str, Any]:
        """The key set to publish (RFC 7517), without private parts."""
        keys = self.verifying(at).items()
        return {
            "keys": [{**key.as_dict(private=False), "kid": kid, "use": "sig", "alg": ALGORITHM} for kid, key in keys]
        }


def read_ring(scope: Scope) -> Ring:
    """The region's keys, made on first use.

    Raises:
        Misconfigured: a private key cannot be read, or cannot be made in this profile.
    """
    state = _state(scope)
    try:
        return _ring(scope, state["keys"])
    except Misconfigured:
        newer = _state(scope)
        if newer["version"] == state["version"]:
            raise
        return _ring(scope, newer["keys"])  # they were rotated meanwhile, and what was dropped is gone


def rotate(scope: Scope, *, actor: str = "varai", overlap: timedelta = OVERLAP, now: datetime | None = None) -> Ring:
    """Let the next key sign from now on; the current one verifies for `overlap` more; a new next key is made and published.

    Keys whose overlap has ended are dropped, and their private parts deleted. The act is audited.

    Raises:
        Misconfigured: `overlap` is shorter than tokens live, so that good tokens would be refused.
        Conflict: another process rotated at the same moment.
    """
    least = TOKEN_LIFE + REREAD
    if overlap < least:
        raise Misconfigured(f"An overlap of {overlap} is shorter than tokens live.", f"Give at least {least}.")
    at, state = now or utc_now(), _state(scope)
    kept = [one for one in state["keys"] if one["ends_at"] is None or one["ends_at"] > at]
    ended = [one["kid"] for one in state["keys"] if one not in kept]
    # Those an earlier rotation dropped are named again: it may have died before it deleted them.
    dropped = [*state.get("dropped", ()), *ended]
    keys = [_made(scope, at), *(_moved(one, at, at + overlap) for one in kept)]
    version = state["version"] + 1
    collection = documents(scope)["signing"]
    result = collection.update_one(
        {"_id": scope.region, "version": state["version"]},
        {"$set": {"keys": keys, "dropped": dropped, "version": version}},
    )
    if result.matched_count == 0:
        _forget(scope, [keys[0]["kid"]])
        raise Conflict(f"The signing keys of {scope.region} were rotated by another process.")
    audit.append(scope, "signing.rotated", keys[1]["kid"], "Signing keys were rotated.", actor=actor)
    _forget(scope, dropped)
    collection.update_one({"_id": scope.region, "version": version}, {"$set": {"dropped": []}})
    return _ring(scope, keys)


def _state(scope: Scope) -> dict[str, Any]:
    """Which keys there are; two are made when there is none."""
    collection = documents(scope)["signing"]
    found = collection.find_one({"_id": scope.region})
    if found is None:
        at = utc_now()
        keys = [_made(scope, at), {**_made(scope, at), "signs_from": at}]
        try:
            collection.insert_one({"_id": scope.region, "version": 1, "keys": keys})
        except DuplicateKeyError:  # another process was faster; its keys count, and ours sign nothing
            _forget(scope, [one["kid"] for one in keys])
        found = collection.find_one({"_id": scope.region})
    if found is None:
        raise Conflict(f"The signing keys of {scope.region} went away while they were made.")
    return found


def _made(scope: Scope, at: datetime) -> dict[str, Any]:
    """A new key that does not sign yet; its private part becomes a secret."""
    kid = f"{at:%Y%m%d}-{secrets.token_hex(6)}"
    scope.secrets.create(_secret(scope, kid), json.dumps(ECKey.generate_key(_CURVE).as_dict(private=True)))
    return {"kid": kid, "signs_from": None, "ends_at": None}


def _forget(scope: Scope, kids: Iterable[str]) -> None:
    """Delete the private parts of keys that are in no ring."""
    for kid in kids:
        scope.secrets.delete(_secret(scope, kid))


def _moved(one: dict[str, Any], at: datetime, ends: datetime) -> dict[str, Any]:
    """The part of a key after a rotation: the next one signs, the current one ends."""
    if one["signs_from"] is None:
        return {**one, "signs_from": at}
    return {**one, "ends_at": one["ends_at"] or ends}


def _ring(scope: Scope, keys: list[dict[str, Any]]) -> Ring:
    return Ring(
        tuple(SigningKey(one["kid"], _key(scope, one["kid"]), one["signs_from"], one["ends_at"]) for one in keys)
    )


def _key(scope: Scope, kid: str) -> ECKey:
    name = _secret(scope, kid)
    try:
        return ECKey.import_key(json.loads(scope.secrets.read(name)))
    except ValueError as error:
        raise Misconfigured(
            f"The secret `{name}` holds no key.", "Restore it, or rotate with `varai keys rotate`."
        ) from error


def _secret(scope: Scope, kid: str) -> str:
    return f"{scope.region}-signing-{kid}"
