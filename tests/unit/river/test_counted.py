"""What the warehouse holds is counted alike in either kind: in DuckDB's file for real, in BigQuery by what it would be told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from varai.kernel import FeedKey
from varai.river import counted
from varai.settings import load
from varai.warehouse.bigquery import BigQueryWarehouse
from varai.warehouse.duck import connect_duckdb

KEY = FeedKey("acme", "shop")
NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)


def test_rows_are_counted_of_one_feed_and_alive(tmp_path: Path) -> None:
    home = {"VARAI_HOME": str(tmp_path), "VARAI_STORES__EU__DOCUMENTS_URI": "mongodb://127.0.0.1:1/"}
    with connect_duckdb(load(home).scope("eu")) as opened:
        opened.connection.execute(
            """
            CREATE SCHEMA raw;
            CREATE TABLE raw."order" AS SELECT * FROM (VALUES
                ('acme', 'shop', 'o1', false), ('acme', 'shop', 'o2', false), ('acme', 'shop', 'o3', true),
                ('acme', 'second', 'o1', false), ('zenith', 'shop', 'o1', false)) AS t(tenant, feed, source_id, deleted);
            CREATE TABLE raw.order_line AS SELECT * FROM (VALUES
                ('acme', 'shop', 'l1', 'o1', false), ('acme', 'shop', 'l2', 'o1', false), ('acme', 'shop', 'l3', 'o2', true),
                ('acme', 'second', 'l4', 'o2', false)) AS t(tenant, feed, source_id, order_id, deleted);
            CREATE TABLE raw.loads AS SELECT * FROM (VALUES
                ('acme', 'order', 7, TIMESTAMPTZ '2026-02-01 12:00:01+00'), ('acme', 'order', 5, TIMESTAMPTZ '2026-02-01 12:00:00+00'),
                ('acme', 'product', 3, TIMESTAMPTZ '2026-02-01 13:00:00+00'),
                ('zenith', 'order', 2, TIMESTAMPTZ '2026-02-01 13:00:00+00')) AS t(tenant, entity, rows, loaded_at);
            """
        )
        assert counted.live(opened, KEY, "order") == 2
        assert counted.with_child(opened, KEY, "order", "order_line", "order_id") == 1
        assert counted.loaded_since(opened, "acme", ("order", "order_line"), NOON) == 7
        assert counted.loaded_since(opened, "acme", ("order",), NOON + timedelta(hours=1)) == 0


class _Client:
    """Writes down what it is told; answers every question with 3."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def query(self, statement: str, job_config: Any) -> _Client:
        self.told.append(statement)
        return self

    def result(self) -> list[dict[str, int]]:
        return [{"count": 3}]


def test_bigquery_is_asked_for_its_own_tables_in_its_own_words() -> None:
    pytest.importorskip("google.cloud.bigquery")
    client = _Client()
    opened = BigQueryWarehouse(client, "project", "eu_raw")
    assert counted.live(opened, KEY, "order") == 3
    assert counted.with_child(opened, KEY, "order", "order_line", "order_id") == 3
    assert counted.loaded_since(opened, "acme", ("order",), NOON) == 3
    live, with_child, since = client.told
    assert "FROM `project`.`eu_raw`.`order` WHERE" in live
    assert "FROM `project`.`eu_raw`.`order` AS record" in with_child
    assert "JOIN `project`.`eu_raw`.`order_line` AS child" in with_child
    assert "FROM `project`.`eu_raw`.`loads` AS loads" in since
    assert "loaded_at > CAST('2026-02-01T12:00:00+00:00' AS TIMESTAMP)" in since
    assert not any('"' in statement or "raw." in statement for statement in client.told)
