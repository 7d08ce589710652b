"""Replay: rows outside a slice that must be judged again are mapped anew from the batches that landed them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from varai import landing
from varai.canonical.mapper import map_lines
from varai.canonical.mapping import Mapping
from varai.privacy import Ledger, protect
from varai.river.context import FeedRun
from varai.sources.contract import StreamSpec


def replayed_rows(
    run: FeedRun, spec: StreamSpec, entity: str, wanted: Sequence[tuple[str, str]], mapping: Mapping
) -> pa.Table | None:
    """Mapped rows of `entity` for (source_id, batch_id) pairs, with `row_key` below zero; None when there are none.

    A batch that the retention sweep has taken is passed over: its rows keep their verdict until the vendor sends them again.
    """
    by_batch: dict[str, list[str]] = defaultdict(list)
    for source_id, batch in wanted:
        by_batch[batch].append(source_id)
    found: list[pa.RecordBatch] = []
    for batch, ids in sorted(by_batch.items()):
        ref = landing.find(run.scope, run.feed.key, spec.name, batch)
        if ref is None:
            continue
        chunks = landing.read(run.scope, ref, Ledger(run.scope), spec)
        for name, rows in map_lines(chunks, mapping):
            if name == entity:
                protected = protect(run.scope, run.feed, name, rows, None)
                found.append(protected.filter(pc.is_in(protected["source_id"], pa.array(ids))))
    table = pa.Table.from_batches(found) if found else None
    if table is None or table.num_rows == 0:
        return None
    table = _newest(table)
    # Positions are made unique and negative, so that they never meet those of the slice.
    numbers = pa.array(range(-table.num_rows, 0), pa.int64())
    table = table.set_column(table.schema.get_field_index("position"), "position", numbers)
    return table.append_column("row_key", numbers)


def _newest(table: pa.Table) -> pa.Table:
    """One version per row: a batch may hold two of the same record."""
    order = table.sort_by([("source_id", "ascending"), ("source_updated_at", "descending"), ("position", "descending")])
    ids = order["source_id"].to_pylist()
    return order.filter(pa.array([place == 0 or ids[place - 1] != one for place, one in enumerate(ids)]))
