"""What is kept back from a merchant's figures: quarantined orders, their number and value, told beside every figure."""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow.parquet as pq

from varai.kernel import Scope
from varai.registry import slice_keys
from varai.registry.slices import SliceState
from varai.stores import objects


def withheld_orders(scope: Scope, tenant: str) -> dict[str, Any]:
    """Orders of a tenant that are in quarantine now.

    Returns:
        {"orders": n, "value_minor": {currency: minor units}, "unknown_value": orders whose value cannot be told}
    """
    store = objects(scope)
    orders, unknown = 0, 0
    values: dict[str, int] = {}
    for key in slice_keys(scope):
        state = SliceState(scope, key)
        if key.tenant != tenant or not store.exists(state.hashes):
            continue
        with store.open(state.hashes) as file:
            known = pq.read_table(file, columns=["entity", "verdict", "deleted", "amount_minor", "currency"])
        with duckdb.connect() as con:
            con.register("known", known)
            rows = con.execute(
                """
                SELECT currency, count(*), sum(amount_minor)::BIGINT, count(*) FILTER (WHERE amount_minor IS NULL OR currency IS NULL)
                FROM known WHERE entity = 'order' AND verdict = 'quarantined' AND NOT deleted GROUP BY currency
                """
            ).fetchall()
        for currency, count, value, without in rows:
            orders += count
            unknown += without
            if currency is not None and value is not None:
                values[currency] = values.get(currency, 0) + value
    return {"orders": orders, "value_minor": values, "unknown_value": unknown}
