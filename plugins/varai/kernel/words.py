"""The nouns of the river, frozen: who (tenant), what (feed, stream), which span (window) and which records (batch)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
"""Lower-case names of regions, tenants, feeds and streams: safe in paths, keys and URLs."""


def utc_now() -> datetime:
    """The present instant, in UTC, whole milliseconds (what MongoDB keeps)."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


class Word(BaseModel):
    """A frozen value that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Region(Word):
    """Where data lives. `dr_location` lies in the same jurisdiction."""

    name: Slug
    location: str
    dr_location: str
    regime: Literal["gdpr", "hipaa"]


class Tenant(Word):
    """The unit of isolation; belongs to exactly one region and to one organisation, who pays."""

    name: Slug
    organisation: Slug
    region: Slug
    title: str


class FeedKey(NamedTuple):
    """Names one feed inside a region."""

    tenant: str
    feed: str

    def __str__(self) -> str:
        return f"{self.tenant}/{self.feed}"


class Feed(Word):
    """One named connection of a tenant to one vendor account. `secret` is a name, never a value."""

    tenant: Slug
    name: Slug
    connector: Slug
    base_url: str
    secret: Slug
    owner: str = "commerce"
    every_minutes: int = Field(default=15, ge=1)
    fresh_minutes: int = Field(
        default=60, ge=1, description="promised: how long after a change at the vendor it is here"
    )
    overlap_s: int = Field(default=300, ge=0, description="seconds of the previous window that are read again")
    paused: bool = False
    settings: Mapping[str, Any] = Field(default_factory=dict)

    @property
    def key(self) -> FeedKey:
        """Identity inside the region."""
        return FeedKey(self.tenant, self.name)


class Window(Word):
    """A half-open span [start, end) of a stream's cursor; `start` None means from the beginning of time."""

    start: datetime | None
    end: datetime

    @model_validator(mode="after")
    def _ordered(self) -> Window:
        if self.start is not None and self.start >= self.end:
            raise ValueError(f"window start {self.start} is not before its end {self.end}")
        return self

    def reaches(self, mark: datetime | None) -> bool:
        """True when everything up to `mark` and this window leave no gap between them; None: nothing was read yet."""
        return self.start is None or (mark is not None and self.start <= mark)

    @property
    def whole(self) -> bool:
        """True when the window reaches back to the beginning: a full read."""
        return self.start is None


class BatchRef(Word):
    """A reference to the landed records of a slice; the only thing that travels between tasks."""

    region: Slug
    tenant: Slug
    feed: Slug
    stream: Slug
    batch_id: str
    window: Window
    ingested_at: datetime
    uri: str = Field(description="key of the landed object in the region's bucket")
    records: int = Field(description="vendor records (root objects) in the object")
    lines: int = Field(description="NDJSON lines, children included")
    sha256: str = Field(description="of the plaintext NDJSON")
    vendor_count: int | None = Field(description="the vendor's exact count, or that of an id census")
    token: int = Field(description="fencing token of the feed's lease")


def batch_id(feed: FeedKey, stream: str, window: Window, sha256: str) -> str:
    """Identity of a batch: the first 32 hex digits of SHA-256 over feed, stream, window and the landing's sha256."""
    start = window.start.isoformat() if window.start else "-"
    text = "\n".join([feed.tenant, feed.feed, stream, start, window.end.isoformat(), sha256])
    return hashlib.sha256(text.encode()).hexdigest()[:32]
