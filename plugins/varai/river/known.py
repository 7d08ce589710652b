"""What is known of a stream's rows: counts of its hashes."""

from __future__ import annotations

from typing import NamedTuple

import pyarrow.compute as pc
import pyarrow.parquet as pq

from varai.registry import SliceState
from varai.stores import objects


class Known(NamedTuple):
    """Rows of an entity that are alive, and how many of them are in quarantine."""

    alive: int
    quarantined: int


def known_rows(state: SliceState, entity: str) -> Known:
    """Count the rows of an entity in the stream's hashes; zero before its first slice."""
    store = objects(state.scope)
    if not store.exists(state.hashes):
        return Known(0, 0)
    with store.open(state.hashes) as file:
        table = pq.read_table(file, columns=["entity", "verdict", "deleted"])
    alive = table.filter(pc.and_(pc.equal(table["entity"], entity), pc.invert(table["deleted"])))
    return Known(alive.num_rows, alive.filter(pc.equal(alive["verdict"], "quarantined")).num_rows)
