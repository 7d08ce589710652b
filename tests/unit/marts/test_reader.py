"""A reader sees one snapshot, whole and verified, for as long as it holds it, and nothing besides."""

from __future__ import annotations

import hashlib
import io
import os
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import duckdb
import pytest

from varai.kernel import Gone, Malformed, Scope
from varai.marts import Mart, Reader, Snapshot, publish
from varai.marts.cache import FileCache
from varai.stores import objects

Connection = duckdb.DuckDBPyConnection
LINES = "SELECT count(*) AS lines FROM fct_order_line"


@pytest.fixture
def reader(scope: Scope, connection: Connection, marts: Sequence[Mart], tmp_path: Path) -> Reader:
    publish(scope, connection, marts)
    return Reader(scope, tmp_path / "cache")


def test_a_query_reads_the_tenants_marts_with_bound_values(reader: Reader) -> None:
    with reader.current("acme") as snapshot:
        table = snapshot.query(
            "SELECT gross_sales_minor FROM daily_sales WHERE booked_on = $on", {"on": date(2026, 1, 5)}
        )
        assert table.to_pylist() == [{"gross_sales_minor": 1999}]
        both = snapshot.query(
            "SELECT count(*) AS n FROM daily_sales AS d JOIN fct_order_line AS l ON d.tenant = l.tenant"
        )
        assert both.to_pylist() == [{"n": 4}]


def test_a_swap_in_the_middle_of_a_request_changes_nothing_in_it(
    reader: Reader, scope: Scope, connection: Connection, marts: Sequence[Mart]
) -> None:
    with reader.current("acme") as held:
        for number in range(3):
            connection.execute(
                "INSERT INTO marts.fct_order_line SELECT * REPLACE ($l AS line_id) FROM marts.fct_order_line WHERE line_id = 'l2'",
                {"l": f"new {number}"},
            )
            publish(scope, connection, marts)
            assert held.query(LINES).to_pylist() == [{"lines": 2}]
    with reader.current("acme") as fresh:
        assert fresh.query(LINES).to_pylist() == [{"lines": 5}]


def test_a_snapshot_survives_the_cache_and_the_sweep_once_it_is_open(
    scope: Scope, connection: Connection, marts: Sequence[Mart], tmp_path: Path
) -> None:
    publish(scope, connection, marts)
    reader = Reader(scope, tmp_path / "cache", cache_bytes=1)
    with reader.current("acme") as held:
        held.query(LINES)
        with reader.current("zenith") as other:
            assert other.query(LINES).to_pylist() == [{"lines": 1}]
        objects(scope).delete_prefix("published/acme/")
        assert held.query(LINES).to_pylist() == [{"lines": 2}]


def test_a_snapshot_swept_before_it_was_read_says_so(reader: Reader, scope: Scope) -> None:
    with reader.current("acme") as held:
        objects(scope).delete_prefix("published/acme/")
        with pytest.raises(Gone, match="Ask again"):
            held.query(LINES)


def test_a_file_that_is_not_what_the_manifest_says_is_refused(reader: Reader, scope: Scope, tmp_path: Path) -> None:
    with reader.current("acme") as snapshot:
        key = snapshot.manifest.marts["fct_order_line"].key
        objects(scope).write(key, objects(scope).read(key) + b"more")
        with pytest.raises(Malformed):
            snapshot.query(LINES)
    assert _cached(tmp_path) == set(), "nothing unverified stays in the cache"


def test_the_cache_keeps_to_its_bytes_and_drops_the_least_recently_used(tmp_path: Path) -> None:
    cache = FileCache(tmp_path, limit=20)
    contents = {hashlib.sha256(letter * 10).hexdigest(): letter * 10 for letter in (b"a", b"b", b"c")}
    a, b, c = contents
    for tenant, sha256 in (("acme", a), ("zenith", b), ("acme", a), ("acme", c)):
        with cache.open(tenant, sha256, lambda data=contents[sha256]: io.BytesIO(data)) as file:
            assert file.read() == contents[sha256]
    assert {path.stem for path in tmp_path.rglob("*.parquet")} == {a, c}


def _cached(tmp_path: Path) -> set[str]:
    """Tenant and SHA-256 of every file of the cache, also of one that was not finished."""
    return {f"{path.parent.name}/{path.stem}" for path in (tmp_path / "cache").rglob("*") if path.is_file()}


