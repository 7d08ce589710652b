"""How far each stream has come: planned window, pending slice, last report, watermark. All under state/ in the region's bucket.

A window is written by compare-and-swap before the first request and taken over by a rerun, so that a rerun reads the same span.
Every object carries the fencing token of who wrote it; an older token never overwrites a newer one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from pydantic import Field

from varai.kernel import BatchRef, Conflict, FeedKey, Scope, Window, Word, utc_now
from varai.stores import objects

Stated = TypeVar("Stated", bound="_Stated")


class StreamKey(NamedTuple):
    """Names one stream of a feed."""

    tenant: str
    feed: str
    stream: str

    @property
    def prefix(self) -> str:
        """Where its state lies."""
        return f"state/{self.tenant}/{self.feed}/{self.stream}/"


class Counts(Word):
    """Rows of one entity in a slice; mapped = published + quarantined + unchanged + superseded."""

    mapped: int = 0
    published: int = 0
    quarantined: int = 0
    unchanged: int = 0
    superseded: int = 0
    tombstoned: int = Field(default=0, description="deletes, outside the equation")
    replayed: int = Field(default=0, description="rows outside the slice judged again because a set verdict flipped")

    @property
    def balanced(self) -> bool:
        """The entity equation of the balance law."""
        return self.mapped == self.published + self.quarantined + self.unchanged + self.superseded


class SliceReport(Word):
    """The most recent slice of a stream, counted in vendor records by the fate of their primary row."""

    tenant: str
    feed: str
    stream: str
    batch_id: str
    window: Window
    ingested_at: datetime
    vendor_count: int | None
    landed: int
    published: int = 0
    quarantined: int = 0
    unchanged: int = 0
    superseded: int = 0
    unmappable: int = 0
    erased: int = 0
    tombstoned: int = 0
    entities: Mapping[str, Counts] = Field(default_factory=dict)
    accepted: str = Field(default="", description="an operator's reason for accepting an unbalanced slice")
    settled: bool = False

    @property
    def differences(self) -> list[str]:
        """Sentences for every equation of the balance law that does not hold; empty when balanced."""
        found = []
        if self.vendor_count is not None and self.landed != self.vendor_count:
            found.append(f"the vendor counts {self.vendor_count} records, {self.landed} landed")
        fates = self.published + self.quarantined + self.unchanged + self.superseded + self.unmappable + self.erased
        if self.landed != fates:
            found.append(f"{self.landed} records landed, {fates} have a fate")
        found += [f"rows of {name} do not add up" for name, counts in self.entities.items() if not counts.balanced]
        return found

    @property
    def balanced(self) -> bool:
        """Whether the balance law holds, or an operator has accepted that it does not."""
        return not self.differences or bool(self.accepted)


class _Stated(Word):
    """What is kept in an object of state: who wrote it."""

    token: int


class Planned(_Stated):
    """A window that was planned and not yet settled."""

    window: Window
    ingested_at: datetime


class Pending(_Stated):
    """A slice that is staged: the watermark may move when the warehouse has it."""

    holder: str = Field(default="", description="who staged it: a retry of the same run takes it as it is")
    batch: BatchRef
    report: SliceReport
    staged: tuple[str, ...] = Field(
        description="keys of staged objects; all are gone once the warehouse has merged them"
    )
    hashes: str = Field(description="key of the next hashes.parquet")
    listed_at: datetime | None = Field(
        default=None, description="when its deletes were found by a listing of ids; None: they were not"
    )


class Watermark(_Stated):
    """Up to when the stream is complete."""

    watermark: datetime
    batch_id: str
    whole_at: datetime | None = Field(default=None, description="when the last settled read of everything was planned")


class Listed(_Stated):
    """When all ids of the stream were last compared with the vendor's."""

    at: datetime


