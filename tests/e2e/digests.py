"""Digests of what a region holds, equal when its contents are: plaintext, in order of identity, without fields of the run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.e2e.stack import Stack
from varai import catalogue, landing, warehouse
from varai.gate import quarantine
from varai.landing.reading import chunks_of
from varai.marts import Reader
from varai.privacy import open_object
from varai.river.transform import transform
from varai.stores import objects

_OF_THE_RUN = ("batch_id", "ingested_at")


def digests(stack: Stack) -> dict[str, str]:
    """Landing, quarantine, catalogue, warehouse and hashes of the stack's tenant."""
    tenant = stack.spec.name
    with warehouse.connect(stack.settings.scope(stack.region)) as opened:
        rows = opened.digest(tenant)
    return {
        "landing": _digest(sorted(_lines(stack))),
        "quarantine": _digest(
            sorted(
                (row.entity, row.source_id, row.reasons, row.flags)
                for row in quarantine.list_rows(stack.scope, tenant, limit=None)
            )
        ),
        "catalogue": catalogue.digest(stack.scope, tenant),
        "warehouse": rows,
        "hashes": _digest(sorted(_hashes(stack), key=lambda row: (row["entity"], row["source_id"]))),
    }


def published(stack: Stack) -> dict[str, str]:
    """Build and publish the marts; the snapshot's id, and of every mart its columns and its rows in their order."""
    transform(stack.settings, stack.region, holder="test")
    with Reader(stack.scope, stack.home / "cache").current(stack.spec.name) as snapshot:
        marts = {name: pq.ParquetFile(snapshot.path(name)).read() for name in sorted(snapshot.manifest.marts)}
        shown = {name: _digest([str(mart.schema), *mart.to_pylist()]) for name, mart in marts.items()}
        return {"snapshot": snapshot.id, **shown}


def hashes_of(stack: Stack, stream: str) -> list[dict[str, Any]]:
    """What the river remembers of every row of a stream."""
    key = stack.state(stream).hashes
    if not objects(stack.scope).exists(key):
        return []
    with objects(stack.scope).open(key) as file:
        found: list[dict[str, Any]] = pq.read_table(file).to_pylist()
    return found


def known(stack: Stack, stream: str, entity: str) -> set[str]:
    """Ids of the rows of an entity that are alive, whatever their verdict."""
    return {row["source_id"] for row in hashes_of(stack, stream) if row["entity"] == entity and not row["deleted"]}


def warehoused(stack: Stack, entity: str) -> set[str]:
    """Ids of an entity's rows that the warehouse holds alive."""
    with warehouse.connect(stack.settings.scope(stack.region)) as opened:
        rows = opened.rows(f"SELECT source_id FROM raw.\"{entity}\" WHERE NOT deleted AND tenant = '{stack.spec.name}'")
    return {row[0] for row in rows}


def table(stack: Stack, key: str) -> pa.Table:
    """A Parquet object of the bucket, opened if it is sealed."""
    with open_object(stack.scope, key) as file:
        return pq.read_table(pa.py_buffer(file.read()))


def _lines(stack: Stack) -> set[str]:
    """Every record that ever landed: a second look at the same record adds nothing."""
    found: set[str] = set()
    for manifest in landing.manifests(stack.scope, stack.spec.name):
        for chunk in chunks_of(stack.scope, manifest):
            found.update(f"{manifest.stream} {line.decode()}" for line in chunk.splitlines())
    return found


def _hashes(stack: Stack) -> Iterable[dict[str, Any]]:
    for stream in ("shop", "locations", "products", "inventory", "customers", "orders", "payouts", "disputes"):
        for row in hashes_of(stack, stream):
            yield {name: value for name, value in row.items() if name not in _OF_THE_RUN}


def _digest(values: Iterable[object]) -> str:
    found = hashlib.sha256()
    for value in values:
        found.update(json.dumps(value, default=str).encode() + b"\n")
    return found.hexdigest()
