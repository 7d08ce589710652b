"""Connect a feed: the address at which its merchant agrees out; what they were sent back with in, tokens kept and the act audited."""

from __future__ import annotations

from collections.abc import Collection

from varai import sources
from varai.kernel import Feed, FeedKey, Misconfigured, utc_now
from varai.privacy import audit
from varai.registry import connections, feed
from varai.registry.states import reconnected
from varai.river.context import opened
from varai.settings import Settings
from varai.sources.connecting import Connected, Connecting


def authorise_at(settings: Settings, region: str, key: FeedKey, *, without: Collection[str] = ()) -> str:
    """An address for the feed's merchant, good once and for an hour. Nothing of the feed changes.

    Raises:
        Misconfigured: no such feed, its vendor has no such page, or the feed or its secret lacks what it needs.
    """
    scope = settings.scope(region, key.tenant)
    found = feed(scope, key)
    connector = _connecting(found)
    asking = opened(settings, scope, found, lambda step, count: None)
    return connector.authorise_at(asking, connections.ask(scope, key, utc_now()), without=without)


def connect_feed(settings: Settings, region: str, key: FeedKey, answer: str, *, actor: str) -> Connected:
    """Take the merchant's answer, the whole address or its query; from now on the feed is read with the tokens it gave.

    The next run reads on from where the last one was, and lists ids where deletes are not told: no webhook may have come meanwhile.

    Raises:
        Unauthorised: the answer is not the vendor's to this feed, too old or used; nothing has changed. Misconfigured: as above.
    """
    scope = settings.scope(region, key.tenant)
    found = feed(scope, key)
    connector, now = _connecting(found), utc_now()
    asking = opened(settings, scope, found, lambda step, count: None)
    given = connector.connect(asking, answer, lambda state: connections.answered(scope, key, state, now))
    connections.connect(scope, key, utc_now())
    reconnected(scope, key)
    audit.append(scope, "feed.connected", str(key), "The merchant authorised the app.", actor=actor)
    return given


def _connecting(found: Feed) -> Connecting:
    connector = sources.connector(found.connector)
    if not isinstance(connector, Connecting):
        raise Misconfigured(
            f"{found.key}: {found.connector} has no page at which a merchant lets us in.",
            f"Write what the merchant was given by it into the secret `{found.secret}`, then run `varai feeds check`.",
        )
    return connector
