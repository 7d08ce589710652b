"""Recount: does the vendor still have as many records of a stream as are known here? In go the hashes, out come sentences."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from varai import sources
from varai.gate import quarantine
from varai.kernel import Feed, Scope, VaraiError, Window, utc_now
from varai.privacy import Ledger
from varai.registry import SliceState, StreamKey
from varai.river.context import session
from varai.river.known import known_rows
from varai.settings import Settings
from varai.sources.contract import StreamSpec

_AHEAD = timedelta(days=1)
"""The end of a window that holds all changes, though the vendor's clock is ahead of ours."""


@dataclass(frozen=True, slots=True)
class Recount:
    """What the vendor counts now: records last changed before an instant, and those changed since; None: it was not counted."""

    vendor: int | None = None
    changed: int | None = None
    differences: tuple[str, ...] = ()


def recount(settings: Settings, scope: Scope, feed: Feed, spec: StreamSpec) -> Recount:
    """Compare what the vendor counts now with what is known of it; that the vendor cannot be asked is a difference too.

    Counted is as of the watermark less the feed's overlap: what the vendor showed late is known by then. A record that changed
    since may be new or not, so it may be known or not. Streams without an exact count, paused feeds, and streams that were
    never settled are not counted.
    """
    state = SliceState(scope, StreamKey(feed.tenant, feed.name, spec.name))
    mark = state.watermark()
    if spec.census != "exact" or feed.paused or mark is None:
        return Recount()
    as_of = mark - timedelta(seconds=feed.overlap_s)
    connector = sources.connector(feed.connector)
    known = known_rows(state, spec.primary).alive  # first: a run may settle more while the vendor counts
    try:
        asking = session(settings, scope, feed, lambda step, count: None)
        # In this order a record that changes in between is counted twice rather than never.
        vendor = connector.count(asking, spec.name, Window(start=None, end=as_of))
        changed = connector.count(asking, spec.name, Window(start=as_of, end=utc_now() + _AHEAD))
    except VaraiError as error:
        return Recount(differences=(f"the vendor could not be asked: {error}",))
    if vendor is None or changed is None:
        return Recount()
    return Recount(vendor, changed, _differences(scope, feed, spec, known, vendor, changed, as_of))


def _differences(
    scope: Scope, feed: Feed, spec: StreamSpec, known: int, vendor: int, changed: int, as_of: datetime
) -> tuple[str, ...]:
    at = f"{as_of:%Y-%m-%d %H:%M:%S} UTC"
    if known > vendor + changed:
        return (
            f"{known} records are known here, the vendor counts {vendor} last changed before {at} and {changed} changed since",
        )
    unmappable = quarantine.count_unmappable(scope, feed.key, spec.name)
    erased = len(Ledger(scope).subjects) if spec.withheld else 0
    if vendor > known + unmappable + erased:
        besides = "".join(f", {n} {what}" for n, what in ((unmappable, "unmappable"), (erased, "erased")) if n)
        return (f"the vendor counts {vendor} records last changed before {at}, {known} are known here{besides}",)
    return ()
