"""The BigQuery warehouse: staged objects go up by load jobs with an explicit schema, then one script merges them.

The dataset `<dataset>_raw` lies in the region's location. Written against google-cloud-bigquery; what is tested here is the
SQL it sends and the order of its calls, not a live project.
"""

from __future__ import annotations

import hashlib
import io
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import groupby
from typing import Any, Final
from urllib.parse import urlparse

import pyarrow as pa
import pyarrow.parquet as pq

from varai.canonical import ENTITIES, Entity, Field
from varai.kernel import Misconfigured, Scope
from varai.warehouse import merge as sql
from varai.warehouse.merge import BIGQUERY, LOADS, STAGED_ROW
from varai.warehouse.protocol import Check, LoadedBatch, StagedObject

SCHEME = "bigquery://"


@contextmanager
def connect_bigquery(scope: Scope) -> Iterator[BigQueryWarehouse]:
    """A client of the region's project. See `varai.warehouse.connect`."""
    from google.cloud import bigquery  # the cloud extra; absent on a laptop

    project, dataset = parse_address(scope.warehouse)
    client = bigquery.Client(project=project)
    try:
        yield BigQueryWarehouse(client, project, f"{dataset}_raw")
    finally:
        client.close()


def parse_address(address: str) -> tuple[str, str]:
    """Project and dataset of bigquery://project/dataset; raises Misconfigured."""
    parts = urlparse(address)
    dataset = parts.path.strip("/")
    if parts.scheme != "bigquery" or not parts.netloc or not dataset or "/" in dataset:
        raise Misconfigured(
            f"'{address}' is not the address of a BigQuery dataset.", "Write it as bigquery://project/dataset."
        )
    return parts.netloc, dataset


