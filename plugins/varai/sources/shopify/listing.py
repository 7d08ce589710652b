"""Every id a stream has at the vendor now: what is known here and not among them was deleted, whatever the events say.

In: a client and a stream. Out: a `Listing`. Ids alone are asked for, 250 a page.
"""

from __future__ import annotations

import pyarrow as pa

from varai.sources.contract import Listing
from varai.sources.shopify import queries
from varai.sources.shopify.census import ROUNDS, exact_count, listed
from varai.sources.shopify.check import granted_scopes
from varai.sources.shopify.lines import number
from varai.sources.shopify.reading import Reading


def list_ids(reading: Reading) -> Listing | None:
    """List the stream's ids; None where nothing can be told from them.

    A page that goes missing would read as 250 deletes. Where the vendor counts, a listing that is shorter than either
    count, before it or after, is taken again; where it does not, an id is gone only if two listings lack it.
    """
    if reading.stream not in queries.COUNT:
        ids = pa.concat_arrays([_ids(reading), _ids(reading)]).unique()
        return Listing(ids)
    horizon = None
    for _ in range(ROUNDS):
        before = exact_count(reading, everything=True)
        ids = _ids(reading)
        counts = [count for count in (before, exact_count(reading, everything=True)) if count is not None]
        if all(len(ids) >= count for count in counts):
            break
    if reading.stream == "orders" and "read_all_orders" not in granted_scopes(reading.client):
        if len(ids) == 0:
            return None
        # Without this scope Shopify shows the orders of the last 60 days. Numbers grow as orders are made.
        horizon = min(map(int, ids.to_pylist()))
    return Listing(ids, max(counts, default=None), horizon)


def _ids(reading: Reading) -> pa.Array:
    """Source ids, as the mapping makes them of gids: what follows the type."""
    pages = [pa.array([], pa.string())]
    for gids in listed(reading, None):
        for gid in gids:
            number(gid)  # raises for what is no id of a record
        pages.append(pa.array([gid.rpartition("/")[2] for gid in gids], pa.string()))
    return pa.concat_arrays(pages)
