"""What a landed object holds: `<object without its endings>.manifest.json` beside it, written last. And the sweep of old ones.

In: the region's bucket. Out: manifests and references to batches.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from pydantic import Field

from varai.kernel import BatchRef, FeedKey, Scope, Window, Word, utc_now
from varai.stores import objects

ROOT: Final = "landing"
OBJECT: Final = ".ndjson.zst"
MANIFEST: Final = ".manifest.json"
INCOMING: Final = "incoming"
"""Folder of a stream where objects lie until their batch is known; what a killed run leaves there is swept."""
_INCOMING_DAYS: Final = 2
_STAMP: Final = "%Y%m%dT%H%M%S"


class Version(Word):
    """Counts and checksum of one content of a landed object. `bytes` and `sha256` are of the plaintext NDJSON."""

    records: int
    lines: int
    bytes: int
    sha256: str


class Manifest(Word):
    """A landed batch. `original` is what was landed, where an erasure has rewritten it since; `batch_id` never changes."""

    version: int = 1
    region: str
    tenant: str
    feed: str
    stream: str
    batch_id: str
    uri: str
    window: Window
    ingested_at: datetime
    sealed: bool
    content: Version
    original: Version | None = None
    replacing: Version | None = Field(
        default=None, description="content that is just being put in the place of `content`"
    )
    rewritten_at: datetime | None = None
    vendor_count: int | None
    query_hash: str
    connector_version: str
    token: int = Field(description="fencing token of the run that landed it")

    @property
    def ref(self) -> BatchRef:
        """The reference that travels between tasks."""
        return BatchRef(
            region=self.region,
            tenant=self.tenant,
            feed=self.feed,
            stream=self.stream,
            batch_id=self.batch_id,
            window=self.window,
            ingested_at=self.ingested_at,
            uri=self.uri,
            records=self.content.records,
            lines=self.content.lines,
            sha256=self.content.sha256,
            vendor_count=self.vendor_count,
            token=self.token,
        )


def folder(feed: FeedKey, stream: str) -> str:
    """Prefix of a stream's objects."""
    return f"{ROOT}/{feed.tenant}/{feed.feed}/{stream}/"


def manifest_key(uri: str) -> str:
    """Key of the manifest of a landed object."""
    return uri.removesuffix(".sealed").removesuffix(OBJECT) + MANIFEST


def write_manifest(scope: Scope, manifest: Manifest) -> None:
    """Write or replace a manifest. Raises DiskFull."""
    objects(scope).write(manifest_key(manifest.uri), manifest.model_dump_json(indent=1).encode() + b"\n")


def read_manifest(scope: Scope, key: str) -> Manifest | None:
    """The manifest at a key, None when there is none."""
    found = objects(scope).get(key)
    return Manifest.model_validate_json(found[0]) if found else None


def manifests(
    scope: Scope, tenant: str | None = None, feed: str | None = None, stream: str | None = None
) -> Iterator[Manifest]:
    """Manifests of the region, of a tenant, of a feed or of a stream, in the order of their keys; the scope's tenant when it has one."""
    parts = [part for part in (tenant or scope.tenant, feed, stream) if part is not None]
    for key in objects(scope).list("/".join([ROOT, *parts]) + "/"):
        if key.endswith(MANIFEST):
            manifest = read_manifest(scope, key)
            if manifest is not None and (feed in (None, manifest.feed)) and (stream in (None, manifest.stream)):
                yield manifest


def batches(scope: Scope, feed: FeedKey, stream: str) -> list[BatchRef]:
    """References to all batches of a stream that are still kept, oldest first."""
    found = manifests(scope, feed.tenant, feed.feed, stream)
    return [one.ref for one in sorted(found, key=lambda one: (one.ingested_at, one.batch_id))]


def find(scope: Scope, feed: FeedKey, stream: str, batch_id: str) -> BatchRef | None:
    """The reference to a batch, None when it was never landed here or was swept."""
    manifest = read_manifest(scope, f"{folder(feed, stream)}{batch_id}{MANIFEST}")
    return manifest.ref if manifest else None


def incoming_key(feed: FeedKey, stream: str, name: str, *, sealed: bool) -> str:
    """Where an object lies until it is committed; the key says since when."""
    stamp = utc_now().strftime(_STAMP)
    return f"{folder(feed, stream)}{INCOMING}/{stamp}-{name}{OBJECT}{'.sealed' if sealed else ''}"


def sweep(scope: Scope, *, days: int, dry_run: bool) -> list[str]:
    """Remove landed objects ingested more than `days` ago with their manifests, and what killed runs left.

    Args:
        scope: a region's or a tenant's.
        days: how long landing lives.
        dry_run: only say what would go.

    Returns keys of the objects (and of leftovers), in order. An object goes before its manifest, so that a sweep that was cut short is
    repeated.
    """
    store, now = objects(scope), utc_now()
    gone = []
    for manifest in manifests(scope):
        if manifest.ingested_at < now - timedelta(days=days):
            gone.append(manifest.uri)
            if not dry_run:
                store.delete(manifest.uri)
                store.delete(manifest_key(manifest.uri))
    for key in list(store.list(f"{ROOT}/" if scope.tenant is None else f"{ROOT}/{scope.tenant}/")):
        if _left_behind(key, now):
            gone.append(key)
            if not dry_run:
                store.delete(key)
    return sorted(gone)


_LEFT = re.compile(rf"/{INCOMING}/(\d{{8}}T\d{{6}})-")


def _left_behind(key: str, now: datetime) -> bool:
    """Whether an object was begun so long ago that no run can still be working on it."""
    found = _LEFT.search(key)
    if found is None:
        return False
    begun = datetime.strptime(found[1], _STAMP).replace(tzinfo=UTC)
    return begun < now - timedelta(days=_INCOMING_DAYS)
