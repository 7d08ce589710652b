"""Reconcile a feed: does every place that should hold its rows hold the same number?"""

from __future__ import annotations

import duckdb
import pyarrow.parquet as pq

from varai import catalogue, sources, warehouse
from varai.kernel import FeedKey, Scope, Word
from varai.registry import SliceState, StreamKey, feed
from varai.river.settle import held_warehouse
from varai.settings import Settings
from varai.stores import objects

_IN_CATALOGUE = frozenset({"product", "location", "inventory_level", "shop"})


class Reconciliation(Word):
    """Rows of a stream's primary entity, place by place. `known` is what the hashes say is alive, quarantined rows included."""

    tenant: str
    feed: str
    stream: str
    vendor: int | None
    known: int
    quarantined: int
    catalogue: int | None
    warehouse: int
    differences: tuple[str, ...]


def reconcile_feed(settings: Settings, region: str, key: FeedKey, *, holder: str) -> list[Reconciliation]:
    """Count each stream's primary rows in the last settled slice, hashes, catalogue and warehouse. Raises LeaseHeld."""
    scope = settings.scope(region, key.tenant)
    connector = sources.connector(feed(scope, key).connector)
    found = []
    with held_warehouse(settings, region, holder) as (held, _), warehouse.connect(held) as opened:
        for spec in connector.streams:
            state = SliceState(scope, StreamKey(key.tenant, key.feed, spec.name))
            known, quarantined = _known(scope, state, spec.primary)
            in_warehouse = _in_warehouse(opened, spec.primary, key)
            in_catalogue = catalogue.count_live(scope, key, spec.primary) if spec.primary in _IN_CATALOGUE else None
            found.append(_compared(key, spec.name, state, known, quarantined, in_catalogue, in_warehouse))
    return found


def _in_warehouse(opened: warehouse.Warehouse, entity: str, key: FeedKey) -> int:
    # Names of tenants, feeds and entities are slugs, so they can stand in the statement as they are.
    statement = (
        f"SELECT count(*) FROM raw.\"{entity}\" WHERE tenant = '{key.tenant}' AND feed = '{key.feed}' AND NOT deleted"
    )
    return int(opened.rows(statement)[0][0])


def _compared(
    key: FeedKey,
    stream: str,
    state: SliceState,
    known: int,
    quarantined: int,
    in_catalogue: int | None,
    in_warehouse: int,
) -> Reconciliation:
    """A quarantined row may still be held in its last good version, so places may hold up to that many more."""
    report = state.report()
    published = known - quarantined
    differences = []
    if report is not None and not report.balanced:
        differences.extend(report.differences)
    for place, count in (("warehouse", in_warehouse), ("catalogue", in_catalogue)):
        if count is not None and not published <= count <= published + quarantined:
            differences.append(f"{published} rows passed the gate, the {place} holds {count}")
    return Reconciliation(
        tenant=key.tenant,
        feed=key.feed,
        stream=stream,
        vendor=report.vendor_count if report and report.window.whole else None,
        known=known,
        quarantined=quarantined,
        catalogue=in_catalogue,
        warehouse=in_warehouse,
        differences=tuple(differences),
    )


def _known(scope: Scope, state: SliceState, entity: str) -> tuple[int, int]:
    store = objects(scope)
    if not store.exists(state.hashes):
        return 0, 0
    with store.open(state.hashes) as file:
        table = pq.read_table(file, columns=["entity", "verdict", "deleted"])
    with duckdb.connect() as con:
        con.register("known", table)
        row = con.execute(
            "SELECT count(*), count(*) FILTER (WHERE verdict = 'quarantined') FROM known WHERE entity = $entity AND NOT deleted",
            {"entity": entity},
        ).fetchone()
    return (row[0], row[1]) if row else (0, 0)