class BigQueryWarehouse:
    """See Warehouse. `client` is a google.cloud.bigquery.Client."""

    dialect: Final = BIGQUERY

    def __init__(self, client: Any, project: str, dataset: str) -> None:
        self._client = client
        self._project = project
        self._dataset = dataset

    def table(self, name: str) -> str:
        """See Warehouse."""
        return BIGQUERY.name(self._project, self._dataset, name)

    def evolve(self, entities: Sequence[Entity]) -> None:
        """See Warehouse. BigQuery allows no DDL inside a transaction, so this stands before it."""
        self._run(sql.create_table(BIGQUERY, self.table("loads"), LOADS))
        for entity in entities:
            fields = sql.columns(entity)
            self._run(sql.create_table(BIGQUERY, self.table(entity.name), fields) + " CLUSTER BY tenant, feed")
            self._run(";\n".join(sql.add_column(BIGQUERY, self.table(entity.name), field) for field in fields))

    def lacking(self, entities: Sequence[Entity]) -> tuple[str, ...]:
        """See Warehouse."""
        there: dict[str, set[str]] = {}
        for table, column in self.rows(
            f"SELECT table_name, column_name FROM {self.table('INFORMATION_SCHEMA')}.`COLUMNS`"
        ):
            there.setdefault(table, set()).add(column)
        return tuple(sql.lacking(there, entities))

    def merge(self, staged: Sequence[StagedObject], check: Check, loaded_at: datetime) -> tuple[LoadedBatch, ...]:
        """See Warehouse. Staging tables carry a suffix of their own and are dropped afterwards."""
        suffix = uuid.uuid4().hex[:12]
        done: list[LoadedBatch] = []
        tables: dict[str, str] = {}
        try:
            for name, group in groupby(staged, key=lambda item: item.entity.name):
                tables[name] = f"staged_{name}_{suffix}"
                first = 0
                for item in group:
                    done.append(self._upload(item, tables[name], first))
                    first += done[-1].rows
            check()
            self._run(self.script(tables), self._parameters(done, loaded_at))
        finally:
            for table in tables.values():
                self._run(f"DROP TABLE IF EXISTS {self.table(table)}")
        return tuple(done)

    def script(self, tables: dict[str, str]) -> str:
        """The transaction: one MERGE per entity (name -> staging table), then the record of the batches in `@batches`."""
        merges: list[str] = []
        for name, table in tables.items():
            target, newest = self.table(name), BIGQUERY.name(f"newest_{name}")
            merges.append(sql.resolve(BIGQUERY, target, self.table(table), newest))
            merges.append(sql.merge(BIGQUERY, target, self.table(table), newest, ENTITIES[name]))
        loads = self.table("loads")
        same = "kept.tenant = batch.tenant AND kept.entity = batch.entity AND kept.batch_id = batch.batch_id"
        record = (
            f"MERGE INTO {loads} AS kept USING UNNEST(@batches) AS batch ON {same}\n"
            "WHEN MATCHED THEN UPDATE SET `rows` = batch.rows, loaded_at = @loaded_at\n"
            "WHEN NOT MATCHED THEN INSERT (tenant, entity, batch_id, `rows`, loaded_at)\n"
            "  VALUES (batch.tenant, batch.entity, batch.batch_id, batch.rows, @loaded_at)"
        )
        return ";\n".join(["BEGIN TRANSACTION", *merges, record, "COMMIT TRANSACTION"]) + ";"

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """See Warehouse."""
        return [tuple(row.values()) for row in self._run(statement)]

    def loads(self, tenant: str) -> tuple[LoadedBatch, ...]:
        """See Warehouse."""
        found = self._run(
            f"SELECT tenant, entity, batch_id, `rows` FROM {self.table('loads')} WHERE tenant = @tenant ORDER BY entity, batch_id",
            [_scalar("tenant", "STRING", tenant)],
        )
        return tuple(LoadedBatch(*row.values()) for row in found)

    def digest(self, tenant: str) -> str:
        """See Warehouse. Rows are written as JSON here: equal to itself between runs, not to a DuckDB warehouse's digest."""
        digest = hashlib.sha256()
        for entity in sorted(ENTITIES.values(), key=lambda item: item.name):
            digest.update(f"\n{entity.name}\n".encode())
            columns = BIGQUERY.names(sql.digested(entity))
            found = self._run(
                f"SELECT TO_HEX(SHA256(TO_JSON_STRING(STRUCT({columns})))) FROM {self.table(entity.name)}"
                " WHERE tenant = @tenant ORDER BY feed, source_id",
                [_scalar("tenant", "STRING", tenant)],
            )
            for row in found:
                digest.update(row[0].encode())
        return digest.hexdigest()

    def _upload(self, item: StagedObject, table: str, first: int) -> LoadedBatch:
        """One load job for one staged object, appended to the staging table; its rows are numbered from `first`."""
        from google.cloud import bigquery

        options = bigquery.ParquetOptions()
        options.enable_list_inference = True
        config = bigquery.LoadJobConfig(
            source_format="PARQUET",
            write_disposition="WRITE_APPEND",
            parquet_options=options,
            schema=[_schema_field(bigquery, field) for field in (*item.entity.stored, STAGED_ROW)],
        )
        data, rows = _parquet(item, first)
        self._client.load_table_from_file(
            data, f"{self._project}.{self._dataset}.{table}", job_config=config, rewind=True
        ).result()
        return LoadedBatch(item.tenant, item.entity.name, item.batch_id, rows)

    def _parameters(self, done: Sequence[LoadedBatch], loaded_at: datetime) -> list[Any]:
        from google.cloud import bigquery

        structs = [
            bigquery.StructQueryParameter(
                None,
                _scalar("tenant", "STRING", batch.tenant),
                _scalar("entity", "STRING", batch.entity),
                _scalar("batch_id", "STRING", batch.batch_id),
                _scalar("rows", "INT64", batch.rows),
            )
            for batch in done
        ]
        return [
            bigquery.ArrayQueryParameter("batches", "STRUCT", structs),
            _scalar("loaded_at", "TIMESTAMP", loaded_at),
        ]

    def _run(self, statement: str, parameters: Sequence[Any] = ()) -> Any:
        from google.cloud import bigquery

        return self._client.query(
            statement, job_config=bigquery.QueryJobConfig(query_parameters=list(parameters))
        ).result()


def _scalar(name: str, kind: str, value: object) -> Any:
    from google.cloud import bigquery

    return bigquery.ScalarQueryParameter(name, kind, value)


def _schema_field(bigquery: Any, field: Field) -> Any:
    kind = BIGQUERY.type_of(field)
    repeated = kind.startswith("ARRAY<")
    return bigquery.SchemaField(
        field.name, kind[6:-1] if repeated else kind, mode="REPEATED" if repeated else "NULLABLE"
    )


def _parquet(item: StagedObject, first: int) -> tuple[io.BytesIO, int]:
    """The object's rows as plaintext Parquet in memory; it leaves only through TLS to the region's own location."""
    buffer, rows = io.BytesIO(), 0
    schema = item.entity.schema().append(pa.field(STAGED_ROW.name, pa.int64()))
    with pq.ParquetWriter(buffer, schema, compression="zstd") as writer:
        for batch in item.open():
            numbers = pa.array(range(first + rows, first + rows + batch.num_rows), pa.int64())
            writer.write_table(pa.Table.from_batches([batch]).append_column(schema.field(STAGED_ROW.name), numbers))
            rows += batch.num_rows
    buffer.seek(0)
    return buffer, rows