class Acceptance(_Stated):
    """An operator's word that an unbalanced slice may pass."""

    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SliceState:
    """State of one stream."""

    scope: Scope
    key: StreamKey

    @property
    def hashes(self) -> str:
        """Key of the stream's hashes."""
        return f"{self.key.prefix}hashes.parquet"

    def next_hashes(self, token: int) -> str:
        """Key of the hashes that a run writes before it stages anything; they are in force once its slice is settled."""
        return f"{self.key.prefix}hashes.next-{token}.parquet"

    def attempts(self) -> list[str]:
        """Keys of next hashes that were never put in force, in order of their tokens: what runs that died may have put out."""
        found = objects(self.scope).list(f"{self.key.prefix}hashes.next-")
        return sorted((key for key in found if key.endswith(".parquet")), key=lambda key: (len(key), key))

    def plan(self, token: int, overlap: timedelta, *, incremental: bool, end: datetime | None = None) -> Planned:
        """The window to read now: one planned earlier and never settled, else from the watermark (less the overlap) to `end` or now."""
        found, version = self._read("window.json", Planned)
        if found is not None:
            return self._swap("window.json", found.model_copy(update={"token": token}), version, token, found.token)
        mark = self.watermark()
        start = mark - overlap if mark and incremental else None
        now = utc_now()
        planned = Planned(
            token=token, window=Window(start=start, end=end or now.replace(microsecond=0)), ingested_at=now
        )
        return self._swap("window.json", planned, None, token, 0)

    def plan_exactly(self, token: int, window: Window) -> Planned:
        """Plan this window (a backfill). Raises Conflict when another is planned and not settled."""
        found, version = self._read("window.json", Planned)
        if found is not None and found.window != window:
            raise Conflict(
                f"{self.key.prefix} has an unfinished window.", "Run the feed once to settle it, then backfill."
            )
        if found is not None:
            return self._swap("window.json", found.model_copy(update={"token": token}), version, token, found.token)
        return self._swap("window.json", Planned(token=token, window=window, ingested_at=utc_now()), None, token, 0)

    def watermark(self) -> datetime | None:
        """Up to when the stream is complete, or None."""
        found, _ = self._read("watermark.json", Watermark)
        return found.watermark if found else None

    def listed_at(self) -> datetime | None:
        """When all ids of the stream were last compared with the vendor's, or None."""
        found, _ = self._read("listed.json", Listed)
        return found.at if found else None

    def read_whole_at(self) -> datetime | None:
        """When the last read of everything that has settled was planned, or None."""
        found, _ = self._read("watermark.json", Watermark)
        return found.whole_at if found else None

    def report(self) -> SliceReport | None:
        """The most recent slice."""
        found = objects(self.scope).get(f"{self.key.prefix}slice.json")
        return SliceReport.model_validate_json(found[0]) if found else None

    def write_report(self, report: SliceReport) -> None:
        """Keep the report of the most recent slice."""
        objects(self.scope).write(f"{self.key.prefix}slice.json", report.model_dump_json(indent=1).encode())

    def pend(self, pending: Pending) -> None:
        """Record that a slice is staged."""
        found, version = self._read("pending.json", Pending)
        self._swap("pending.json", pending, version, pending.token, found.token if found else 0)

    def pending(self) -> Pending | None:
        """The staged slice that waits for the warehouse, if any."""
        return self._read("pending.json", Pending)[0]

    def keep_hashes(self, pending: Pending) -> None:
        """Put the slice's hashes in force; nothing happens when a run that was killed has done so."""
        store = objects(self.scope)
        if store.exists(pending.hashes):
            store.move(pending.hashes, self.hashes)

    def settle(self, pending: Pending) -> None:
        """Hashes, then the watermark, last of all. The window and the pending record go after it.

        The watermark moves only when the window joins on to it: a backfill of later days must not skip what lies between.
        """
        store = objects(self.scope)
        self.keep_hashes(pending)
        found, version = self._read("watermark.json", Watermark)
        if found is not None and found.token > pending.token:
            raise Conflict(
                f"{self.key.prefix} was settled under fencing token {found.token}, newer than {pending.token}."
            )
        if pending.batch.window.reaches(found.watermark if found else None):
            end = pending.batch.window.end
            mark = max(found.watermark, end) if found else end
            whole = [found.whole_at] if found and found.whole_at else []
            whole += [pending.batch.ingested_at] if pending.batch.window.whole else []
            value = Watermark(
                token=pending.token,
                watermark=mark,
                batch_id=pending.batch.batch_id,
                whole_at=max(whole, default=None),
            )
            self._swap("watermark.json", value, version, pending.token, found.token if found else 0)
        self.write_report(pending.report.model_copy(update={"settled": True}))
        self._keep_listed(pending)
        planned, _ = self._read("window.json", Planned)
        if planned is not None and planned.window == pending.batch.window:
            store.delete(f"{self.key.prefix}accepted.json")
            store.delete(f"{self.key.prefix}window.json")
        store.delete(f"{self.key.prefix}pending.json")
        store.delete_prefix(f"{self.key.prefix}hashes.next")

    def _keep_listed(self, pending: Pending) -> None:
        if pending.listed_at is not None:
            found, version = self._read("listed.json", Listed)
            value = Listed(token=pending.token, at=pending.listed_at)
            self._swap("listed.json", value, version, pending.token, found.token if found else 0)

    @property
    def unfinished(self) -> bool:
        """Whether a window is planned that has not been settled."""
        return self._read("window.json", Planned)[0] is not None

    def accept(self, reason: str, by: str, token: int) -> None:
        """Let the unfinished slice pass although it does not balance."""
        store = objects(self.scope)
        value = Acceptance(token=token, reason=reason, by=by, at=utc_now())
        store.write(f"{self.key.prefix}accepted.json", value.model_dump_json().encode())

    def accepted(self) -> str:
        """The operator's reason, or nothing."""
        found, _ = self._read("accepted.json", Acceptance)
        return found.reason if found else ""

    def _read(self, name: str, kind: type[Stated]) -> tuple[Stated | None, str | None]:
        found = objects(self.scope).get(f"{self.key.prefix}{name}")
        return (kind.model_validate_json(found[0]), found[1]) if found else (None, None)

    def _swap(self, name: str, value: Stated, version: str | None, token: int, seen: int) -> Stated:
        if seen > token:
            raise Conflict(f"{self.key.prefix}{name} was written under fencing token {seen}, newer than {token}.")
        objects(self.scope).swap(f"{self.key.prefix}{name}", value.model_dump_json(indent=1).encode(), version)
        return value


def slice_keys(scope: Scope, feed: FeedKey | None = None) -> Iterator[StreamKey]:
    """Streams of the region, of one tenant (the scope's) or of one feed, that have any state."""
    prefix = (
        "state/" + (f"{scope.tenant}/" if scope.tenant else "") if feed is None else f"state/{feed.tenant}/{feed.feed}/"
    )
    seen: set[StreamKey] = set()
    for key in objects(scope).list(prefix):
        parts = key.split("/")
        stream = StreamKey(*parts[1:4])
        if len(parts) == 5 and stream not in seen:
            seen.add(stream)
            yield stream
