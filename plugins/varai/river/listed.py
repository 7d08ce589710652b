"""Deletes that no window shows: when a stream's ids are asked for, when they are believed, and what they say is gone.

In: a `Listing` of the vendor's. Out, on a slice's connection: `listed` (source_id), which `classify.find_gone` compares with
the hashes. People appear in it by their pseudonyms, as everywhere.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import duckdb
import pyarrow as pa

from varai.canonical import entity as canonical_entity
from varai.kernel import Unbalanced
from varai.privacy import Pseudonyms
from varai.registry import SliceState
from varai.registry.slices import Planned
from varai.river.context import FeedRun
from varai.sources.contract import Listing, StreamSpec
from varai.stores import objects

EVERY: Final = timedelta(hours=24)
"""How long a stream goes without a listing of its ids."""
_FEW: Final = 10
_MOST: Final = 0.5


def due(
    state: SliceState, spec: StreamSpec, planned: Planned, *, asked: bool = False, since: datetime | None = None
) -> bool:
    """Whether to ask for the stream's ids with this window; `asked`: the vendor said that a record is gone.

    No listing before `since` counts: the feed was connected anew then, and before that nobody told what was deleted.

    A first read has nothing to compare, and a whole read of what is on sale is a listing itself. Of people and sales it is not:
    it is taken with the ids, but where every read is whole, once in a while. After a run that died all is compared: the vendor
    may have deleted since what that run put out.
    """
    if not spec.listed:
        return False
    if state.attempts():
        return True
    if not objects(state.scope).exists(state.hashes):
        return False
    if planned.window.whole and (spec.incremental or not spec.sealed):
        return spec.sealed
    last = state.listed_at()
    return asked or last is None or (since is not None and last < since) or planned.ingested_at - last >= EVERY


def believed(state: SliceState, listing: Listing | None, token: int) -> Listing | None:
    """The listing if it is as long as the vendor says. With an operator's word the slice passes without it.

    Raises Unbalanced when it is shorter and nobody has accepted just that.
    """
    if listing is None or listing.vendor_count is None or len(listing.ids) >= listing.vendor_count:
        return listing
    what = f"the vendor counts {listing.vendor_count} records, its list of ids has {len(listing.ids)}"
    if state.accepted(what):
        return None
    state.doubt(what, token)
    raise Unbalanced(
        f"{'/'.join(state.key)}: {what}.",
        "The next run lists them again; `varai slice accept --reason` lets the slice pass and puts the comparison off.",
    )


def attach(run: FeedRun, spec: StreamSpec, con: duckdb.DuckDBPyConnection, listing: Listing) -> None:
    """Create `listed` (source_id)."""
    ids = listing.ids
    if canonical_entity(spec.primary).vaulted:
        ids = Pseudonyms(run.scope).column(run.feed, ids)
    con.register("listed_ids", pa.table({"source_id": ids}))
    con.execute("CREATE TEMP TABLE listed AS SELECT source_id FROM listed_ids")
    con.unregister("listed_ids")


def insist(state: SliceState, spec: StreamSpec, con: duckdb.DuckDBPyConnection, token: int) -> None:
    """Refuse a listing by which most of what is known would be gone, unless an operator has accepted just that.

    Raises Unbalanced: a vendor that hides records looks like one that lost them.
    """
    row = con.execute(
        f"""
        SELECT (SELECT count(*) FROM gone_{spec.primary}),
               (SELECT count(*) FROM prev WHERE entity = '{spec.primary}' AND NOT deleted)
        """
    ).fetchone()
    gone, known = row or (0, 0)
    what = f"the vendor lists {gone} of {known} known records no more"
    if gone > max(_FEW, known * _MOST) and not state.accepted(what):
        state.doubt(what, token)
        raise Unbalanced(
            f"{'/'.join(state.key)}: {what}.",
            "If they were deleted at the vendor, say so with `varai slice accept --reason`; else look what the feed may read"
            " (`varai feeds check`).",
        )
