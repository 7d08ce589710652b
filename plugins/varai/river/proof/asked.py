"""The vendor as a place: a stream is read whole once more, landed in passing, mapped, and only looked at. No state moves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb
import pyarrow as pa

from varai import landing, sources
from varai.canonical import entity as canonical_entity
from varai.kernel import Feed, Scope, Unbalanced, VaraiError, Window, utc_now
from varai.privacy import Ledger, Pseudonyms
from varai.registry import SliceState, StreamKey
from varai.river.context import session
from varai.river.proof.newest import arrivals, mark_erased
from varai.settings import Settings
from varai.sources.contract import Listing, StreamSpec
from varai.stores import objects

_AHEAD = timedelta(days=1)
"""The end of a window that holds all changes, though the vendor's clock is ahead of ours."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the vendor says of a stream.

    Attributes:
        as_of: what changed before this instant must be here by now: the watermark less the feed's overlap. None: it was not asked.
        horizon: records with a smaller number are out of sight, not gone.
        failure: why it could not be asked; empty when it was, or need not be.
    """

    as_of: datetime | None = None
    horizon: int | None = None
    failure: str = ""


def ask(con: duckdb.DuckDBPyConnection, settings: Settings, scope: Scope, feed: Feed, spec: StreamSpec) -> Asked:
    """Fill `vendor` and `listed` with a stream's rows as the vendor has them now.

    Streams that were never settled and paused feeds are not asked, nor are streams with dates of their own: what was dropped once need
    not be there for ever. Who asked to be forgotten is left out, as at every read of landing.
    """
    mark = SliceState(scope, StreamKey(feed.tenant, feed.name, spec.name)).watermark()
    if feed.paused or spec.dated or mark is None:
        return Asked()
    try:
        listing = _read(con, settings, scope, feed, spec)
    except VaraiError as error:
        return Asked(failure=f"the vendor could not be asked: {error}")
    if listing is not None:
        _list(con, scope, feed, spec, listing)
    return Asked(mark - timedelta(seconds=feed.overlap_s), listing.horizon if listing else None)


def _read(
    con: duckdb.DuckDBPyConnection, settings: Settings, scope: Scope, feed: Feed, spec: StreamSpec
) -> Listing | None:
    connector = sources.connector(feed.connector)
    asking = session(settings, scope, feed, lambda step, count: None)
    window = Window(start=None, end=utc_now() + _AHEAD)
    extraction = connector.extract(asking, spec.name, window, listing=spec.listed)
    landed = landing.land(
        scope,
        feed.key,
        spec.name,
        window,
        iter(extraction),
        sealed=spec.sealed,
        ingested_at=utc_now(),
        connector_version=connector.version,
        token=0,
    )
    try:
        count = extraction.vendor_count
        if count is not None and count != landed.content.records:
            raise Unbalanced(f"{feed.key}/{spec.name}: the vendor counts {count}, {landed.content.records} came.")
        passing = landing.read_passing(scope, landed, Ledger(scope), spec)
        for reading in arrivals(con, scope, feed, spec, [passing]):
            mark_erased(con, spec, reading.marked, rewritten=False)
            erased = "root_id IN (SELECT source_id FROM of_erased) AS erased"
            con.execute(f"INSERT INTO vendor BY NAME SELECT * EXCLUDE (nobody), {erased} FROM arrived")
    finally:
        objects(scope).delete(landed.key)
    return extraction.listing


def _list(con: duckdb.DuckDBPyConnection, scope: Scope, feed: Feed, spec: StreamSpec, listing: Listing) -> None:
    ids = listing.ids
    if canonical_entity(spec.primary).vaulted:
        ids = Pseudonyms(scope).column(feed, ids)
    con.register("given", pa.table({"source_id": ids}))
    con.execute(f"INSERT INTO listed SELECT '{spec.primary}', source_id FROM given")
    con.unregister("given")
