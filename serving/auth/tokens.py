"""Tokens of a region: signed with ES256 by its current key, checked against its published keys and nothing else.

A token says who asks (`sub`), for which tenant and region, and what it may read (`scope`); it lives 15 minutes. What was
verified once is remembered until the token or its key ends.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

import pymongo
import structlog
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from pymongo.errors import PyMongoError

from varai.kernel import Scope
from varai.registry.accounts import Client
from varai.registry.signing import ALGORITHM, REREAD, TOKEN_LIFE, Ring, read_ring

SCOPES = ("catalogue:read", "events:write", "recommendations:read", "reports:read", "sync:read")
READING = frozenset(scope for scope in SCOPES if scope.endswith(":read"))
"""What a client gets that asks for nothing else."""
LONGEST = 4096
_TYPE = "at+jwt"
_REMEMBERED = 4096
_LEEWAY_S = 5  # clocks of two machines differ; only the beginning of a token's life is lenient
_PATIENCE_S = 3.0
_UNKNOWN_KEY = timedelta(seconds=5)
log = structlog.get_logger(__name__)


class Refused(Exception):
    """A token is not one of this region's that is still good. It says no more: neither log nor answer tells why."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified token says."""

    client_id: str
    tenant: str
    scope: frozenset[str]
    expires: float
    kid: str


class Tokens:
    """Gives and checks the tokens of one region."""

    def __init__(self, scope: Scope, clock: Callable[[], datetime]) -> None:
        self._scope = scope
        self._clock = clock
        self._reading = Lock()  # held while the registry is asked, so never on the event loop
        self._remembering = Lock()
        self._ring: Ring | None = None
        self._read_at: datetime | None = None
        self._known: OrderedDict[bytes, Claims] = OrderedDict()

    @property
    def issuer(self) -> str:
        """`iss`: one per region."""
        return f"urn:varai:{self._scope.region}"

    @property
    def audience(self) -> str:
        """`aud`: this region's serving."""
        return f"{self.issuer}:serving"

    def ring(self, *, at_most: timedelta = REREAD) -> Ring:
        """The region's keys, read again when the ones at hand are older than `at_most`.

        While the registry does not answer, the keys at hand go on: they hold the next key already, and each knows its end.

        Raises:
            Misconfigured, PyMongoError: the keys cannot be read and none are at hand.
        """
        with self._reading:
            now = self._clock()
            if self._ring is None or self._read_at is None or now - self._read_at >= at_most:
                try:
                    with pymongo.timeout(_PATIENCE_S):
                        self._ring = read_ring(self._scope)
                except PyMongoError:
                    if self._ring is None:
                        raise
                    log.warning("keys.kept", region=self._scope.region)
                self._read_at = now
            return self._ring

    def published(self) -> dict[str, Any]:
        """The key set of the region, public parts alone."""
        return self.ring().public(self._clock())

    def give(self, client: Client, scope: frozenset[str]) -> tuple[str, int]:
        """A token for a client, and the seconds it lives."""
        now, current = int(self._clock().timestamp()), self.ring().current
        lives = int(TOKEN_LIFE.total_seconds())
        claims = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": client.client_id,
            "client_id": client.client_id,
            "tenant": client.tenant,
            "region": self._scope.region,
            "scope": " ".join(sorted(scope)),
            "iat": now,
            "nbf": now,
            "exp": now + lives,
            "jti": secrets.token_urlsafe(16),
        }
        header = {"alg": ALGORITHM, "typ": _TYPE, "kid": current.kid}
        return jwt.encode(header, claims, current.key, algorithms=[ALGORITHM]), lives

    def recall(self, token: str) -> Claims | None:
        """What a token verified earlier says, without any input or output; None when it must be verified."""
        now, ring = self._clock(), self._ring
        if ring is None or self._read_at is None or now - self._read_at >= REREAD:
            return None
        digest = _digest(token)
        with self._remembering:
            found = self._known.get(digest)
            if found is None:
                return None
            if found.expires <= now.timestamp() or found.kid not in ring.verifying(now):
                del self._known[digest]
                return None
            self._known.move_to_end(digest)
            return found

    def verify(self, token: str) -> Claims:
        """What a token says.

        Raises:
            Refused: it is not one of this region's that is still good, whatever is wrong with it.
        """
        known = self.recall(token)
        if known is not None:
            return known
        if len(token) > LONGEST:
            raise Refused
        try:
            read = jwt.decode(token, self._key, algorithms=[ALGORITHM])
            if read.header.get("typ") != _TYPE:
                raise Refused
            self._registry().validate(read.claims)
            claims = self._claims(read)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise Refused from error
        with self._remembering:
            self._known[_digest(token)] = claims
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return claims

    def _claims(self, read: jwt.Token) -> Claims:
        claims = read.claims
        found = Claims(
            client_id=str(claims["sub"]),
            tenant=str(claims["tenant"]),
            scope=frozenset(str(claims["scope"]).split()),
            expires=float(claims["exp"]),
            kid=str(read.header["kid"]),
        )
        if found.expires <= self._clock().timestamp():  # the leeway is not for the end
            raise Refused
        return found

    def _registry(self) -> jwt.JWTClaimsRegistry:
        essential = {name: {"essential": True} for name in ("sub", "tenant", "scope", "iat", "nbf", "exp", "jti")}
        exact = {"iss": self.issuer, "aud": self.audience, "region": self._scope.region}
        wanted = essential | {name: {"essential": True, "value": value} for name, value in exact.items()}
        now = int(self._clock().timestamp())
        return jwt.JWTClaimsRegistry(now=now, leeway=_LEEWAY_S, **wanted)  # type: ignore[arg-type]  # a TypedDict, built in parts

    def _key(self, signed: Any) -> ECKey:
        """The key a token names; one we do not know may be newer than the ring at hand."""
        kid = str(signed.headers().get("kid", ""))
        now = self._clock()
        found = self.ring().verifying(now).get(kid) or self.ring(at_most=_UNKNOWN_KEY).verifying(now).get(kid)
        if found is None:
            raise Refused
        return found


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
