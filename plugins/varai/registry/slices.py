"""How far each stream has come: planned window, pending slice, last report, watermark. All under state/ in the region's bucket.

A window is written by compare-and-swap before the first request and taken over by a rerun, so that a rerun reads the same span.
Every object carries the fencing token of who wrote it; an older token never overwrites a newer one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from pydantic import Field

from varai.kernel import BatchRef, Conflict, Scope, Window, Word, utc_now
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


class _Stated(Word):
    """What is kept in an object of state: who wrote it."""

    token: int


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


class Changes(Word):
    """When the vendor made the changes that a slice brought: so many rows, half of them since `p50_at`, 95 of 100 since `p95_at`."""

    rows: int
    p50_at: datetime
    p95_at: datetime
    oldest_at: datetime


class SliceReport(_Stated):
    """The most recent slice of a stream, counted in vendor records by the fate of their primary row."""

    token: int = 0
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
    changes: Changes | None = Field(
        default=None, description="of primary rows that passed, where any changed since the watermark"
    )
    accepted: str = Field(default="", description="an operator's reason for accepting an unbalanced slice")
    settled: bool = False

    @property
    def differences(self) -> list[str]:
        """Sentences for every equation of the balance law that does not hold; empty when balanced."""
        return [*([self.miscount] if self.miscount else []), *self.broken]

    @property
    def miscount(self) -> str:
        """The difference between what the vendor counts and what landed, which an operator may accept; nothing when there is none."""
        if self.vendor_count is None or self.landed == self.vendor_count:
            return ""
        return f"the vendor counts {self.vendor_count} records, {self.landed} landed"

    @property
    def broken(self) -> list[str]:
        """Sentences for the equations within our own walls that do not hold; nobody can accept that."""
        found = []
        fates = self.published + self.quarantined + self.unchanged + self.superseded + self.unmappable + self.erased
        if self.landed != fates:
            found.append(f"{self.landed} records landed, {fates} have a fate")
        found += [f"rows of {name} do not add up" for name, counts in self.entities.items() if not counts.balanced]
        return found

    @property
    def balanced(self) -> bool:
        """Whether the balance law holds, but for a difference to the vendor's count that an operator has accepted."""
        return not self.broken and (not self.miscount or bool(self.accepted))


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


class Doubt(_Stated):
    """A difference to the vendor, in a sentence with its counts, on which a slice waits until an operator accepts it."""

    what: str


