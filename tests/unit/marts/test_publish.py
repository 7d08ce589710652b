"""A tenant's snapshot is swapped whole, only when its contents changed, and only by one writer."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO

import duckdb
import pyarrow.parquet as pq
import pytest

from varai.kernel import Conflict, Scope
from varai.marts import Mart, publish
from varai.marts.publish import KEEP, read_manifest
from varai.marts.words import Manifest, manifest_key
from varai.stores import objects
from varai.stores.folder import FolderStore

NOW = datetime(2026, 2, 1, tzinfo=UTC)
Connection = duckdb.DuckDBPyConnection


def _manifest(scope: Scope, tenant: str) -> Manifest:
    found = read_manifest(objects(scope), tenant)
    assert found is not None
    return found[0]


def _sell(connection: Connection, tenant: str, line_id: str) -> None:
    connection.execute(
        "INSERT INTO marts.fct_order_line VALUES ($t, 'shop', $l, NULL, 1, 100, TIMESTAMPTZ '2026-01-07 12:00:00+00')",
        {"t": tenant, "l": line_id},
    )


def _snapshots(scope: Scope, tenant: str) -> set[str]:
    return {key.split("/")[2] for key in objects(scope).list(f"published/{tenant}/") if key.endswith(".parquet")}


def test_the_manifest_says_what_the_files_are(scope: Scope, connection: Connection, marts: Sequence[Mart]) -> None:
    current = publish(scope, connection, marts, now=NOW, facts={"acme": {"withheld_count": 3}})
    assert set(current) == {"acme", "zenith"}
    manifest = _manifest(scope, "acme")
    assert manifest.snapshot_id == current["acme"]
    assert manifest.as_of == NOW
    assert manifest.data_class == "personal"
    assert manifest.history_from == {"shop": datetime(2026, 1, 4, 12, tzinfo=UTC)}
    assert manifest.facts == {"withheld_count": 3}
    for name, mart in manifest.marts.items():
        assert mart.key == f"published/acme/{manifest.snapshot_id}/{name}.parquet"
        data = objects(scope).read(mart.key)
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (mart.sha256, mart.bytes)
        path = objects(scope).local(mart.key)
        assert path is not None
        table = pq.ParquetFile(path).read()
        assert table.num_rows == mart.rows
        assert set(table["tenant"].to_pylist()) == {"acme"}


def test_only_tenants_that_changed_are_written(scope: Scope, connection: Connection, marts: Sequence[Mart]) -> None:
    before = publish(scope, connection, marts, now=NOW)
    _sell(connection, "acme", "l3")
    after = publish(scope, connection, marts, now=NOW + timedelta(hours=1))
    assert after["zenith"] == before["zenith"]
    assert after["acme"] != before["acme"]
    assert _manifest(scope, "zenith").as_of == NOW
    assert _manifest(scope, "acme").as_of == NOW + timedelta(hours=1)


def test_the_order_of_rows_in_the_warehouse_is_not_a_change(
    scope: Scope, connection: Connection, marts: Sequence[Mart]
) -> None:
    before = publish(scope, connection, marts, now=NOW)
    connection.execute(
        "CREATE OR REPLACE TABLE marts.fct_order_line AS FROM marts.fct_order_line ORDER BY line_id DESC, tenant DESC"
    )
    assert publish(scope, connection, marts, now=NOW) == before


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE marts.fct_order_line SET subject = '' WHERE subject IS NULL",
        "ALTER TABLE marts.fct_order_line ALTER quantity TYPE BIGINT",
        "ALTER TABLE marts.fct_order_line RENAME quantity TO pieces",
        "INSERT INTO marts.fct_order_line FROM marts.fct_order_line WHERE line_id = 'l2'",
    ],
)
def test_any_change_of_values_names_or_types_is_a_change(
    scope: Scope, connection: Connection, marts: Sequence[Mart], change: str
) -> None:
    before = publish(scope, connection, marts)
    connection.execute(change)
    assert publish(scope, connection, marts)["acme"] != before["acme"]


def test_a_withheld_tenant_keeps_what_it_has(scope: Scope, connection: Connection, marts: Sequence[Mart]) -> None:
    before = publish(scope, connection, marts, {"zenith"})
    assert set(before) == {"acme"}
    assert not objects(scope).exists(manifest_key("zenith"))
    for tenant in ("acme", "zenith"):
        _sell(connection, tenant, "l3")
    after = publish(scope, connection, marts, {"acme"})
    assert after["acme"] == before["acme"]
    assert "zenith" in after


def test_a_crash_before_the_swap_shows_nobody_anything(
    scope: Scope, connection: Connection, marts: Sequence[Mart], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = publish(scope, connection, marts, now=NOW)
    _sell(connection, "acme", "l3")
    with monkeypatch.context() as patch:
        patch.setattr(FolderStore, "swap", _killed)
        with pytest.raises(KeyboardInterrupt):
            publish(scope, connection, marts, now=NOW)
    assert _manifest(scope, "acme").snapshot_id == before["acme"]
    left = _snapshots(scope, "acme") - {before["acme"]}
    assert len(left) == 1
    _sell(connection, "acme", "l4")
    after = publish(scope, connection, marts, now=NOW)
    assert _snapshots(scope, "acme") == {before["acme"], after["acme"]}, "what the crash left is swept"


def test_two_publishers_do_not_overwrite_each_other(
    scope: Scope, connection: Connection, marts: Sequence[Mart], monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(scope, connection, marts, now=NOW)
    _sell(connection, "acme", "l3")
    read_back = FolderStore.open

    def after_a_rival(store: FolderStore, key: str) -> BinaryIO:
        rival = _manifest(scope, "acme").model_copy(update={"snapshot_id": "rival"})
        store.write(manifest_key("acme"), rival.model_dump_json().encode())
        return read_back(store, key)

    monkeypatch.setattr(FolderStore, "open", after_a_rival)
    with pytest.raises(Conflict):
        publish(scope, connection, marts, now=NOW)
    assert _manifest(scope, "acme").snapshot_id == "rival"


def test_the_last_snapshots_are_kept_and_older_ones_swept(
    scope: Scope, connection: Connection, marts: Sequence[Mart]
) -> None:
    ids = []
    for number in range(KEEP + 3):
        _sell(connection, "acme", f"more {number}")
        ids.append(publish(scope, connection, marts)["acme"])
    assert _snapshots(scope, "acme") == set(ids[-KEEP - 1 :])
    assert _manifest(scope, "acme").previous == tuple(reversed(ids[-KEEP - 1 : -1]))


def test_contents_that_come_back_are_the_same_snapshot(
    scope: Scope, connection: Connection, marts: Sequence[Mart]
) -> None:
    first = publish(scope, connection, marts)["acme"]
    sums = _manifest(scope, "acme").marts
    _sell(connection, "acme", "l3")
    publish(scope, connection, marts)
    connection.execute("DELETE FROM marts.fct_order_line WHERE line_id = 'l3'")
    assert publish(scope, connection, marts)["acme"] == first
    manifest = _manifest(scope, "acme")
    assert manifest.marts == sums, "equal rows give equal bytes"
    assert first not in manifest.previous


def test_a_tenant_whose_rows_all_went_away_is_published_empty(
    scope: Scope, connection: Connection, marts: Sequence[Mart]
) -> None:
    publish(scope, connection, marts)
    connection.execute(
        "DELETE FROM marts.fct_order_line WHERE tenant = 'zenith'; DELETE FROM marts.daily_sales WHERE tenant = 'zenith'"
    )
    publish(scope, connection, marts)
    assert {mart.rows for mart in _manifest(scope, "zenith").marts.values()} == {0}


def _killed(*_: Any) -> None:
    raise KeyboardInterrupt
