"""Erasure in landing: the only change a landed object ever sees. The batch keeps its id; the manifest keeps what was landed first."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from varai.kernel import BatchRef, FeedKey, Scope, utc_now
from varai.landing.land import write_lines
from varai.landing.manifest import Manifest, incoming_key, manifest_key, manifests, read_manifest, write_manifest
from varai.landing.reading import Reading
from varai.landing.subjects import Stream
from varai.privacy import Pseudonyms, move_object
from varai.privacy.erasure import Finding

_PARENT_KEY: Final = b'"__parentId"'


@dataclass(frozen=True, slots=True)
class _Page:
    lines: bytes
    records: int
    count: int


class _One:
    """A ledger that knows one subject, by pseudonym."""

    def __init__(self, scope: Scope, subject: str) -> None:
        self._pseudonyms, self._subject = Pseudonyms(scope), subject

    def contains_any(self) -> bool:
        return True

    def erased(self, feed: str, ids: Iterable[str]) -> set[str]:
        return {name for name in ids if self._pseudonyms.of(feed, name) == self._subject}


def rewrite(scope: Scope, ref: BatchRef, subject: str, spec: Stream) -> bool:
    """Write a landed batch anew without a subject (a pseudonym); False when it does not hold the subject.

    The manifest names the new content before the object is replaced, and takes it as its own afterwards: a batch can be read at any
    moment in between, and calling again ends what a crash left.

    Raises Gone when the batch was swept, Malformed when it was altered, DiskFull.
    """
    manifest = read_manifest(scope, manifest_key(ref.uri))
    reading = Reading(scope, ref, _One(scope, subject), spec)
    held = reading.holds_erased()
    if manifest is None or not (held or manifest.replacing):
        return False
    if held:
        key = incoming_key(
            FeedKey(ref.tenant, ref.feed), ref.stream, uuid.uuid4().hex, sealed=ref.uri.endswith(".sealed")
        )
        content = write_lines(scope, key, _pages(reading))
        manifest = manifest.model_copy(update={"replacing": content})
        write_manifest(scope, manifest)
        move_object(scope, key, ref.uri)
    changed = {
        "content": manifest.replacing,
        "original": manifest.original or manifest.content,
        "rewritten_at": utc_now(),
        "replacing": None,
    }
    write_manifest(scope, manifest.model_copy(update=changed))
    return held


def _pages(chunks: Iterator[bytes]) -> Iterator[_Page]:
    for chunk in chunks:
        lines = [line for line in chunk.split(b"\n") if line.strip()]
        yield _Page(chunk, sum(_PARENT_KEY not in line for line in lines), len(lines))


class LandingPlace:
    """Landing as one of the places that erasure visits, see `varai.privacy.erasure.Place`.

    Args:
        scope: the tenant's.
        spec_of: the stream's description by feed and stream; None for what is no longer configured.
    """

    name: Final = "landing"

    def __init__(self, scope: Scope, spec_of: Callable[[FeedKey, str], Stream | None]) -> None:
        self._scope, self._spec_of = scope, spec_of

    def find(self, subject: str) -> Iterator[Finding]:
        """Batches that hold the subject, with how many records."""
        for manifest, spec in self._personal():
            reading = Reading(self._scope, manifest.ref, _One(self._scope, subject), spec)
            for _ in reading:
                pass
            if reading.erased + reading.redacted:
                yield Finding(self.name, manifest.uri, reading.erased + reading.redacted)

    def erase(self, subject: str) -> None:
        """Rewrite every batch that holds the subject."""
        for manifest, spec in self._personal():
            rewrite(self._scope, manifest.ref, subject, spec)

    def _personal(self) -> Iterator[tuple[Manifest, Stream]]:
        for manifest in list(manifests(self._scope)):
            spec = self._spec_of(FeedKey(manifest.tenant, manifest.feed), manifest.stream)
            if spec is not None and spec.subject_path is not None:
                yield manifest, spec