class Acceptance(_Stated):
    """An operator's word that a slice may pass with exactly these differences."""

    what: tuple[str, ...]
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
        """Keys of next hashes that were never put in force, in order of their tokens: what runs that died may have put out.

        Those of a slice that waits for the warehouse, and older ones, are none: they will be put in force with it.
        """
        found = objects(self.scope).list(f"{self.key.prefix}hashes.next-")
        waiting = self.pending()
        known = _token_of(waiting.hashes) if waiting else -1
        attempts = (key for key in found if key.endswith(".parquet") and _token_of(key) > known)
        return sorted(attempts, key=_token_of)

    def newest_hashes(self) -> str:
        """Key of the hashes that the next slice is compared with: those of a slice that waits for the warehouse, or those in force."""
        waiting = self.pending()
        # Where they are gone, the slice has just settled and they are in force.
        return waiting.hashes if waiting and objects(self.scope).exists(waiting.hashes) else self.hashes

    def plan(self, token: int, overlap: timedelta, *, incremental: bool, end: datetime | None = None) -> Planned:
        """The window to read now: one planned earlier and never settled, else from the watermark (less the overlap) to `end` or now.

        An overlap that has grown since reaches back from a window planned earlier too.
        """
        found, version = self._read("window.json", Planned)
        mark = self.watermark()
        start = mark - overlap if mark and incremental else None
        if found is not None:
            window = found.window
            if start is not None and window.start is not None and start < window.start:
                window = Window(start=start, end=window.end)
            taken = found.model_copy(update={"token": token, "window": window})
            return self._swap("window.json", taken, version, token, found.token)
        now = utc_now()
        end = end or now.replace(microsecond=0)
        if start is not None:
            # Again within a second, or by a clock that was put back: what may have come since the last look lies before the end.
            start = min(start, end - timedelta(seconds=1))
        return self._swap(
            "window.json", Planned(token=token, window=Window(start=start, end=end), ingested_at=now), None, token, 0
        )

    def plan_onward(self, token: int, waiting: Pending) -> Planned:
        """Plan a window from the beginning of the slice that waits for the warehouse to now: with it, both are read.

        Raises Conflict when that slice reads everything, or ends now.
        """
        now = utc_now()
        start, end = waiting.batch.window.start, now.replace(microsecond=0)
        if start is None or end <= waiting.batch.window.end:
            raise Conflict(f"{self.key.prefix}: nothing can be read on the slice that waits for the warehouse.")
        found, version = self._read("window.json", Planned)
        planned = Planned(token=token, window=Window(start=start, end=end), ingested_at=now)
        return self._swap("window.json", planned, version, token, found.token if found else 0)

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

    def read_until(self) -> datetime | None:
        """Up to when the stream was read, or None: the watermark, or the end of a slice on it that waits for the warehouse."""
        mark, waiting = self.watermark(), self.pending()
        if waiting is None or not waiting.batch.window.reaches(mark):
            return mark
        return max(mark, waiting.batch.window.end) if mark else waiting.batch.window.end

    def watermark(self) -> datetime | None:
        """Up to when the stream is complete, or None."""
        found, _ = self._read("watermark.json", Watermark)
        return found.watermark if found else None

    def listed_at(self) -> datetime | None:
        """When all ids of the stream were last compared with the vendor's, or None; a slice that waits for the warehouse counts too."""
        found, _ = self._read("listed.json", Listed)
        waiting = self.pending()
        at = waiting.listed_at if waiting else None
        return at or (found.at if found else None)

    def read_whole_at(self) -> datetime | None:
        """When the last read of everything that has settled was planned, or None."""
        found, _ = self._read("watermark.json", Watermark)
        return found.whole_at if found else None

    def report(self) -> SliceReport | None:
        """The most recent slice."""
        return self._read("slice.json", SliceReport)[0]

    def write_report(self, report: SliceReport) -> None:
        """Keep the report of the most recent slice."""
        found, version = self._read("slice.json", SliceReport)
        self._swap("slice.json", report, version, report.token, found.token if found else 0)

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
        self.write_report(pending.report.model_copy(update={"settled": True, "token": pending.token}))
        self._keep_listed(pending)
        planned, _ = self._read("window.json", Planned)
        if planned is not None and planned.window == pending.batch.window:
            store.delete(f"{self.key.prefix}doubt.json")
            store.delete(f"{self.key.prefix}accepted.json")
            store.delete(f"{self.key.prefix}window.json")
        store.delete(f"{self.key.prefix}pending.json")
        for key in list(store.list(f"{self.key.prefix}hashes.next")):
            # A newer one is of a run that read on and died: what it put out is compared next time.
            if _token_of(key) <= _token_of(pending.hashes):
                store.delete(key)

    def _keep_listed(self, pending: Pending) -> None:
        if pending.listed_at is not None:
            found, version = self._read("listed.json", Listed)
            value = Listed(token=pending.token, at=pending.listed_at)
            self._swap("listed.json", value, version, pending.token, found.token if found else 0)

    @property
    def unfinished(self) -> bool:
        """Whether a window is planned that has not been settled."""
        return self._read("window.json", Planned)[0] is not None

    @property
    def at_rest(self) -> bool:
        """Whether whatever was begun of the stream has settled: nothing failed, nothing waits."""
        return not self.unfinished and self.pending() is None

    def doubt(self, what: str, token: int) -> None:
        """Keep the difference on which the unfinished slice waits."""
        found, version = self._read("doubt.json", Doubt)
        self._swap("doubt.json", Doubt(token=token, what=what), version, token, found.token if found else 0)

    def doubted(self) -> str:
        """The difference on which the unfinished slice waits, or nothing."""
        found, _ = self._read("doubt.json", Doubt)
        return found.what if found and not self.accepted(found.what) else ""

    def accept(self, what: str, reason: str, by: str, token: int) -> None:
        """Let the unfinished slice pass if it comes to exactly this difference again; what was accepted of it before stays so."""
        found, version = self._read("accepted.json", Acceptance)
        whole = (*found.what, what) if found else (what,)
        value = Acceptance(token=token, what=whole, reason=reason, by=by, at=utc_now())
        self._swap("accepted.json", value, version, token, found.token if found else 0)

    def accepted(self, what: str) -> str:
        """The reason for which an operator has accepted exactly this difference, or nothing."""
        found, _ = self._read("accepted.json", Acceptance)
        return found.reason if found and what in found.what else ""

    def _read(self, name: str, kind: type[Stated]) -> tuple[Stated | None, str | None]:
        found = objects(self.scope).get(f"{self.key.prefix}{name}")
        return (kind.model_validate_json(found[0]), found[1]) if found else (None, None)

    def _swap(self, name: str, value: Stated, version: str | None, token: int, seen: int) -> Stated:
        if seen > token:
            raise Conflict(f"{self.key.prefix}{name} was written under fencing token {seen}, newer than {token}.")
        objects(self.scope).swap(f"{self.key.prefix}{name}", value.model_dump_json(indent=1).encode(), version)
        return value


def _token_of(hashes: str) -> int:
    """The fencing token in a key of next hashes; 0 where an earlier release wrote none."""
    token = hashes.removesuffix(".parquet").rpartition("hashes.next-")[2]
    return int(token) if token.isdecimal() else 0
