"""Where webhooks come in: a delivery in, one durable event in the inbox out, or a refusal that tells nothing.

A delivery is checked on its raw body, by the vendor's own scheme, with the secrets of the feed it names. Secrets are remembered for a
minute; a refusal always rests on a fresh look, so that a rotated secret is good at once and who is refused cannot tell by the time
whether there is such a feed: of one that is not there the same is asked.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial
from typing import Final

import msgspec
import pymongo
import structlog
from pydantic import TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool

from serving.intake import Intake
from varai import sources
from varai.kernel import FeedKey, Misconfigured, Scope, Slug
from varai.registry import inbox
from varai.registry.feeds import find_feed
from varai.sources.webhooks import Told, Webhooks

REMEMBERED_S: Final = 60.0
_NOBODY: Final = "webhooks-of-nobody"
"""Named like a secret; there is none of that name."""
_ANSWERING_S: Final = 1.0
"""Of the time a vendor waits, what is left for the answer."""
_INSERT_S: Final = 4.0
_LARGE: Final = 128 * 1024
"""Beyond it a body is checked in a thread, so that others need not wait."""
_NAME: Final[TypeAdapter[str]] = TypeAdapter(Slug)
log = structlog.get_logger(__name__)


class NotSigned(Exception):
    """No secret of such a feed has signed this. It says no more."""


@dataclass(frozen=True, slots=True)
class _Remembered:
    secrets: tuple[bytes, ...]
    until: float


@dataclass
class Door:
    """The webhooks of one region.

    Attributes:
        scope: of the region.
        tenant_scope: makes the scope of a tenant.
        clock: the present instant.
    """

    scope: Scope
    tenant_scope: Callable[[str], Scope]
    clock: Callable[[], datetime]
    vendors: Mapping[str, Webhooks] = field(
        default_factory=lambda: {name: sources.webhooks(name) for name in sources.webhook_vendors()}
    )
    _kept: dict[tuple[str, FeedKey], _Remembered] = field(default_factory=dict, repr=False)
    _stand_in: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    async def take(self, vendor: str, key: FeedKey, headers: Mapping[str, str], body: bytes) -> str:
        """Take a delivery; returns its fate: `kept`, `duplicate`, `ignored` (of nothing we follow) or `greeted`.

        Raises:
            NotSigned: no secret of such a feed of this vendor has signed it.
            TimeoutError, PyMongoError, Unavailable: it was not kept within the vendor's patience; the vendor sends it again.
        """
        webhooks = self.vendors[vendor]
        if webhooks.greets(headers, body):
            return "greeted"
        async with asyncio.timeout(webhooks.deadline_s - _ANSWERING_S):
            genuine = partial(self._genuine, vendor, webhooks, key, headers, body)
            fits = await run_in_threadpool(genuine) if len(body) > _LARGE else genuine()
            if not fits and not await run_in_threadpool(self._genuine_now, vendor, webhooks, key, headers, body):
                raise NotSigned
            told = webhooks.read(headers, body)
            if told is None:
                return "ignored"
            return "kept" if await self._keep(vendor, key, told) else "duplicate"

    def _genuine(self, vendor: str, webhooks: Webhooks, key: FeedKey, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether a secret that is remembered has signed it."""
        kept = self._kept.get((vendor, key))
        known = kept.secrets if kept is not None and kept.until > time.monotonic() else ()
        return webhooks.genuine(headers, body, self._filled(webhooks, known), self.clock())

    def _genuine_now(
        self, vendor: str, webhooks: Webhooks, key: FeedKey, headers: Mapping[str, str], body: bytes
    ) -> bool:
        """Whether a secret has signed it that is looked up."""
        with pymongo.timeout(webhooks.deadline_s - _ANSWERING_S):
            fresh = self._look_up(vendor, webhooks, key)
        return webhooks.genuine(headers, body, self._filled(webhooks, fresh), self.clock())

    def _filled(self, webhooks: Webhooks, known: tuple[bytes, ...]) -> tuple[bytes, ...]:
        """As many secrets as a feed may have, those that lack made up: with none of them is anything ever signed."""
        return known + (self._stand_in,) * (len(webhooks.secret_keys) - len(known))

    def _look_up(self, vendor: str, webhooks: Webhooks, key: FeedKey) -> tuple[bytes, ...]:
        """The texts of the feed's secret that may have signed; none where there is no such feed, no secret, or another vendor's."""
        self._kept.pop((vendor, key), None)
        found = find_feed(self.scope, key) if _named(key) else None
        fits = found is not None and found.connector == vendor
        try:
            text = self.scope.secrets.read(found.secret if found is not None and fits else _NOBODY)
            held = msgspec.json.decode(text, type=dict[str, str])
        except Misconfigured as error:
            if fits:
                log.error("webhooks.no_secret", tenant=key.tenant, feed=key.feed, what=error.what)
            return ()
        except msgspec.DecodeError:  # not chained: its text may quote the secret
            log.error("webhooks.no_secret", tenant=key.tenant, feed=key.feed, what="The secret is not JSON.")
            return ()
        texts = tuple(held[name].encode() for name in webhooks.secret_keys if held.get(name))
        if texts:
            self._kept[vendor, key] = _Remembered(texts, time.monotonic() + REMEMBERED_S)
        return texts

    async def _keep(self, vendor: str, key: FeedKey, told: Told) -> bool:
        now = self.clock()
        event = inbox.Event(
            id=inbox.event_id(key, told.event),
            tenant=key.tenant,
            feed=key.feed,
            connector=vendor,
            topic=told.topic,
            streams=told.streams,
            gone=told.gone,
            notice=told.notice,
            sent_at=told.sent_at,
            received_at=now,
            try_at=now,
        )
        scope = self.tenant_scope(key.tenant)
        if told.subject is None:
            return await self._intake.keep(inbox.document(scope, event))
        return await self._intake.keep(await run_in_threadpool(inbox.document, scope, event, told.subject))

    @cached_property
    def _intake(self) -> Intake:
        return Intake(self._insert)

    def _insert(self, made: Sequence[Mapping[str, object]]) -> Sequence[bool]:
        with pymongo.timeout(_INSERT_S):
            return inbox.put(self.scope, made)


def _named(key: FeedKey) -> bool:
    """Whether these can be names: nothing else is looked up."""
    try:
        return all(_NAME.validate_python(part) for part in key)
    except ValidationError:
        return False
