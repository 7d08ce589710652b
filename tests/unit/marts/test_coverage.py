"""How far figures are complete stands beside the snapshot: it moves, and the snapshot does not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from varai.kernel import Conflict, Scope
from varai.marts import FeedCoverage, Mart, Reader, publish, put_coverage
from varai.marts.publish import KEEP
from varai.marts.words import coverage_key, manifest_key
from varai.stores import objects
from varai.stores.folder import FolderStore

NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)
Connection = duckdb.DuckDBPyConnection


def _read(until: datetime) -> dict[str, FeedCoverage]:
    return {"shop": FeedCoverage(complete_until=until, timezone="Europe/Berlin")}


def test_a_watermark_that_moves_leaves_the_manifest_byte_for_byte(
    scope: Scope, connection: Connection, marts: Sequence[Mart], tmp_path: Path
) -> None:
    manifests = set()
    for hours in range(3):
        current = publish(scope, connection, marts, now=NOON + timedelta(hours=hours))
        put_coverage(scope, "acme", current["acme"], _read(NOON + timedelta(hours=hours)))
        manifests.add(objects(scope).read(manifest_key("acme")))
    assert len(manifests) == 1
    with Reader(scope, tmp_path / "cache").current("acme") as snapshot:
        assert snapshot.coverage == _read(NOON + timedelta(hours=2))


def test_what_was_complete_before_is_so_until_more_is_said(
    scope: Scope, connection: Connection, marts: Sequence[Mart], tmp_path: Path
) -> None:
    """A crash after the swap of the manifest leaves the coverage of the snapshot before."""
    put_coverage(scope, "acme", publish(scope, connection, marts)["acme"], _read(NOON))
    for number in range(KEEP + 1):
        with Reader(scope, tmp_path / "cache").current("acme") as snapshot:
            assert snapshot.coverage == _read(NOON)
        connection.execute(
            "INSERT INTO marts.fct_order_line SELECT * REPLACE ($l AS line_id) FROM marts.fct_order_line WHERE line_id = 'l2'",
            {"l": f"new {number}"},
        )
        publish(scope, connection, marts)
    with Reader(scope, tmp_path / "cache").current("acme") as snapshot:
        assert snapshot.coverage == {}, "it is of a snapshot that nobody keeps"


def test_two_writers_do_not_overwrite_each_other(scope: Scope, monkeypatch: pytest.MonkeyPatch) -> None:
    put_coverage(scope, "acme", "s1", _read(NOON))
    look = FolderStore.get

    def before_a_rival(store: FolderStore, key: str) -> tuple[bytes, str] | None:
        found = look(store, key)
        store.write(coverage_key("acme"), b"a rival's")
        return found

    monkeypatch.setattr(FolderStore, "get", before_a_rival)
    with pytest.raises(Conflict):
        put_coverage(scope, "acme", "s1", _read(NOON + timedelta(hours=1)))
