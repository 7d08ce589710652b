"""Publish: built marts -> one immutable snapshot of Parquet files per tenant, named by one manifest that is swapped whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import duckdb
import pyarrow.parquet as pq

from varai.kernel import Scope, utc_now
from varai.marts.fingerprint import row_hash
from varai.marts.words import PREFIX, Manifest, Mart, PublishedMart, manifest_key, mart_key
from varai.stores import ObjectStore, objects

KEEP = 3
_FORMAT = "1"
_ROWS = 65_536
_CLASSES = ("public", "internal", "personal", "health")
_HISTORY_MART = "fct_order_line"


def publish(
    scope: Scope,
    connection: duckdb.DuckDBPyConnection,
    marts: Sequence[Mart],
    withheld: Collection[str] = (),
    *,
    now: datetime | None = None,
    facts: Mapping[str, Mapping[str, Any]] | None = None,
    anew: Collection[str] = (),
) -> dict[str, str]:
    """Publish every tenant whose contents changed since its last snapshot; returns tenant -> its current snapshot id.

    A snapshot's id is made from the fingerprints of its marts, so equal contents have equal ids and are not written again.
    Files are written first and the manifest is swapped last: a reader sees the old snapshot or the new one, whole. A crash
    in between leaves files no manifest names; the tenant's next publication sweeps them.

    Args:
        scope: the region's scope.
        connection: an open connection to the warehouse that holds the marts.
        marts: what the build made (BuildReport.marts).
        withheld: tenants that keep the snapshot they have, or have none.
        now: written as `as_of`; the present by default.
        facts: tenant -> what else its manifest says; a change of them alone publishes anew too.
        anew: tenants whose files are written again though their contents are the same: somebody has damaged them.

    Raises:
        Conflict: somebody else swapped the tenant's manifest meanwhile. DiskFull: no space is left.
    """
    cursor = connection.cursor()
    try:
        cursor.execute("SET TimeZone = 'UTC'")
        prints = {mart.name: _fingerprints(cursor, mart) for mart in marts}
        store = objects(scope)
        tenants = {tenant for found in prints.values() for tenant in found} | _published(store)
        current: dict[str, str] = {}
        for tenant in sorted(tenants):
            contents = {name: found.get(tenant, ("", 0)) for name, found in prints.items()}
            snapshot = _publish_tenant(
                store,
                cursor,
                marts,
                tenant,
                contents,
                (facts or {}).get(tenant, {}),
                tenant in withheld,
                now or utc_now(),
                anew=tenant in anew,
            )
            if snapshot is not None:
                current[tenant] = snapshot
        return current
    finally:
        cursor.close()


def read_manifest(store: ObjectStore, tenant: str) -> tuple[Manifest, str] | None:
    """A tenant's manifest and its version, or None when nothing was published yet."""
    found = store.get(manifest_key(tenant))
    return None if found is None else (Manifest.model_validate_json(found[0]), found[1])


def _publish_tenant(
    store: ObjectStore,
    cursor: duckdb.DuckDBPyConnection,
    marts: Sequence[Mart],
    tenant: str,
    contents: Mapping[str, tuple[str, int]],
    facts: Mapping[str, Any],
    withheld: bool,
    now: datetime,
    *,
    anew: bool,
) -> str | None:
    """Write a tenant's snapshot when it differs from the current one; returns the id that is current afterwards."""
    found = read_manifest(store, tenant)
    snapshot = _snapshot_id(cursor, marts, contents, facts)
    if found is not None and (withheld or (found[0].snapshot_id == snapshot and not anew)):
        return found[0].snapshot_id
    if withheld:
        return None
    files = {mart.name: _write(store, cursor, mart, tenant, snapshot, contents[mart.name][0]) for mart in marts}
    kept = [snapshot_id for snapshot_id in _lineage(found) if snapshot_id != snapshot][:KEEP]
    manifest = Manifest(
        tenant=tenant,
        snapshot_id=snapshot,
        as_of=now,
        data_class=max((mart.data_class for mart in marts), key=_CLASSES.index),
        history_from=_history(cursor, marts, tenant),
        marts=files,
        facts=facts,
        previous=tuple(kept),
    )
    store.swap(manifest_key(tenant), manifest.model_dump_json(indent=2).encode(), found[1] if found else None)
    _sweep(store, tenant, {snapshot, *kept})
    return snapshot


