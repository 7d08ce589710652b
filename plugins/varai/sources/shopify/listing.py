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
    """List the stream's ids; None where nothing can be told from them."""
    ids, count = _whole(reading)
    horizon = None
    if reading.stream == "orders" and "read_all_orders" not in granted_scopes(reading.client):
        if len(ids) == 0:
            return None
        # Without this scope Shopify shows the orders of the last 60 days. Numbers grow as orders are made.
        horizon = min(map(int, ids.to_pylist()))
    return Listing(ids, count, horizon)


def _whole(reading: Reading) -> tuple[pa.Array, int | None]:
    """The ids, and the most that the vendor counted beside them.

    A page that goes missing would read as 250 deletes. Where the vendor counts exactly, a listing that is shorter than either
    count, before it or after, is taken again; where it does not, an id is gone only if two listings lack it.
    """
    for _ in range(ROUNDS):
        before = _count(reading)
        ids = _ids(reading)
        counts = [count for count in (before, _count(reading)) if count is not None]
        if not counts:
            return pa.concat_arrays([ids, _ids(reading)]).unique(), None
        if len(ids) >= max(counts):
            break
    return ids, max(counts)


def _count(reading: Reading) -> int | None:
    return exact_count(reading, everything=True) if reading.stream in queries.COUNT else None


def _ids(reading: Reading) -> pa.Array:
    """Source ids, each once, as the mapping makes them of gids: what follows the type."""
    pages = [pa.array([], pa.string())]
    for gids in listed(reading, None):
        for gid in gids:
            number(gid)  # raises for what is no id of a record
        pages.append(pa.array([gid.rpartition("/")[2] for gid in gids], pa.string()))
    return pa.concat_arrays(pages).unique()