def _fetched(snapshot: Snapshot, *marts: str) -> set[str]:
    """Have the snapshot fetch these marts; returns what the cache must hold for them."""
    for mart in marts:
        snapshot.path(mart)
    return {f"{snapshot.manifest.tenant}/{snapshot.manifest.marts[mart].sha256}" for mart in marts}


def test_copies_of_a_superseded_snapshot_go_when_the_newer_one_is_seen(
    reader: Reader, scope: Scope, connection: Connection, marts: Sequence[Mart], tmp_path: Path
) -> None:
    """As after an erasure: a pointer goes, so the lines differ and the daily sales do not. Another process knows no history."""
    with reader.current("zenith") as other:
        others = _fetched(other, "fct_order_line", "daily_sales")
    with reader.current("acme") as held:
        old, shared = _fetched(held, "fct_order_line"), _fetched(held, "daily_sales")
        connection.execute("UPDATE marts.fct_order_line SET subject = NULL WHERE tenant = 'acme'")
        publish(scope, connection, marts)
        assert _cached(tmp_path) == old | shared | others

        with Reader(scope, tmp_path / "cache").current("acme"):
            assert _cached(tmp_path) == shared | others
        subjects = "SELECT count(subject) AS n FROM fct_order_line"
        assert held.query(subjects).to_pylist() == [{"n": 1}], "who has the file open keeps it"
        with reader.current("acme") as fresh:
            assert fresh.query(subjects).to_pylist() == [{"n": 0}]
            new = _fetched(fresh, "fct_order_line")
    assert _cached(tmp_path) == new | shared | others


def test_what_a_late_request_fetches_of_a_superseded_snapshot_goes_with_the_next(
    reader: Reader, scope: Scope, connection: Connection, marts: Sequence[Mart], tmp_path: Path
) -> None:
    with reader.current("acme") as held:
        connection.execute("UPDATE marts.fct_order_line SET subject = NULL WHERE tenant = 'acme'")
        publish(scope, connection, marts)
        reader.current("acme").close()
        late = _fetched(held, "fct_order_line")
        assert _cached(tmp_path) == late
    reader.current("acme").close()
    assert _cached(tmp_path) == set()


def test_a_copy_that_a_dead_process_left_goes_and_one_that_is_made_now_stays(reader: Reader, tmp_path: Path) -> None:
    """The dead one's may hold a person who was erased since."""
    for name, age_s in (("dead", 2 * 3600), ("alive", 60)):
        half = tmp_path / "cache/acme" / f".{name}"
        half.parent.mkdir(parents=True, exist_ok=True)
        half.write_bytes(b"PAR1")
        os.utime(half, (time.time() - age_s,) * 2)
    reader.current("acme").close()
    assert _cached(tmp_path) == {"acme/.alive"}


def test_equal_files_of_two_tenants_are_kept_apart(tmp_path: Path) -> None:
    cache, data = FileCache(tmp_path / "cache", limit=100), b"the same"
    sha256 = hashlib.sha256(data).hexdigest()
    for tenant in ("acme", "zenith"):
        cache.open(tenant, sha256, lambda: io.BytesIO(data)).close()
    cache.keep("acme", ())
    assert _cached(tmp_path) == {f"zenith/{sha256}"}


def test_a_second_reader_fetches_nothing(reader: Reader, scope: Scope) -> None:
    with reader.current("acme") as snapshot:
        snapshot.query(LINES)
    for mart in snapshot.manifest.marts.values():
        objects(scope).delete(mart.key)
    with reader.current("acme") as again:
        assert again.query(LINES).to_pylist() == [{"lines": 2}]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/hostname')",
        "COPY (SELECT 1) TO '/tmp/stolen.csv'",
        "SET enable_external_access = true",
        "INSTALL httpfs",
    ],
)
def test_a_query_sees_nothing_but_the_snapshot(reader: Reader, sql: str) -> None:
    with reader.current("acme") as snapshot, pytest.raises(duckdb.Error):
        snapshot.query(sql)


def test_another_tenants_scope_reads_nothing(scope: Scope, reader: Reader, tmp_path: Path) -> None:
    from varai.settings import load

    home = {"VARAI_HOME": str(tmp_path), "VARAI_STORES__EU__DOCUMENTS_URI": "mongodb://127.0.0.1:1/"}
    own = Reader(load(home).scope("eu", "zenith"), tmp_path / "cache")
    with pytest.raises(Gone) as stranger:
        own.current("acme")
    with pytest.raises(Gone) as nobody:
        reader.current("nobody")
    assert str(stranger.value).replace("acme", "X") == str(nobody.value).replace("nobody", "X")
    own.current("zenith").close()
