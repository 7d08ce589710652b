"""A load happens wholly or not at all, once in effect, and one unreadable object stops no other."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from varai.kernel import Conflict, LeaseHeld, Misconfigured, Scope
from varai.stores import objects
from varai.stores.folder import FolderStore
from varai.warehouse import connect, load
from varai.warehouse.duck import DuckDBWarehouse, connect_duckdb

Stage = Callable[..., str]


def _fine() -> None:
    """The lease is ours."""


def _staged(scope: Scope) -> list[str]:
    return list(objects(scope).list("canonical/"))


def test_everything_staged_is_merged_recorded_and_swept(scope: Scope, stage: Stage) -> None:
    stage(
        "product",
        "b1",
        [{"source_id": "1", "title": "Aviator", "tags": ["a", "b"]}, {"source_id": "2", "title": "Round"}],
    )
    stage("order", "b2", [{"source_id": "1", "name": "#1001"}])
    stage("product", "b3", [{"source_id": "1", "title": "Other"}], tenant="zenith")
    with connect(scope) as warehouse:
        report = load(scope, warehouse, _fine)
        assert report.rows == 4
        assert not report.failed
        assert [(batch.entity, batch.batch_id, batch.rows) for batch in warehouse.loads("acme")] == [
            ("order", "b2", 1),
            ("product", "b1", 2),
        ]
        assert warehouse.rows("SELECT tenant, source_id, tags FROM raw.product ORDER BY tenant, source_id") == [
            ("acme", "1", ["a", "b"]),
            ("acme", "2", None),
            ("zenith", "1", None),
        ]
        assert warehouse.digest("acme") != warehouse.digest("zenith")
    assert _staged(scope) == []


def test_one_merge_per_table_and_load(scope: Scope, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        stage("product", f"b{number}", [{"source_id": str(number)}])
    stage("variant", "b0", [{"source_id": "1"}])
    with connect(scope) as warehouse:
        assert isinstance(warehouse, DuckDBWarehouse)
        statements: list[str] = []
        monkeypatch.setattr(warehouse, "connection", _Listening(warehouse.connection, statements))
        load(scope, warehouse, _fine)
    assert sum(statement.startswith("MERGE") for statement in statements) == 2
    assert statements.count("COMMIT") == 1


def test_a_lost_lease_leaves_tables_and_objects_as_they_were(scope: Scope, stage: Stage) -> None:
    stage("product", "b1", [{"source_id": "1"}])

    def lost() -> None:
        raise Conflict("The lease `warehouse` was taken over.")

    with connect(scope) as warehouse:
        with pytest.raises(Conflict):
            load(scope, warehouse, lost)
        assert warehouse.rows("SELECT * FROM raw.product") == []
        assert warehouse.loads("acme") == ()
        assert len(_staged(scope)) == 1
        assert load(scope, warehouse, _fine).rows == 1


def test_a_crash_between_commit_and_sweep_changes_nothing(
    scope: Scope, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage(
        "product",
        "b1",
        [{"source_id": "1", "title": "Aviator"}, {"source_id": "2", "deleted": True, "content_hash": None}],
    )
    stage("order", "b2", [{"source_id": "1"}])
    with connect(scope) as warehouse:
        with monkeypatch.context() as patch:
            patch.setattr(FolderStore, "delete", _killed)
            with pytest.raises(KeyboardInterrupt):
                load(scope, warehouse, _fine)
        before = warehouse.digest("acme"), warehouse.loads("acme")
    assert len(_staged(scope)) == 2
    with connect(scope) as warehouse:
        load(scope, warehouse, _fine)
        assert (warehouse.digest("acme"), warehouse.loads("acme")) == before
    assert _staged(scope) == []


@pytest.mark.parametrize("entity", ["product", "order"])
@pytest.mark.parametrize("first", [None, 1, 9])
def test_what_is_staged_anew_while_it_is_merged_is_kept_for_the_next_load(
    scope: Scope, stage: Stage, entity: str, first: int | None
) -> None:
    """`order` is sealed; tokens are compared as numbers, and a key of an earlier release has none."""
    title = "title" if entity == "product" else "name"
    stage(entity, "b1", [{"source_id": "1", title: "of the dead run"}], token=first)
    fresh: list[str] = []

    def staged_anew() -> None:
        fresh.append(stage(entity, "b1", [{"source_id": "1", title: "of the next"}], token=10))

    with connect(scope) as warehouse:
        load(scope, warehouse, staged_anew)
        assert _staged(scope) == fresh
        load(scope, warehouse, _fine)
        assert warehouse.rows(f'SELECT {title} FROM raw."{entity}"') == [("of the next",)]
        assert [(batch.batch_id, batch.rows) for batch in warehouse.loads("acme")] == [("b1", 1)]
    assert _staged(scope) == []


def test_of_one_batch_only_the_highest_token_is_merged_and_the_others_go_with_it(scope: Scope, stage: Stage) -> None:
    for token in (None, 9, 10, 2):
        stage("product", "b1", [{"source_id": str(token)}], token=token)
    stage("product", "b2", [{"source_id": "other batch"}], token=1)
    stage("product", "b1", [{"source_id": "other tenant"}], tenant="zenith", token=1)
    with connect(scope) as warehouse:
        assert load(scope, warehouse, _fine).rows == 3
        found = warehouse.rows("SELECT source_id FROM raw.product ORDER BY ALL")
    assert found == [("10",), ("other batch",), ("other tenant",)]
    assert _staged(scope) == []


def test_an_older_object_stays_while_the_newest_cannot_be_read(scope: Scope, stage: Stage) -> None:
    older = stage("product", "b1", [{"source_id": "1"}], token=1)
    newest = "canonical/acme/product/b1-2.parquet"
    objects(scope).write(newest, b"PAR1 is what it says, not what it is")
    with connect(scope) as warehouse:
        assert set(load(scope, warehouse, _fine).failed) == {newest}
        assert warehouse.rows("SELECT * FROM raw.product") == []
    assert _staged(scope) == [older, newest]


def test_a_digest_leaves_out_the_run_and_nothing_else(scope: Scope, stage: Stage) -> None:
    with connect(scope) as warehouse:
        digests = []
        for day, title in enumerate(("Aviator", "Aviator", "Pilot"), start=1):
            planned = datetime(2026, 1, day, tzinfo=UTC)
            stage("product", f"b{day}", [{"source_id": "1", "title": title, "ingested_at": planned}])
            load(scope, warehouse, _fine)
            digests.append(warehouse.digest("acme"))
    assert digests[0] == digests[1] != digests[2]


def test_a_column_added_later_is_null_in_older_rows_and_older_objects(scope: Scope, stage: Stage) -> None:
    with connect(scope) as warehouse:
        stage("location", "b1", [{"source_id": "1", "name": "floor"}])
        load(scope, warehouse, _fine)
        warehouse.rows('ALTER TABLE "raw"."location" DROP COLUMN active')
        stage("location", "b2", [{"source_id": "2", "active": True}])
        stage("location", "b3", [{"source_id": "3"}], drop=("active",))
        load(scope, warehouse, _fine)
        found = warehouse.rows("SELECT source_id, active FROM raw.location ORDER BY source_id")
    assert found == [("1", None), ("2", True), ("3", None)]


def test_an_unreadable_object_stays_and_stops_no_other(scope: Scope, stage: Stage) -> None:
    good = stage("product", "b1", [{"source_id": "1"}])
    garbage = "canonical/acme/product/b2.parquet"
    objects(scope).write(garbage, b"PAR1 is what it says, not what it is")
    foreign = stage("product", "b3", [{"source_id": "9", "tenant": "zenith"}])
    with connect(scope) as warehouse:
        report = load(scope, warehouse, _fine)
        assert warehouse.rows("SELECT source_id FROM raw.product") == [("1",)]
    assert set(report.failed) == {garbage, foreign}
    assert "another tenant" in report.failed[foreign]
    assert _staged(scope) == [garbage, foreign]
    assert good not in _staged(scope)


def test_memory_does_not_grow_with_the_number_of_small_objects(scope: Scope, stage: Stage) -> None:
    """A region of a thousand feeds stages thousands of objects with a few rows each."""
    for number in range(300):
        stage("product", f"b{number}", [{"source_id": str(number), "title": f"Model {number}"}])
    with connect_duckdb(scope, "100MB") as warehouse:
        report = load(scope, warehouse, _fine)
        assert [batch.rows for batch in report.batches] == [1] * 300
        assert warehouse.rows("SELECT count(*), count(DISTINCT title) FROM raw.product") == [(300, 300)]


def test_what_was_sealed_cannot_spill(scope: Scope, stage: Stage) -> None:
    key = stage("order", "b1", [{"source_id": "1", "name": "#canary"}])
    assert key.endswith(".sealed")
    assert b"canary" not in objects(scope).read(key)
    with connect(scope) as warehouse:
        load(scope, warehouse, _fine)
        assert warehouse.rows("SELECT current_setting('temp_directory')") == [("",)]
        assert warehouse.rows('SELECT name FROM raw."order"') == [("#canary",)]


def test_a_warehouse_that_is_no_file_is_refused_before_a_file_of_its_name_is_made(
    scope: Scope, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with (
        pytest.raises(Misconfigured, match="bigquery://shop/eu"),
        connect_duckdb(replace(scope, warehouse="bigquery://shop/eu")),
    ):
        pass
    assert list(tmp_path.glob("**/bigquery*")) == []


def test_a_second_process_is_told_that_the_file_is_open(scope: Scope) -> None:
    Path(scope.warehouse).parent.mkdir(parents=True)
    code = f"import duckdb; c = duckdb.connect({scope.warehouse!r}); print('open', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(LeaseHeld, match="'eu'"), connect(scope):
            pass
        other.communicate("\n")


def _killed(*_: Any) -> None:
    raise KeyboardInterrupt


class _Listening:
    """Passes everything on to a connection and writes down what it was told."""

    def __init__(self, connection: Any, heard: list[str]) -> None:
        self._connection, self._heard = connection, heard

    def execute(self, statement: str, *rest: Any) -> Any:
        self._heard.append(statement)
        return self._connection.execute(statement, *rest)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)
