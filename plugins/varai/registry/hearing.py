"""Whether a feed's webhooks are heard: what was heard of each stream, and since when changes came that no webhook had told of.

Collection `hearing`: {_id: "<tenant>/<feed>/<stream>", tenant, feed, stream, heard_at, looked, unheard, silent_since}. A feed may declare
the streams it has webhooks for, `webhooks = ["orders"]` in its settings; others are expected once they were heard.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from varai.kernel import FeedKey, Scope, Word
from varai.stores import documents

HEARING: Final = "hearing"


class Hearing(Word):
    """What is known of a stream's webhooks.

    Attributes:
        heard_at: when the last one came; None: never, but they are declared.
        looked: batch of the slice that was looked at last.
        unheard: how many slices in a row found changes that no webhook had told of.
        silent_since: when that was found to be too many.
    """

    tenant: str
    feed: str
    stream: str
    heard_at: datetime | None = None
    looked: str = ""
    unheard: int = 0
    silent_since: datetime | None = None

    @property
    def key(self) -> FeedKey:
        """The feed."""
        return FeedKey(self.tenant, self.feed)


def hearing(scope: Scope) -> list[Hearing]:
    """What is known of the streams of the region, or of the scope's tenant."""
    wanted = {"tenant": scope.tenant} if scope.tenant else {}
    found = documents(scope)[HEARING].find(wanted).sort("_id")
    return [Hearing(**{name: one.get(name) for name in Hearing.model_fields}) for one in found]


def hear(scope: Scope, key: FeedKey, stream: str, at: datetime) -> None:
    """A webhook told of a stream. Only of what its topic is about: what changes with that has topics of its own, not subscribed to."""
    new = Hearing(tenant=key.tenant, feed=key.feed, stream=stream).model_dump(exclude={"heard_at"})
    change = {"$max": {"heard_at": at}, "$setOnInsert": new}
    documents(scope)[HEARING].update_one({"_id": f"{key}/{stream}"}, change, upsert=True)


def keep_hearing(scope: Scope, value: Hearing) -> None:
    """Keep what was found by looking; when it was heard last, `hear` alone says."""
    name = f"{value.key}/{value.stream}"
    change = {"$set": value.model_dump(exclude={"heard_at"})}
    documents(scope)[HEARING].update_one({"_id": name}, change, upsert=True)


def silence(found: Iterable[Hearing]) -> Mapping[FeedKey, str]:
    """A sentence with its cure for each feed whose webhooks fell silent."""
    silent: dict[FeedKey, list[Hearing]] = {}
    for one in found:
        if one.silent_since is not None:
            silent.setdefault(one.key, []).append(one)
    return {key: _sentence(streams) for key, streams in silent.items()}


def _sentence(streams: list[Hearing]) -> str:
    names = ", ".join(one.stream for one in streams)
    heard = max((one.heard_at for one in streams if one.heard_at), default=None)
    since = f"since {heard:%Y-%m-%d %H:%M} UTC" if heard else "ever"
    return (
        f"No webhook told of {names} {since}, though the shop changed; it is polled meanwhile. Look whether the vendor still has the "
        "subscription, and make it anew."
    )
