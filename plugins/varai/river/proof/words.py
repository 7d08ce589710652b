"""What a proof says: a difference by key, a stream's, and a feed's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pydantic import Field

from varai.kernel import FeedKey, Word


class Difference(Word):
    """One row that is not in every place as it should be.

    Attributes:
        key: tenant/feed/entity/source_id; people appear by their pseudonyms.
        what: a sentence of what is wrong, place by place.
        wrong: place -> missing, extra, stale (another version), altered (not what its version says), twice or gone.
        held: every place that was looked into -> what it has of the row.
        root_id: source_id of the record that carries the row.
        batch_id: landed batch that carries it; None: none that is kept.
        changed_at: when the vendor last changed the record, where it says so.
    """

    key: str
    entity: str
    source_id: str
    what: str
    wrong: Mapping[str, str]
    held: Mapping[str, str]
    root_id: str = ""
    batch_id: str | None = None
    changed_at: datetime | None = None


class StreamProof(Word):
    """A stream, place by place.

    Attributes:
        asked: whether the vendor was read.
        as_of: what it changed before this instant must be here.
        rows: place -> rows it holds.
        buckets: how many had to be opened.
        explained: reason -> rows that differ and may: changed, quarantined, erased, mapped earlier, out of sight.
        differences: the first of them; `more` are not listed.
        failure: why it could not be compared; empty when it was.
    """

    stream: str
    asked: bool
    as_of: datetime | None = None
    rows: Mapping[str, int] = Field(default_factory=dict)
    buckets: int = 0
    explained: Mapping[str, int] = Field(default_factory=dict)
    differences: tuple[Difference, ...] = ()
    more: int = 0
    failure: str = ""

    @property
    def count(self) -> int:
        """How many differences."""
        return len(self.differences) + self.more


class FeedProof(Word):
    """A feed, stream by stream."""

    tenant: str
    feed: str
    at: datetime
    streams: tuple[StreamProof, ...]

    @property
    def key(self) -> FeedKey:
        """Whose it is."""
        return FeedKey(self.tenant, self.feed)

    @property
    def count(self) -> int:
        """Differences of all streams."""
        return sum(one.count for one in self.streams)

    @property
    def proven(self) -> bool:
        """Whether everything was compared and nothing differs."""
        return not self.count and not any(one.failure for one in self.streams)

    @property
    def sentences(self) -> list[str]:
        """A sentence per stream that could not be compared, and per difference."""
        return [
            sentence
            for one in self.streams
            for sentence in (
                *([f"{self.key}/{one.stream}: {one.failure}"] if one.failure else []),
                *(f"{found.key}: {found.what}" for found in one.differences),
                *([f"{self.key}/{one.stream}: {one.more} more rows differ"] if one.more else []),
            )
        ]
