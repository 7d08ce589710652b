"""What a raw table holds follows from the set of staged rows, never from their order, their batching or repetition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from varai.canonical import ENTITIES
from varai.warehouse.duck import DuckDBWarehouse
from varai.warehouse.merge import BIGQUERY, DUCKDB, create_table, merge, resolve
from varai.warehouse.protocol import StagedObject

LOCATION = ENTITIES["location"]
START = datetime(2026, 1, 1, tzinfo=UTC)
Row = dict[str, Any]


def _hours(count: int | None) -> datetime | None:
    return None if count is None else START + timedelta(hours=count)


@st.composite
def _batches(draw: st.DrawFn) -> list[list[Row]]:
    """Batches of one feed; each has an ingested_at of its own, as slices of a feed follow one another."""
    batches = []
    for number in range(draw(st.integers(1, 5))):
        ids = draw(st.lists(st.sampled_from(["1", "2", "3"]), min_size=1, max_size=4))
        rows = []
        for source_id in ids:
            deleted = draw(st.booleans())
            name = None if deleted else draw(st.sampled_from(["a", "b", "c"]))
            rows.append(
                {
                    "tenant": "acme",
                    "feed": "shop",
                    "source": "shopify",
                    "source_id": source_id,
                    "root_id": source_id,
                    "source_updated_at": _hours(draw(st.none() | st.integers(0, 6))),
                    "ingested_at": _hours(10 + number),
                    "batch_id": f"{number:032d}",
                    "content_hash": name,
                    "deleted": deleted,
                    "name": name,
                }
            )
        batches.append(rows)
    return batches


def _object(rows: Sequence[Row]) -> StagedObject:
    schema = LOCATION.schema()

    def open_() -> Iterator[pa.RecordBatch]:
        yield from pa.Table.from_pylist([dict.fromkeys(schema.names) | row for row in rows], schema=schema).to_batches()

    batch = rows[0]["batch_id"]
    return StagedObject(f"canonical/acme/location/{batch}.parquet", "acme", LOCATION, batch, open_)


def _warehouse() -> DuckDBWarehouse:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    warehouse = DuckDBWarehouse(connection, Path("memory"))
    warehouse.evolve([LOCATION])
    return warehouse


def _load(warehouse: DuckDBWarehouse, batches: Sequence[Sequence[Row]]) -> None:
    warehouse.merge([_object(rows) for rows in batches], lambda: None, START)


def _state(warehouse: DuckDBWarehouse) -> list[tuple[Any, ...]]:
    return warehouse.rows(
        "SELECT source_id, name, deleted, epoch_us(source_updated_at) FROM raw.location ORDER BY source_id"
    )


def _expected(batches: Sequence[Sequence[Row]]) -> list[tuple[Any, ...]]:
    """The law in plain Python: newest content, newest tombstone, and which of the two is newer."""
    rows = sorted((row for batch in batches for row in batch), key=lambda row: row["source_id"])
    found = []
    for source_id, group in groupby(rows, key=lambda row: row["source_id"]):
        versions = list(group)
        contents = [row for row in versions if not row["deleted"]]
        tombstones = [row for row in versions if row["deleted"]]
        long_ago = START - timedelta(days=1)
        content = max(
            contents,
            key=lambda row: (row["source_updated_at"] or long_ago, row["ingested_at"], row["content_hash"]),
            default=None,
        )
        tombstone = max(
            tombstones, key=lambda row: (row["ingested_at"], row["source_updated_at"] or long_ago), default=None
        )
        kept = content or tombstone
        assert kept is not None
        at = kept["source_updated_at"]
        found.append(
            (
                source_id,
                kept["name"],
                _deleted(content, tombstone),
                None if at is None else int(at.timestamp() * 1_000_000),
            )
        )
    return found


def _deleted(content: Row | None, tombstone: Row | None) -> bool:
    if content is None or tombstone is None:
        return content is None
    changed, gone = content["source_updated_at"], tombstone["source_updated_at"]
    if changed is None or gone is None or changed == gone:
        return bool(content["ingested_at"] <= tombstone["ingested_at"])
    return bool(changed < gone)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(batches=_batches(), data=st.data())
def test_the_order_of_batches_and_loads_makes_no_difference(batches: list[list[Row]], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(batches))
    cut = data.draw(st.integers(0, len(batches)))
    one, other = _warehouse(), _warehouse()
    _load(one, batches)
    for part in (shuffled[:cut], shuffled[cut:], shuffled[:cut]):
        _load(other, part)
    assert _state(one) == _state(other) == _expected(batches)


def test_a_tombstone_keeps_what_the_row_was_and_a_later_sighting_revives_it() -> None:
    warehouse = _warehouse()
    row = _row(source_id="1", name="floor", ingested_at=_hours(1), source_updated_at=_hours(0))
    _load(warehouse, [[row]])
    _load(warehouse, [[_row(source_id="1", deleted=True, content_hash=None, ingested_at=_hours(2), batch_id="b")]])
    assert warehouse.rows("SELECT name, deleted FROM raw.location") == [("floor", True)]
    _load(warehouse, [[row | {"ingested_at": _hours(3), "batch_id": "c"}]])
    assert warehouse.rows("SELECT name, deleted FROM raw.location") == [("floor", False)]


def test_a_batch_mapped_anew_takes_its_own_place() -> None:
    warehouse = _warehouse()
    _load(warehouse, [[_row(source_id="1", name="old mapping", content_hash="z")]])
    _load(warehouse, [[_row(source_id="1", name="new mapping", content_hash="a")]])
    assert warehouse.rows("SELECT name FROM raw.location") == [("new mapping",)]


@pytest.mark.parametrize("entity", sorted(ENTITIES))
def test_every_entity_merges_in_duckdb(entity: str) -> None:
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA raw")
    warehouse = DuckDBWarehouse(connection, Path("memory"))
    warehouse.evolve([ENTITIES[entity]])
    schema = ENTITIES[entity].schema()
    rows = [dict.fromkeys(schema.names) | _row(source_id="1") | {"name": "x"}]
    table = pa.Table.from_pylist([{name: row.get(name) for name in schema.names} for row in rows], schema=schema)
    staged = StagedObject("key", "acme", ENTITIES[entity], "b", lambda: iter(table.to_batches()))
    warehouse.merge([staged], lambda: None, START)
    assert warehouse.rows(f"SELECT source_id, deleted FROM {DUCKDB.name('raw', entity)}") == [("1", False)]


@pytest.mark.parametrize("entity", sorted(ENTITIES))
def test_bigquery_gets_its_own_names_and_types(entity: str) -> None:
    target, staged = BIGQUERY.name("p", "d", entity), BIGQUERY.name("p", "d", "staged")
    ddl = create_table(BIGQUERY, target, ENTITIES[entity].stored)
    text = "\n".join(
        [
            ddl,
            resolve(BIGQUERY, target, staged, "`newest`"),
            merge(BIGQUERY, target, staged, "`newest`", ENTITIES[entity]),
        ]
    )
    assert '"' not in text
    assert text.count("`") % 2 == 0
    assert not {"VARCHAR", "BIGINT", "TIMESTAMPTZ", "DOUBLE"} & set(text.replace(",", " ").replace(")", " ").split())
    assert text.count("MERGE INTO") == 1


def _row(**values: Any) -> Row:
    return {
        "tenant": "acme",
        "feed": "shop",
        "source": "shopify",
        "root_id": values.get("source_id"),
        "ingested_at": START,
        "batch_id": "a",
        "content_hash": "h",
        "deleted": False,
    } | values
