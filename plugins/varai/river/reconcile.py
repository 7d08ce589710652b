"""Reconcile a feed: does every place that should hold its rows hold the same number, the vendor among them?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import structlog

from varai import catalogue, sources, warehouse
from varai.canonical import ENTITIES
from varai.kernel import FeedKey, Scope, VaraiError, Word, utc_now
from varai.registry import Comparison, SliceState, StreamKey, keep_comparison
from varai.registry import feed as registered
from varai.river import counted
from varai.river.known import Known, known_rows
from varai.river.recount import Recount, recount
from varai.river.settle import held_warehouse
from varai.river.shown import Shown, shown
from varai.settings import Settings

log = structlog.get_logger(__name__)
_IN_CATALOGUE = frozenset({"product", "location", "inventory_level", "shop"})


class Reconciliation(Word):
    """Rows of a stream's primary entity, place by place.

    Attributes:
        vendor: what the vendor counts now of records last changed before the watermark, less the feed's overlap; where it gives
            no exact count, that of the last slice if it was whole.
        changed: what the vendor counts of records changed since.
        known: what the hashes say is alive, quarantined rows included.
        published: what the tenant's snapshot shows; None where no mart shows such rows, or nothing is published yet.
    """

    tenant: str
    feed: str
    stream: str
    vendor: int | None
    changed: int | None
    known: int
    quarantined: int
    catalogue: int | None
    warehouse: int
    published: int | None
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reconciled:
    """Streams of the feeds that could be compared, and for each other feed the sentence that says why it could not."""

    found: list[Reconciliation] = field(default_factory=list)
    failures: dict[FeedKey, str] = field(default_factory=dict)

    @property
    def differences(self) -> list[str]:
        """A sentence per stream or feed that is not in agreement, naming it."""
        streams = [
            f"{one.tenant}/{one.feed}/{one.stream}: {'; '.join(one.differences)}"
            for one in self.found
            if one.differences
        ]
        return streams + [f"{key}: could not be compared: {why}" for key, why in self.failures.items()]


def reconcile_feeds(settings: Settings, region: str, keys: Iterable[FeedKey], *, holder: str) -> Reconciled:
    """Compare one feed after another; one that cannot be compared does not stop the others."""
    done = Reconciled()
    for key in keys:
        try:
            done.found.extend(reconcile_feed(settings, region, key, holder=holder))
        except VaraiError as error:
            done.failures[key] = str(error)
            log.warning(
                "feed.not_reconciled", region=region, tenant=key.tenant, feed=key.feed, kind=error.kind, what=error.what
            )
    return done


def reconcile_feed(settings: Settings, region: str, key: FeedKey, *, holder: str) -> list[Reconciliation]:
    """Count each stream's primary rows at the vendor, in hashes, catalogue, warehouse and snapshot.

    A vendor that cannot be asked is a difference of its streams.

    Raises:
        LeaseHeld: another process has the warehouse. Misconfigured: there is no such feed or connector.
    """
    scope = settings.scope(region, key.tenant)
    one = registered(scope, key)
    streams = sources.streams_of(sources.connector(one.connector), one)
    # Asked before the warehouse is held: a vendor may be slow.
    recounts = {spec.name: recount(settings, scope, one, spec) for spec in streams}
    found = []
    with held_warehouse(settings, region, holder) as (held, _), warehouse.connect(held) as opened:
        opened.evolve(tuple(ENTITIES.values()))  # before its first load a region has no tables to count in
        for spec in streams:
            state = SliceState(scope, StreamKey(key.tenant, key.feed, spec.name))
            known = known_rows(state, spec.primary)
            in_warehouse = counted.live(opened, key, spec.primary)
            in_catalogue = catalogue.count_live(scope, key, spec.primary) if spec.primary in _IN_CATALOGUE else None
            in_snapshot = shown(scope, opened, key, spec.primary)
            found.append(_compared(state, recounts[spec.name], known, in_catalogue, in_warehouse, in_snapshot))
    _keep(scope, found)
    return found


def _keep(scope: Scope, found: Iterable[Reconciliation]) -> None:
    """Keep what was found for those who ask how far a feed is in sync. That nothing differs before anything came is no finding."""
    at = utc_now()
    for one in found:
        key = StreamKey(one.tenant, one.feed, one.stream)
        if one.differences or SliceState(scope, key).watermark() is not None:
            told = Comparison(kind="counts", at=at, differences=len(one.differences), sentences=one.differences)
            keep_comparison(scope, key, told)


def _compared(
    state: SliceState, asked: Recount, known: Known, in_catalogue: int | None, in_warehouse: int, in_snapshot: Shown
) -> Reconciliation:
    """A quarantined row may still be held in its last good version, so places may hold up to that many more."""
    report = state.report()
    counted = report.vendor_count if report and report.window.whole else None
    passed = known.alive - known.quarantined
    differences = list(asked.differences)
    if report is not None and not report.balanced:
        differences.extend(report.differences)
    for place, count in (("warehouse", in_warehouse), ("catalogue", in_catalogue)):
        if count is not None and not passed <= count <= known.alive:
            differences.append(f"{passed} rows passed the gate, the {place} holds {count}")
    differences.extend(in_snapshot.differences)
    return Reconciliation(
        tenant=state.key.tenant,
        feed=state.key.feed,
        stream=state.key.stream,
        vendor=asked.vendor if asked.vendor is not None else counted,
        changed=asked.changed,
        known=known.alive,
        quarantined=known.quarantined,
        catalogue=in_catalogue,
        warehouse=in_warehouse,
        published=in_snapshot.published,
        differences=tuple(differences),
    )
