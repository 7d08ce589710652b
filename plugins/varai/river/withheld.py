"""What is kept back from a merchant's figures, told beside every figure.

In: the streams' hashes (who is in quarantine), the warehouse (what the figures are made of) and lines that gave no row.
Out: counts and values per tenant. A row in quarantine whose last good version is in the warehouse is in the figures, so it is
not withheld; what hangs on a withheld order is part of that order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from varai import sources
from varai.gate import quarantine
from varai.kernel import Feed, Scope
from varai.registry import SliceState, StreamKey, feeds
from varai.stores import objects

_KINDS = {"order": "orders", "order_line": "order_lines", "refund": "refunds", "refund_line": "refund_lines"}
_COLUMNS = ("entity", "source_id", "root_id", "amount_minor", "currency")
_SCHEMA = pa.schema(
    [("tenant", pa.string()), ("feed", pa.string())]
    + [(name, pa.int64() if name == "amount_minor" else pa.string()) for name in _COLUMNS]
)
_IN_FIGURES = 'SELECT 1 FROM raw."{entity}" r WHERE NOT r.deleted AND r.tenant = {of}.tenant AND r.feed = {of}.feed AND r.{id} = {of}.{to}'


def sales_streams(scope: Scope) -> Iterator[tuple[Feed, StreamKey]]:
    """The streams that the figures are made from, of every feed of the region or of the scope's tenant: orders, and their parts apart."""
    for feed in feeds(scope):
        for spec in sources.streams_of(sources.connector(feed.connector), feed):
            if spec.primary in _KINDS:
                yield feed, StreamKey(feed.tenant, feed.name, spec.name)


def withheld(scope: Scope, warehouse: duckdb.DuckDBPyConnection) -> dict[str, dict[str, Any]]:
    """What is withheld from the figures of every tenant of the region now; `warehouse` holds what they are made of.

    Returns:
        tenant -> {"orders": n, "value_minor": {currency: minor units}, "unknown_value": how many have no value that can be
        told}, the same under "order_lines", "refunds" and "refund_lines" (of orders that are not withheld) and under "returns"
        (refunds of orders that are), each with "count" for the number; and "unmappable": records or parts of them that gave no row.
    """
    streams = list(sales_streams(scope))
    found = {feed.tenant: _nothing() for feed, _ in streams}
    cursor = warehouse.cursor()
    try:
        cursor.register("held", pa.concat_tables([_SCHEMA.empty_table(), *_held(scope, streams)]))
        for tenant, kind, currency, count, value, unknown in cursor.execute(_sql()).fetchall():
            told = found.setdefault(tenant, _nothing())
            _add(told if kind == "orders" else told[kind], kind, currency, count, value, unknown)
    finally:
        cursor.close()
    for feed, key in streams:
        found[feed.tenant]["unmappable"] += quarantine.count_unmappable(scope, feed.key, key.stream, parts=True)
    return found


def _held(scope: Scope, streams: list[tuple[Feed, StreamKey]]) -> Iterator[pa.Table]:
    """Rows of sales in quarantine, as the hashes know them."""
    store = objects(scope)
    for _, key in streams:
        state = SliceState(scope, key)
        if not store.exists(state.hashes):
            continue
        with store.open(state.hashes) as file:
            known = pq.read_table(file, columns=[*_COLUMNS, "verdict", "deleted"])
        kept = known.filter(pc.and_(pc.equal(known["verdict"], "quarantined"), pc.invert(known["deleted"]))).select(
            _COLUMNS
        )
        named = [pa.array([value] * kept.num_rows, pa.string()) for value in (key.tenant, key.feed)]
        yield pa.Table.from_arrays([*named, *kept.columns], names=_SCHEMA.names).cast(_SCHEMA)


def _sql() -> str:
    """Rows (tenant, kind, currency, count, value, unknown)."""
    absent = " UNION ALL ".join(
        f"SELECT * FROM held h WHERE entity = '{entity}' AND NOT EXISTS"
        f" ({_IN_FIGURES.format(entity=entity, of='h', id='source_id', to='source_id')})"
        for entity in _KINDS
    )
    whole = "EXISTS (SELECT 1 FROM absent o WHERE o.entity = 'order' AND (o.tenant, o.feed, o.source_id) = (a.tenant, a.feed, a.root_id))"
    named = " ".join(f"WHEN '{entity}' THEN '{kind}'" for entity, kind in _KINDS.items())
    order = _IN_FIGURES.format(entity="order", of="b", id="source_id", to="order_id")
    line = _IN_FIGURES.format(entity="order_line", of="b", id="source_id", to="line_id")
    return f"""
        WITH absent AS ({absent}),
        found AS (
            SELECT tenant, CASE entity {named} END AS kind, currency, amount_minor FROM absent a WHERE entity = 'order' OR NOT {whole}
            UNION ALL SELECT tenant, 'returns', currency, amount_minor FROM absent a WHERE entity = 'refund' AND {whole}
            UNION ALL SELECT tenant, 'returns', currency, total_minor FROM raw.refund b WHERE NOT deleted AND NOT EXISTS ({order})
            UNION ALL SELECT tenant, 'refund_lines', currency, subtotal_minor FROM raw.refund_line b
            WHERE NOT deleted AND EXISTS ({order}) AND NOT EXISTS ({line})
        )
        SELECT tenant, kind, currency, count(*), sum(amount_minor)::BIGINT,
               count(*) FILTER (WHERE amount_minor IS NULL OR currency IS NULL)
        FROM found GROUP BY tenant, kind, currency ORDER BY ALL
    """


def _nothing() -> dict[str, Any]:
    kinds = [kind for kind in _KINDS.values() if kind != "orders"]
    beside = {kind: {"count": 0, "value_minor": {}, "unknown_value": 0} for kind in (*kinds, "returns")}
    return {"orders": 0, "value_minor": {}, "unknown_value": 0, **beside, "unmappable": 0}


def _add(told: dict[str, Any], kind: str, currency: str | None, count: int, value: int | None, unknown: int) -> None:
    told["orders" if kind == "orders" else "count"] += count
    told["unknown_value"] += unknown
    if currency is not None and value is not None:
        told["value_minor"][currency] = told["value_minor"].get(currency, 0) + value
