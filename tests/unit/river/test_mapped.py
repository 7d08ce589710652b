"""Mapped rows lie in several objects and are read again as one table, in the clear and sealed."""

from __future__ import annotations

import os
from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pytest

from varai.kernel import Scope
from varai.river import mapped as room
from varai.river.mapped import write_mapped
from varai.settings import load
from varai.stores import objects

PREFIX = "mapped/northwind-eu/b1/"
ENTITIES = ("location", "shop")


@pytest.fixture
def scope(home: os.PathLike[str]) -> Scope:
    """A tenant with a bucket; its documents are not asked for."""
    return load({"VARAI_HOME": str(home), "VARAI_STORES__EU__DOCUMENTS_URI": "mongodb://127.0.0.1:1"}).scope(
        "eu", "northwind-eu"
    )


def batches(count: int) -> Iterator[tuple[str, pa.RecordBatch]]:
    """So many batches of two rows of a location each."""
    for number in range(count):
        yield "location", pa.RecordBatch.from_pydict({"source_id": [f"{number}a", f"{number}b"]})


@pytest.mark.parametrize("sealed", [False, True], ids=["clear", "sealed"])
@pytest.mark.parametrize("count", [1, 32, 33, 70])
def test_rows_come_back_once_and_in_order_however_many_objects_hold_them(
    scope: Scope, count: int, sealed: bool
) -> None:
    mapped = write_mapped(scope, PREFIX, batches(count), sealed=sealed)
    assert mapped.rows == {"location": 2 * count}
    with duckdb.connect() as con:
        mapped.attach(con, ENTITIES)
        found = con.execute("SELECT source_id, row_key FROM rows_location ORDER BY row_key").fetchall()
        assert con.execute("SELECT count(*) FROM rows_shop").fetchone() == (0,)
    expected = [f"{number}{half}" for number in range(count) for half in "ab"]
    assert found == [(source_id, key) for key, source_id in enumerate(expected)]
    kept = list(objects(scope).list(PREFIX))
    assert len(kept) == len(mapped.keys["location"]) == -(-count // room._BATCHES)
    mapped.drop()
    assert not list(objects(scope).list(PREFIX))


def test_nothing_is_left_of_an_object_that_was_not_finished(scope: Scope) -> None:
    def broken() -> Iterator[tuple[str, pa.RecordBatch]]:
        yield from batches(33)
        raise ValueError("the source ended")

    with pytest.raises(ValueError, match="the source ended"):
        write_mapped(scope, PREFIX, broken(), sealed=False)
    assert list(objects(scope).list(PREFIX)) == [f"{PREFIX}location-0000.parquet"]
