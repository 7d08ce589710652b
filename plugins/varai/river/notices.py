"""What vendors tell beside changes: an app that lost its access, people who ask for their data or to be forgotten, a shop that left.

In: an event of the inbox. Out: the feed's state, or entries of the ledgers with the day by which they are due.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import pyarrow.compute as pc
import pyarrow.parquet as pq
import structlog

from varai import sources
from varai.canonical import entity as canonical_entity
from varai.kernel import Gone, Scope, Unauthorised
from varai.privacy import Ledger, Requests, audit
from varai.privacy.ledger import a_month_after
from varai.registry import (
    FeedState,
    SealedTokens,
    SliceState,
    StreamKey,
    connections,
    feed,
    inbox,
    put_feed,
    set_state,
)
from varai.registry.inbox import Event
from varai.river.context import session
from varai.river.erasure import pseudonym
from varai.settings import Settings
from varai.sources.connecting import Connecting
from varai.stores import objects

VENDORS_DAYS: Final = timedelta(days=30)
"""Shopify's: https://shopify.dev/docs/apps/build/compliance/privacy-law-compliance ; the law's month may be shorter."""
_ACTOR: Final = "webhook"
log = structlog.get_logger(__name__)


def heed(settings: Settings, scope: Scope, event: Event) -> None:
    """Do what a notice asks, or enter it where it is done in time; the same notice again changes nothing.

    Raises:
        Misconfigured: there is no such feed, or the vendor has no such ids. Throttled, Unavailable or Malformed: the vendor has to be
            asked whether it is so, and cannot be.
    """
    if event.notice == "uninstalled":
        _disconnect(settings, scope, event)
    elif event.notice == "data_request":
        subject = pseudonym(settings, scope.region, event.key, inbox.subject_of(scope, event))
        Requests(scope).add(event.id, subject, event.topic, event.received_at, due(event.received_at))
        audit.append(scope, "request.data", subject, _reason(event), actor=_ACTOR)
    elif event.notice == "redact_customer":
        subject = pseudonym(settings, scope.region, event.key, inbox.subject_of(scope, event))
        _enter(scope, event, subject)
    elif event.notice == "redact_shop":
        _forget_shop(scope, event)


def due(received_at: datetime) -> datetime:
    """When a request has to be done: within the vendor's 30 days and within the law's month, whichever ends first."""
    return min(received_at + VENDORS_DAYS, a_month_after(received_at))


def _disconnect(settings: Settings, scope: Scope, event: Event) -> None:
    """The app lost its access, if the vendor says so too: a notice may come late, and its topic is not signed.

    Tokens are forgotten and nobody asks any more; data stay until the vendor asks for their end.
    """
    found = feed(scope, event.key)
    connector = sources.connector(found.connector)
    if not isinstance(connector, Connecting):  # nobody but an operator could take such a mark off
        lost = Unauthorised(f"{event.key}: the app was taken off the shop.")
        set_state(scope, event.key, FeedState.of(lost))
        return
    try:
        connector.check(session(settings, scope, found, lambda step, count: None))
    except (Unauthorised, Gone):
        connections.disconnect(scope, event.key, event.received_at)
        SealedTokens(scope, found.name).forget()
        audit.append(scope, "feed.disconnected", str(event.key), _reason(event), actor=_ACTOR)
        log.warning("feed.disconnected", tenant=event.tenant, feed=event.feed)
        return
    log.warning("feed.still_connected", tenant=event.tenant, feed=event.feed)


def _enter(scope: Scope, event: Event, subject: str) -> None:
    Ledger(scope).add(subject, _reason(event), event.received_at, due(event.received_at))
    audit.append(scope, "erasure.asked", subject, _reason(event), actor=_ACTOR)


def _forget_shop(scope: Scope, event: Event) -> None:
    """The shop has left: nothing is read of it any more, and everybody it told of is to be forgotten."""
    found = feed(scope, event.key)
    put_feed(scope, found.model_copy(update={"paused": True}))
    people = _people(scope, event)
    for subject in people:
        Ledger(scope).add(subject, _reason(event), event.received_at, due(event.received_at))
    audit.append(scope, "erasure.asked", None, f"{_reason(event)}, {len(people)} people", actor=_ACTOR)
    log.warning("shop.left", tenant=event.tenant, feed=event.feed, people=len(people))


def _people(scope: Scope, event: Event) -> list[str]:
    """Pseudonyms of everybody whom the feed's streams of people know, or knew."""
    found: set[str] = set()
    store = objects(scope)
    for spec in sources.connector(event.connector).streams:
        hashes = SliceState(scope, StreamKey(event.tenant, event.feed, spec.name)).newest_hashes()
        if not canonical_entity(spec.primary).vaulted or not store.exists(hashes):
            continue
        with store.open(hashes) as file:
            table = pq.read_table(file, columns=["entity", "source_id"])
        found.update(table.filter(pc.equal(table["entity"], spec.primary))["source_id"].to_pylist())
    return sorted(found)


def _reason(event: Event) -> str:
    return f"{event.connector}: {event.topic}"
