"""What the last comparisons of each stream found, for those who ask how far it is in sync: one small document per stream and kind.

Collection `comparisons`: {_id: "<tenant>/<feed>/<stream>/<kind>", tenant, feed, stream, kind, at, differences, sentences, oldest_at}.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

from pydantic import Field

from varai.kernel import FeedKey, Scope, Word
from varai.registry.slices import StreamKey
from varai.stores import documents

Kind = Literal["counts", "rows"]
SNAPSHOT: Final = "published"
"""What stands among the streams of a comparison for the tenant's snapshot."""
WHOLE: Final = "-"
"""What stands among the streams of a comparison for a feed that could not be compared at all."""
SAID: Final = 5
"""Sentences that are kept of a comparison."""


class Comparison(Word):
    """What was found of one stream at one instant."""

    kind: Kind
    at: datetime
    differences: int = Field(
        description="rows that differ; of counts, places that do; what could not be compared is one"
    )
    sentences: tuple[str, ...] = Field(default=(), description="the first of them, by key; people by their pseudonyms")
    oldest_at: datetime | None = Field(default=None, description="the oldest change of the vendor's that is not here")


def keep_comparison(scope: Scope, key: StreamKey, found: Comparison) -> None:
    """Keep what was found, in the place of what was found before."""
    kept = found.model_copy(update={"sentences": found.sentences[:SAID]}).model_dump()
    named = {"_id": f"{'/'.join(key)}/{found.kind}", **key._asdict()}
    documents(scope)["comparisons"].replace_one({"_id": named["_id"]}, {**named, **kept}, upsert=True)


def comparisons(scope: Scope) -> Mapping[tuple[StreamKey, Kind], Comparison]:
    """The last of each stream and kind, of the scope's tenant or of the region."""
    wanted = {"tenant": scope.tenant} if scope.tenant else {}
    found = documents(scope)["comparisons"].find(wanted)
    return {
        (StreamKey(one["tenant"], one["feed"], one["stream"]), one["kind"]): Comparison(
            **{name: one[name] for name in Comparison.model_fields}
        )
        for one in found
    }


def compared_at(scope: Scope, kind: Kind) -> Mapping[FeedKey, datetime]:
    """When each feed was compared last in this way."""
    latest: dict[FeedKey, datetime] = {}
    for (key, of), found in comparisons(scope).items():
        if of == kind:
            feed = FeedKey(key.tenant, key.feed)
            latest[feed] = max(found.at, latest.get(feed, found.at))
    return latest
