"""Pages of a stream go in; one compressed object goes out, first under a passing name, then under its batch's, with its manifest.

Bytes are hashed, compressed and sealed as they come: memory does not grow with the batch.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

import zstandard

from varai.kernel import BatchRef, FeedKey, Scope, Window, batch_id
from varai.landing.manifest import OBJECT, Manifest, Version, folder, incoming_key, write_manifest
from varai.privacy import create_object, move_object

LEVEL: Final = 1
"""Of zstd: the quickest; the next ones save a tenth of the space for half as much time again."""


class Lines(Protocol):
    """Some records of a stream: NDJSON, how many of its lines are vendor records, and how many lines there are."""

    @property
    def lines(self) -> bytes: ...
    @property
    def records(self) -> int: ...
    @property
    def count(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Landed:
    """An object that is written and not yet committed."""

    key: str
    feed: FeedKey
    stream: str
    window: Window
    ingested_at: datetime
    sealed: bool
    content: Version
    connector_version: str
    token: int


def land(
    scope: Scope,
    feed: FeedKey,
    stream: str,
    window: Window,
    pages: Iterable[Lines],
    *,
    sealed: bool,
    ingested_at: datetime,
    connector_version: str,
    token: int,
) -> Landed:
    """Write all pages to one object under a passing name; nothing is left of it when the pages fail.

    Raises whatever the pages raise, and DiskFull.
    """
    key = incoming_key(feed, stream, uuid.uuid4().hex, sealed=sealed)
    content = write_lines(scope, key, pages)
    return Landed(key, feed, stream, window, ingested_at, sealed, content, connector_version, token)


def write_lines(scope: Scope, key: str, pages: Iterable[Lines]) -> Version:
    """Compress (and seal, where the key says so) pages into an object; returns counts and checksum of the plaintext."""
    digest = hashlib.sha256()
    records = lines = size = 0
    compressor = zstandard.ZstdCompressor(level=LEVEL)  # without its own checksum: the manifest has one
    with create_object(scope, key) as file, compressor.stream_writer(file, closefd=False) as out:
        for page in pages:
            digest.update(page.lines)
            out.write(page.lines)
            records += page.records
            lines += page.count
            size += len(page.lines)
    return Version(records=records, lines=lines, bytes=size, sha256=digest.hexdigest())


def commit(scope: Scope, landed: Landed, *, vendor_count: int | None, query_hash: str) -> BatchRef:
    """Give a landed object its batch's name and write its manifest, in this order; the same content lands in the same place.

    Args:
        scope: the tenant's.
        landed: what `land` wrote.
        vendor_count: the vendor's exact count of records, or that of an id census.
        query_hash: of the questions asked.

    Raises DiskFull.
    """
    identity = batch_id(landed.feed, landed.stream, landed.window, landed.content.sha256)
    uri = f"{folder(landed.feed, landed.stream)}{identity}{OBJECT}{'.sealed' if landed.sealed else ''}"
    move_object(scope, landed.key, uri)
    manifest = Manifest(
        region=scope.region,
        tenant=landed.feed.tenant,
        feed=landed.feed.feed,
        stream=landed.stream,
        batch_id=identity,
        uri=uri,
        window=landed.window,
        ingested_at=landed.ingested_at,
        sealed=landed.sealed,
        content=landed.content,
        vendor_count=vendor_count,
        query_hash=query_hash,
        connector_version=landed.connector_version,
        token=landed.token,
    )
    write_manifest(scope, manifest)
    return manifest.ref