def _fingerprints(cursor: duckdb.DuckDBPyConnection, mart: Mart) -> dict[str, tuple[str, int]]:
    """Tenant -> (fingerprint of its rows sorted by their key, rows), in one pass over the mart."""
    columns = [name for name, _ in _columns(cursor, mart)]
    order = ", ".join(f'"{column}"' for column in mart.key)
    statement = f"SELECT tenant, sha256(string_agg({row_hash(columns)}, '' ORDER BY {order})), count(*) FROM {_table(mart)} GROUP BY tenant"
    return {tenant: (digest, rows) for tenant, digest, rows in cursor.execute(statement).fetchall()}


def _snapshot_id(
    cursor: duckdb.DuckDBPyConnection,
    marts: Sequence[Mart],
    contents: Mapping[str, tuple[str, int]],
    facts: Mapping[str, Any],
) -> str:
    """32 hex digits over format, columns and types, rows and facts."""
    parts = [_FORMAT, json.dumps(facts, sort_keys=True, default=str)]
    parts += [
        json.dumps([mart.name, _columns(cursor, mart), contents[mart.name][0]])
        for mart in sorted(marts, key=lambda item: item.name)
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _write(
    store: ObjectStore, cursor: duckdb.DuckDBPyConnection, mart: Mart, tenant: str, snapshot: str, fingerprint: str
) -> PublishedMart:
    """Write one mart of a tenant, sorted by its key; the same rows give the same bytes."""
    key = mart_key(tenant, snapshot, mart.name)
    order = ", ".join(f'"{column}"' for column in mart.key)
    reader = cursor.execute(
        f"SELECT * FROM {_table(mart)} WHERE tenant = $tenant ORDER BY {order}", {"tenant": tenant}
    ).to_arrow_reader(_ROWS)
    rows = 0
    with store.create(key) as file, pq.ParquetWriter(file, reader.schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(batch, row_group_size=_ROWS)
            rows += batch.num_rows
    digest, size = _digest(store, key)
    return PublishedMart(key=key, rows=rows, bytes=size, sha256=digest, fingerprint=fingerprint)


def _digest(store: ObjectStore, key: str) -> tuple[str, int]:
    """SHA-256 and size of what was written, read back: what a reader will verify."""
    digest, size = hashlib.sha256(), 0
    with store.open(key) as file:
        while chunk := file.read(2**20):
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


def _history(cursor: duckdb.DuckDBPyConnection, marts: Sequence[Mart], tenant: str) -> dict[str, datetime]:
    """The earliest sale of each feed, where sales are published."""
    mart = next((mart for mart in marts if mart.name == _HISTORY_MART), None)
    if mart is None:
        return {}
    statement = f"SELECT feed, min(processed_at) FROM {_table(mart)} WHERE tenant = $tenant GROUP BY feed ORDER BY feed"
    return dict(cursor.execute(statement, {"tenant": tenant}).fetchall())


def _lineage(found: tuple[Manifest, str] | None) -> Iterator[str]:
    if found is not None:
        yield found[0].snapshot_id
        yield from found[0].previous


def _sweep(store: ObjectStore, tenant: str, kept: Collection[str]) -> None:
    """Delete a tenant's snapshots that no manifest names any more."""
    for key in list(store.list(f"{PREFIX}{tenant}/")):
        parts = key.split("/")
        if len(parts) == 4 and parts[2] not in kept:
            store.delete(key)


def _published(store: ObjectStore) -> set[str]:
    """Tenants that have a manifest: one whose rows all went away must be published empty."""
    return {key.split("/")[1] for key in store.list(PREFIX) if key.endswith("/current.json")}


def _columns(cursor: duckdb.DuckDBPyConnection, mart: Mart) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in cursor.execute(f"DESCRIBE {_table(mart)}").fetchall()]


def _table(mart: Mart) -> str:
    return f'"{mart.schema_name}"."{mart.name}"'
