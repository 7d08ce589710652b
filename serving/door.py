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
from varai.kernel import Feed, FeedKey, Misconfigured, Scope, Slug
from varai.registry import inbox
from varai.registry.feeds import feeds, find_feed
from varai.sources.webhooks import OfAnApp, Told, Webhooks

REMEMBERED_S: Final = 60.0
_NOBODY: Final = "webhooks-of-nobody"
"""Named like a secret; there is none of that name."""
_NO_FEED: Final = FeedKey("-", "-")
"""No feed can have this name."""
_OF_AN_APP: Final = frozenset({"data_request", "redact_customer", "redact_shop"})
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
        address: a feed's base URL. Raises Misconfigured where that cannot be told.
    """

    scope: Scope
    tenant_scope: Callable[[str], Scope]
    clock: Callable[[], datetime]
    address: Callable[[Feed], str]
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

    async def take_of_app(self, vendor: str, headers: Mapping[str, str], body: bytes) -> str:
        """Take a request about a person or a shop that came to the address of an app, for each feed of this region that reads that shop.

        Returns its fate, as `take` does; other topics are ignored here, for what is signed in them names no shop.

        Raises:
            NotSigned: no secret of a feed of that shop has signed it, or there is none in this region.
            TimeoutError, PyMongoError, Unavailable: as above.
        """
        webhooks = self.vendors[vendor]
        async with asyncio.timeout(webhooks.deadline_s - _ANSWERING_S):
            keys = await run_in_threadpool(self._signed_for, vendor, webhooks, headers, body)
            if not keys:
                raise NotSigned
            told = webhooks.read(headers, body)
            if told is None or told.notice not in _OF_AN_APP:
                return "ignored"
            return "kept" if any([await self._keep(vendor, key, told) for key in keys]) else "duplicate"

    def _signed_for(self, vendor: str, webhooks: Webhooks, headers: Mapping[str, str], body: bytes) -> list[FeedKey]:
        """Feeds of the shop that a body names whose secret has signed it. Where there is no such feed, one is looked at that is none."""
        if not isinstance(webhooks, OfAnApp):
            return []
        with pymongo.timeout(webhooks.deadline_s - _ANSWERING_S):
            shop = webhooks.shop_told(body)
            known = [(one, webhooks.shop_of(one, self._address(one))) for one in feeds(self.scope, vendor)]
            named: dict[FeedKey, Feed | None] = {
                one.key: one for one, name in known if shop is not None and name == shop
            }
            found: list[FeedKey] = []
            for key, one in (named or {_NO_FEED: None}).items():
                texts = self._filled(webhooks, self._texts(vendor, webhooks, key, one))
                if webhooks.genuine(headers, body, texts, self.clock()):
                    found.append(key)
        return found

    def _address(self, feed: Feed) -> str:
        try:
            return self.address(feed)
        except Misconfigured:
            return ""

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
        found = find_feed(self.scope, key) if _named(key) else None
        return self._texts(vendor, webhooks, key, found)

    def _texts(self, vendor: str, webhooks: Webhooks, key: FeedKey, found: Feed | None) -> tuple[bytes, ...]:
        """The same, of a feed that was looked up."""
        self._kept.pop((vendor, key), None)
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
