"""A landed batch as chunks of whole NDJSON lines, without those who asked to be forgotten. Plaintext lives in memory only."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

import zstandard

from varai.kernel import BatchRef, Gone, Malformed, Scope
from varai.landing.land import Landed
from varai.landing.manifest import Manifest, manifest_key, read_manifest
from varai.landing.subjects import Forgotten, Redaction, Stream, records_of_erased
from varai.privacy import open_object

_BLOCK: Final = 2**18
"""Bytes that are decompressed at a time: small ones find their place in memory again, where large ones would be given anew."""


def read(scope: Scope, ref: BatchRef, ledger: Forgotten, spec: Stream) -> Reading:
    """Chunks of a batch: whole lines, about a quarter of a mebibyte each (a longer line is in a chunk whole); iterate once.

    Where the tenant's ledger is empty no line is parsed. Otherwise records of erased subjects are left out whole and counted in `erased`
    (`spec.withheld`), or the paths of `spec.redact` are null in them, counted in `redacted`.

    Raises, while it is iterated:
        Gone: the batch was swept.
        Malformed: the object was cut or altered.
    """
    return Reading(scope, ref, ledger, spec)


def read_passing(scope: Scope, landed: Landed, ledger: Forgotten, spec: Stream) -> Reading:
    """As `read`, of an object that was landed to be looked at and is not committed."""
    manifest = Manifest(
        region=scope.region,
        tenant=landed.feed.tenant,
        feed=landed.feed.feed,
        stream=landed.stream,
        batch_id="passing",
        uri=landed.key,
        window=landed.window,
        ingested_at=landed.ingested_at,
        sealed=landed.sealed,
        content=landed.content,
        vendor_count=None,
        query_hash="",
        connector_version=landed.connector_version,
        token=landed.token,
    )
    return Reading(scope, manifest.ref, ledger, spec, manifest)


class Reading(Iterator[bytes]):
    """See `read`. Final when it is exhausted: `erased`, `redacted`, `marked` (ids of records of erased subjects) and `rewritten`,
    whether an erasure has rewritten the object.
    """

    def __init__(
        self, scope: Scope, ref: BatchRef, ledger: Forgotten, spec: Stream, manifest: Manifest | None = None
    ) -> None:
        self._scope, self.ref, self._ledger, self._spec = scope, ref, ledger, spec
        self._given = manifest
        self.marked: set[str] = set()
        self.rewritten = False
        self._redaction: Redaction | None = None
        self._chunks = self._read()

    @property
    def erased(self) -> int:
        """Vendor records withheld so far."""
        return self._redaction.erased if self._redaction else 0

    @property
    def redacted(self) -> int:
        """Vendor records given without the person so far."""
        return self._redaction.redacted if self._redaction else 0

    def __next__(self) -> bytes:
        return next(self._chunks)

    def holds_erased(self) -> bool:
        """Whether any record of the batch is about an erased subject. Does not begin the iteration."""
        return bool(self._marked(self._manifest()))

    def _manifest(self) -> Manifest:
        manifest = self._given or read_manifest(self._scope, manifest_key(self.ref.uri))
        if manifest is None:
            raise Gone(
                f"Batch {self.ref.batch_id} of {self.ref.tenant}/{self.ref.feed}/{self.ref.stream} is no longer kept.",
                "Land its window again with `varai backfill`.",
            )
        return manifest

    def _read(self) -> Iterator[bytes]:
        manifest = self._manifest()
        self.marked, self.rewritten = self._marked(manifest), manifest.original is not None
        if self.marked:
            self._redaction = Redaction(self._spec, self.marked)
        for chunk in chunks_of(self._scope, manifest):
            rest = self._redaction.apply(chunk) if self._redaction else chunk
            if rest:
                yield rest

    def _marked(self, manifest: Manifest) -> set[str]:
        """Records of erased subjects; a pass of its own, since a bulk file's children may come before their record."""
        if self._spec.subject_path is None or not self._ledger.contains_any():
            return set()
        found: set[str] = set()
        for chunk in chunks_of(self._scope, manifest):
            found |= records_of_erased(chunk.splitlines(), self._spec, self.ref.feed, self._ledger)
        return found


def chunks_of(scope: Scope, manifest: Manifest) -> Iterator[bytes]:
    """The object's plaintext in chunks of whole lines. Raises Malformed when it is not what was landed, Gone when it is not there."""
    digest = hashlib.sha256()
    try:
        with open_object(scope, manifest.uri) as file:
            for chunk in _whole_lines(
                zstandard.ZstdDecompressor().read_to_iter(file, read_size=_BLOCK, write_size=_BLOCK)
            ):
                digest.update(chunk)
                yield chunk
    except zstandard.ZstdError as error:
        raise _altered(manifest) from error
    except FileNotFoundError as error:
        raise Gone(
            f"The object of batch {manifest.batch_id} is missing.", "Restore it, or land its window again."
        ) from error
    if digest.hexdigest() not in {version.sha256 for version in (manifest.content, manifest.replacing) if version}:
        raise _altered(manifest)


def _altered(manifest: Manifest) -> Malformed:
    return Malformed(
        f"The object of batch {manifest.batch_id} was cut or altered.", "Restore it, or land its window again."
    )


def _whole_lines(blocks: Iterator[bytes]) -> Iterator[bytes]:
    held: list[bytes] = []
    for block in blocks:
        end = block.rfind(b"\n") + 1
        if end:
            chunk = b"".join([*held, block[:end]])
            # Before the chunk is given away, so that nothing of it is held here while it is worked on.
            held = [block[end:]]
            yield chunk
        else:
            held.append(block)
    rest = b"".join(held)
    if rest:
        yield rest
