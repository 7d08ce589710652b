"""Clients of the API: one per tenant, known by argon2 hashes of its secrets, never by the secrets themselves.

A client has at most two secrets: the newest, and the one before it until its overlap ends, so that a merchant can change
over without an outage. Collection: `clients` {_id: client id, tenant, secrets, created_at, rotated_at, version}.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pymongo.errors import DuplicateKeyError

from varai.kernel import Conflict, Misconfigured, Scope, Word, utc_now
from varai.privacy import audit
from varai.stores import documents

OVERLAP = timedelta(hours=24)
LONGEST_SECRET = 512
_KEPT = 2


class Client(Word):
    """Who may ask for tokens, and for which tenant."""

    client_id: str
    tenant: str
    created_at: datetime
    rotated_at: datetime


@dataclass(frozen=True, slots=True)
class Issued:
    """A fresh secret, told this once; `previous_until` is when the one before it ends, None when there was none."""

    client_id: str
    client_secret: str = field(repr=False)
    previous_until: datetime | None


def client_of(tenant: str) -> str:
    """The id of a tenant's client. The dot keeps it apart from every name of a tenant."""
    return f"{tenant}.api"


def issue_secret(
    scope: Scope, *, actor: str = "varai", overlap: timedelta = OVERLAP, now: datetime | None = None
) -> Issued:
    """Give the client of the scope's tenant a fresh secret, making the client if need be.

    The secret that was newest stays good for `overlap`; one older than it is refused from now on. The act is audited.

    Raises:
        Misconfigured: the scope names no tenant, or one this region does not have.
        Conflict: another process issued a secret at the same moment.
    """
    at = now or utc_now()
    tenant = _known_tenant(scope)
    client_id, secret = client_of(tenant), secrets.token_urlsafe(32)
    collection = documents(scope)["clients"]
    fresh = {"hash": _hasher().hash(secret), "created_at": at, "expires_at": None}
    found = collection.find_one({"_id": client_id})
    if found is None:
        made = {"tenant": tenant, "secrets": [fresh], "created_at": at, "rotated_at": at, "version": 1}
        try:
            collection.insert_one({"_id": client_id, **made})
        except DuplicateKeyError as error:
            raise Conflict(f"The client {client_id} was made by another process at this moment.") from error
        kept = []
    else:
        kept = [{**one, "expires_at": at + overlap} for one in _live(found, at)[: _KEPT - 1]]
        change = {"secrets": [fresh, *kept], "rotated_at": at, "version": found["version"] + 1}
        result = collection.update_one({"_id": client_id, "version": found["version"]}, {"$set": change})
        if result.matched_count == 0:
            raise Conflict(f"The client {client_id} was given another secret at this moment.")
    audit.append(scope, "client.secret.issued", client_id, "A client secret was asked for.", actor=actor)
    return Issued(client_id, secret, kept[0]["expires_at"] if kept else None)


def verify_client(scope: Scope, client_id: str, secret: str, *, now: datetime | None = None) -> Client | None:
    """The client these credentials belong to, or None.

    An unknown client, a wrong secret and an expired one cost the same: always as many argon2 verifications as a client
    may have secrets, over a dummy where there is none.
    """
    at = now or utc_now()
    found = documents(scope)["clients"].find_one({"_id": {"$eq": client_id}})
    hashes = [one["hash"] for one in _live(found, at)] if found else []
    padded = [*hashes, *[_dummy()] * (_KEPT - len(hashes))]
    fits = [_verified(known, secret[:LONGEST_SECRET]) for known in padded]
    if found is None or not any(fits[: len(hashes)]) or len(secret) > LONGEST_SECRET:
        return None
    return Client(
        client_id=found["_id"], tenant=found["tenant"], created_at=found["created_at"], rotated_at=found["rotated_at"]
    )


def _known_tenant(scope: Scope) -> str:
    database = documents(scope)
    if scope.tenant is None or database["tenants"].find_one({"_id": scope.tenant}) is None:
        known = ", ".join(found["_id"] for found in database["tenants"].find().sort("_id")) or "none"
        raise Misconfigured(
            f"There is no tenant '{scope.tenant}' in region '{scope.region}', known: {known}.", "Name one of these."
        )
    return scope.tenant


def _live(client: dict[str, Any], at: datetime) -> list[dict[str, Any]]:
    """Secrets that are good at an instant, newest first."""
    return [one for one in client["secrets"] if one["expires_at"] is None or one["expires_at"] > at][:_KEPT]


def _verified(known: str, secret: str) -> bool:
    try:
        return _hasher().verify(known, secret)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _hasher() -> PasswordHasher:
    # OWASP's least setting for argon2id: our secrets have 256 bits of their own, and a token must stay cheap to ask for.
    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


@cache
def _dummy() -> str:
    return _hasher().hash(secrets.token_urlsafe(32))
