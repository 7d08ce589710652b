"""What the door asks of a vendor's webhooks: is a delivery genuine, and what does it tell. Pure: no I/O, nothing of any vendor.

In: headers in lower case, the raw body, the texts of the feed's secret. Out: True or False, and a `Told`. A delivery is a signal that
streams of a feed have changed; what changed is read from the vendor afterwards, by the ordinary road.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, Protocol, runtime_checkable

from varai.kernel import Feed

Headers = Mapping[str, str]
Notice = Literal["uninstalled", "data_request", "redact_customer", "redact_shop"]
"""What a delivery may tell beside a change: the app lost its access; a person asks for their data or to be forgotten; the shop left."""
TOLERANCE: Final = timedelta(minutes=5)
"""How far a signed time may be from ours, either way (Standard Webhooks, "Verifying webhook authenticity")."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a genuine delivery tells.

    Attributes:
        event: the vendor's id of the event, the same in every delivery of it.
        topic: of the vendor's own names, one we follow.
        streams: of the connector, those that changed.
        gone: the vendor says that a record was deleted; its word is not taken for it.
        sent_at: when it happened, by the vendor's clock, where the delivery says so.
        notice: what it tells beside a change.
        subject: the vendor's id of the person a notice is about.
    """

    event: str
    topic: str
    streams: tuple[str, ...] = ()
    gone: bool = False
    sent_at: datetime | None = None
    notice: Notice | None = None
    subject: str | None = None


@runtime_checkable
class Webhooks(Protocol):
    """A package under `varai.sources` whose vendor sends webhooks has a module `webhooks` that exposes one of these as WEBHOOKS."""

    @property
    def deadline_s(self) -> float:
        """How long the vendor waits for an answer."""
        ...

    @property
    def secret_keys(self) -> tuple[str, ...]:
        """Keys of the feed's secret that may have signed, the usual one first; one before it is good while it is rotated."""
        ...

    def greets(self, headers: Headers, body: bytes) -> bool:
        """Whether this is what the vendor sends to see if anybody is there: unsigned, answered, and of no effect."""
        ...

    def genuine(self, headers: Headers, body: bytes, secrets: Sequence[bytes], now: datetime) -> bool:
        """Whether one of the secrets signed this body, and lately where the time is signed too. Compares in constant time."""
        ...

    def read(self, headers: Headers, body: bytes) -> Told | None:
        """What a genuine delivery tells; None where it is of nothing we follow."""
        ...


@runtime_checkable
class OfAnApp(Protocol):
    """Webhooks of which some have one address for all shops of an app: they name their shop in what is signed."""

    def shop_told(self, body: bytes) -> str | None:
        """The shop that a body names, which nobody has checked yet; None where it names none."""
        ...

    def shop_of(self, feed: Feed, base_url: str) -> str | None:
        """A feed's shop by the same name; None where the feed does not say it."""
        ...


def signed_body(signature: str, body: bytes, secrets: Sequence[bytes]) -> bool:
    """Whether `signature` is the base64 of HMAC-SHA256 over the body under one of the secrets; each is tried, whichever fits."""
    given, fits = _unpacked(signature), False
    for secret in secrets:
        fits |= hmac.compare_digest(hmac.digest(secret, body, "sha256"), given)
    return fits


def signed_standard(headers: Headers, body: bytes, secrets: Sequence[bytes], now: datetime) -> bool:
    """Whether a delivery is signed as Standard Webhooks says: HMAC-SHA256 over id, time and body, and no older than TOLERANCE.

    Of several signatures, separated by spaces, one has to fit. https://github.com/standard-webhooks/standard-webhooks/blob/main/spec
    """
    event, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not event or not at.isascii() or not at.isdecimal() or len(at) > 12:
        return False
    if abs(now - datetime.fromtimestamp(int(at), UTC)) > TOLERANCE:
        return False
    content = b".".join((event.encode(), at.encode(), body))
    fits = False
    for one in _standard_signatures(headers.get("webhook-signature", "")):
        fits |= signed_body(one, content, secrets)
    return fits


def _standard_signatures(given: str) -> Iterator[str]:
    for one in given.split(" ")[:8]:
        version, _, signature = one.partition(",")
        if version == "v1":
            yield signature


def _unpacked(signature: str) -> bytes:
    """The bytes of a signature in base64, or none that could fit."""
    try:
        found = base64.b64decode(signature.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error, ValueError):
        return b""
    # Decoders forgive bits after the last byte; a signature has one spelling.
    return found if base64.b64encode(found).decode() == signature else b""


def event_of(headers: Headers, names: Sequence[str], body: bytes) -> str:
    """The first of these headers that is there; a delivery without any is told apart by its body."""
    for name in names:
        if headers.get(name):
            return headers[name]
    return hashlib.sha256(body).hexdigest()


def instant(text: str) -> datetime | None:
    """An ISO 8601 instant of a vendor's, in UTC; None where it is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None
