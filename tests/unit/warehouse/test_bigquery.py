"""What BigQuery is told, and in which order; no project is asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from varai.canonical import ENTITIES
from varai.kernel import Conflict, Misconfigured
from varai.warehouse.bigquery import BigQueryWarehouse, parse_address
from varai.warehouse.protocol import StagedObject

pytest.importorskip("google.cloud.bigquery")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class _Client:
    """Writes down what it is asked; answers with nothing."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any, Any]] = []

    def query(self, statement: str, job_config: Any) -> _Client:
        self.asked.append(("query", statement, job_config))
        return self

    def load_table_from_file(self, file: Any, table: str, job_config: Any, rewind: bool) -> _Client:
        assert rewind
        self.asked.append(("load", table, (pq.read_table(file), job_config)))
        return self

    def result(self) -> list[Any]:
        return []


def _staged(entity: str, batch_id: str, ids: list[str]) -> StagedObject:
    schema = ENTITIES[entity].schema()
    rows = [dict.fromkeys(schema.names) | {"tenant": "acme", "source_id": source_id} for source_id in ids]

    def open_() -> Iterator[pa.RecordBatch]:
        yield from pa.Table.from_pylist(rows, schema=schema).to_batches()

    return StagedObject(f"canonical/acme/{entity}/{batch_id}.parquet", "acme", ENTITIES[entity], batch_id, open_)


def test_a_load_is_jobs_then_one_transaction_then_a_sweep() -> None:
    client = _Client()
    warehouse = BigQueryWarehouse(client, "project", "eu_raw")
    staged = [_staged("product", "b1", ["1", "2"]), _staged("product", "b2", ["3"]), _staged("variant", "b1", ["4"])]
    done = warehouse.merge(staged, lambda: None, NOW)
    assert [(batch.entity, batch.rows) for batch in done] == [("product", 2), ("product", 1), ("variant", 1)]
    kinds = [kind for kind, _, _ in client.asked]
    assert kinds == ["load"] * 3 + ["query"] + ["query"] * 2
    first, second = client.asked[0], client.asked[1]
    assert first[1] == second[1]
    assert first[1].startswith("project.eu_raw.staged_product_")
    assert second[2][0]["staged_row"].to_pylist() == [2]
    assert first[2][1].write_disposition == "WRITE_APPEND"
    schema = {field.name: (field.field_type, field.mode) for field in first[2][1].schema}
    assert schema["tags"] == ("STRING", "REPEATED")
    assert schema["source_updated_at"] == ("TIMESTAMP", "NULLABLE")
    script = client.asked[3][1]
    assert script.startswith("BEGIN TRANSACTION")
    assert script.rstrip().endswith("COMMIT TRANSACTION;")
    assert script.count("MERGE INTO `project`.`eu_raw`.`product`") == 1
    assert script.count("MERGE INTO `project`.`eu_raw`.`variant`") == 1
    assert script.count("MERGE INTO `project`.`eu_raw`.`loads`") == 1
    assert all(statement.startswith("DROP TABLE IF EXISTS") for _, statement, _ in client.asked[4:])


def test_a_lost_lease_sends_no_transaction_and_sweeps() -> None:
    client = _Client()

    def lost() -> None:
        raise Conflict("The lease was taken over.")

    with pytest.raises(Conflict):
        BigQueryWarehouse(client, "project", "eu_raw").merge([_staged("product", "b1", ["1"])], lost, NOW)
    assert [kind for kind, _, _ in client.asked] == ["load", "query"]
    assert client.asked[1][1].startswith("DROP TABLE")


def test_values_travel_as_parameters() -> None:
    client = _Client()
    BigQueryWarehouse(client, "project", "eu_raw").loads("acme'; DROP TABLE x")
    _, statement, config = client.asked[0]
    assert "acme" not in statement
    assert config.query_parameters[0].value == "acme'; DROP TABLE x"


@pytest.mark.parametrize("address", ["bigquery://project", "bigquery:///dataset", "bigquery://p/d/t", "/tmp/x.duckdb"])
def test_an_address_that_is_none_is_a_sentence(address: str) -> None:
    with pytest.raises(Misconfigured, match="bigquery://project/dataset"):
        parse_address(address)


def test_an_address_names_project_and_dataset() -> None:
    assert parse_address("bigquery://my-project/eu") == ("my-project", "eu")


def test_what_lacks_is_asked_of_the_dataset_and_nothing_is_made() -> None:
    client = _Client()
    lacking = BigQueryWarehouse(client, "project", "eu_raw").lacking([ENTITIES["product"]])
    assert lacking == ("create the table raw.loads", "create the table raw.product")
    ((_, statement, _),) = client.asked
    assert statement.startswith("SELECT") and "FROM `project`.`eu_raw`.`INFORMATION_SCHEMA`.`COLUMNS`" in statement
