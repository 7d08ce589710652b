"""The nouns of published marts: a mart as built, and what a manifest says of one as published."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from varai.canonical import DataClass
from varai.kernel import Word

PREFIX = "published/"


class Mart(Word):
    """A table built for publication: where it is, what identifies its rows, and the highest data class of its columns."""

    name: str
    schema_name: str
    key: tuple[str, ...]
    data_class: DataClass


class PublishedMart(Word):
    """One file of a snapshot."""

    key: str
    rows: int
    bytes: int
    sha256: str
    fingerprint: str


class Manifest(Word):
    """published/{tenant}/current.json: names all files of a tenant's snapshot; swapped whole.

    Attributes:
        as_of: when the contents were first seen as they are.
        data_class: the highest class of any column; the files stay in the region's bucket above `internal`.
        history_from: the earliest sale the tenant's marts know, by feed.
        facts: what the caller added, such as counts withheld.
        previous: earlier snapshots that are kept for readers, newest first.
    """

    tenant: str
    snapshot_id: str
    as_of: datetime
    data_class: DataClass
    history_from: Mapping[str, datetime]
    marts: Mapping[str, PublishedMart]
    facts: Mapping[str, Any]
    previous: tuple[str, ...]


class FeedCoverage(Word):
    """How far a feed's sales are known.

    Attributes:
        complete_until: the watermark of its orders, UTC, as it was before the marts were built; None: never read.
        timezone: IANA zone of the shop's business dates; None: not known.
    """

    complete_until: datetime | None
    timezone: str | None


class Coverage(Word):
    """published/{tenant}/coverage.json: how far the figures of a snapshot are complete, feed by feed.

    It stands beside the manifest because watermarks move with every run: in it, they would make a new snapshot of equal contents.
    """

    snapshot_id: str
    feeds: Mapping[str, FeedCoverage]


def manifest_key(tenant: str) -> str:
    """Key of a tenant's manifest."""
    return f"{PREFIX}{tenant}/current.json"


def coverage_key(tenant: str) -> str:
    """Key of what is said of a tenant's coverage."""
    return f"{PREFIX}{tenant}/coverage.json"


def mart_key(tenant: str, snapshot_id: str, mart: str) -> str:
    """Key of a mart's file in a snapshot."""
    return f"{PREFIX}{tenant}/{snapshot_id}/{mart}.parquet"
