"""Laws of the sorting of rows: newest version first, unchanged rows left alone, what is gone found, one fate for every row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from varai.registry import Counts
from varai.river.classify import (
    HASH_COLUMNS,
    PREV_COLUMNS,
    Census,
    find_gone,
    find_roots,
    find_unchanged,
    flipped,
    rank,
    settle_sets,
    take_attempt,
)

DAY = datetime(2026, 1, 1, tzinfo=UTC)
Row = dict[str, Any]
ROW_COLUMNS = {
    "row_key": "BIGINT",
    "position": "BIGINT",
    "source_id": "VARCHAR",
    "root_id": "VARCHAR",
    "source_updated_at": "TIMESTAMPTZ",
    "content_hash": "VARCHAR",
    "sku": "VARCHAR",
    "gtin": "VARCHAR",
}


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty database."""
    with duckdb.connect(config={"threads": "1"}) as opened:
        yield opened


def product(source_id: str, *, day: int | None = 0, position: int = 0, content: str = "a") -> Row:
    at = None if day is None else DAY + timedelta(days=day)
    own = {"source_id": source_id, "root_id": source_id, "position": position, "source_updated_at": at}
    return {**own, "content_hash": content, "sku": None, "gtin": None}


def variant(source_id: str, root: str, *, position: int = 0, sku: str | None = None, content: str = "a") -> Row:
    return {**product(source_id, position=position, content=content), "root_id": root, "sku": sku}


def remembered(entity: str, row: Row, **more: Any) -> Row:
    kept = {name: row[name] for name in ("source_id", "root_id", "source_updated_at", "content_hash", "sku", "gtin")}
    known = {"entity": entity, "mapping_version": "m", "suite_version": "s", "verdict": "published", "deleted": False}
    return {**known, **kept, "batch_id": "old", **more}


def sort(
    con: duckdb.DuckDBPyConnection,
    products: Sequence[Row],
    variants: Sequence[Row] = (),
    prev: Sequence[Row] = (),
    *,
    deleted: Sequence[str] = (),
    whole: bool = False,
    later: Sequence[str] = (),
    dated: bool = False,
) -> None:
    """What the river does with a slice of products and their variants, up to the verdict."""
    fill(con, "prev", PREV_COLUMNS, prev)
    for name, rows in (("product", products), ("variant", variants)):
        fill(con, f"rows_{name}", ROW_COLUMNS, [{"row_key": key, **row} for key, row in enumerate(rows)])
    census = Census("product", deleted, whole)
    for name, keys in (("product", ()), ("variant", ("gtin", "sku"))):
        rank(con, name, "product", later, dated=dated)
        if name == "product":
            find_roots(con, name)
        find_gone(con, name, census)
        settle_sets(con, name, keys)
        find_unchanged(con, name, "m", "s")


def fill(con: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str], rows: Sequence[Row]) -> None:
    con.execute(f"CREATE TEMP TABLE {table} ({', '.join(f'{name} {kind}' for name, kind in columns.items())})")
    marks = ", ".join("?" for _ in columns)
    for row in rows:
        con.execute(f"INSERT INTO {table} VALUES ({marks})", [row.get(name) for name in columns])


def ids(con: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    return [row[0] for row in con.execute(f"SELECT source_id FROM {query} ORDER BY ALL").fetchall()]


def test_only_the_newest_version_of_a_row_stays(con: duckdb.DuckDBPyConnection) -> None:
    sort(con, [product("1", day=2, position=0), product("1", day=1, position=1), product("1", day=None, position=2)])
    kept = con.execute("SELECT position FROM rank_product WHERE NOT superseded").fetchall()
    assert kept == [(0,)]


def test_of_equal_versions_the_one_that_came_last_stays(con: duckdb.DuckDBPyConnection) -> None:
    sort(con, [product("1", position=0), product("1", position=1)])
    assert con.execute("SELECT position FROM rank_product WHERE NOT superseded").fetchall() == [(1,)]


@pytest.mark.parametrize("whole", [False, True])
def test_where_dates_are_the_rows_own_an_older_one_never_replaces_what_is_known(
    con: duckdb.DuckDBPyConnection, whole: bool
) -> None:
    """It is superseded, and what is known is neither changed nor gone; a tombstone is no version of a row."""
    rows = [
        product(name, day=day, position=at)
        for at, (name, day) in enumerate([("1", 1), ("2", 3), ("3", 2), ("4", 1), ("5", None)])
    ]
    prev = [remembered("product", product(name, day=2)) for name in ("1", "2", "3", "5")]
    prev.append(remembered("product", product("4", day=2), deleted=True))
    sort(con, rows, prev=prev, whole=whole, dated=True)
    assert ids(con, "rank_product WHERE superseded") == ["1"]
    assert ids(con, "gone_product") == []
    assert ids(con, "same_product") == ["2", "3", "5"]


def test_elsewhere_what_the_vendor_says_now_counts_whatever_its_date(con: duckdb.DuckDBPyConnection) -> None:
    sort(con, [product("1", day=1)], prev=[remembered("product", product("1", day=2))])
    assert ids(con, "rank_product WHERE superseded") == []


def test_children_of_an_older_version_are_superseded_with_it(con: duckdb.DuckDBPyConnection) -> None:
    sort(
        con,
        [product("1", day=1, position=0), product("1", day=2, position=1)],
        [variant("10", "1", position=0), variant("11", "1", position=0), variant("11", "1", position=1)],
    )
    assert ids(con, "rank_variant WHERE NOT superseded") == ["11"]
    assert ids(con, "rank_variant WHERE superseded") == ["10", "11"]


def test_a_remap_takes_no_row_that_a_later_batch_carried_or_found_deleted(con: duckdb.DuckDBPyConnection) -> None:
    rows = [product(name, position=at) for at, name in enumerate(("1", "2", "3", "4", "5", "6"))]
    prev = [
        remembered("product", rows[0], batch_id="this"),
        remembered("product", rows[1], batch_id="later"),
        remembered("product", rows[2], batch_id="later", deleted=True),
        remembered("product", rows[3], batch_id="this", deleted=True),  # by the read that could not map it
        remembered("product", rows[4], batch_id="earlier"),  # its newer version could not be mapped until now
    ]
    sort(con, rows, prev=prev, later=["later", "latest"])
    assert ids(con, "rank_product WHERE superseded") == ["2", "3"]


def test_a_child_that_its_record_no_longer_has_is_gone_and_one_of_another_record_is_not(
    con: duckdb.DuckDBPyConnection,
) -> None:
    known = [variant("10", "1"), variant("11", "1"), variant("20", "2")]
    prev = [remembered("variant", row) for row in known] + [remembered("product", product(name)) for name in ("1", "2")]
    sort(con, [product("1", day=1)], [variant("10", "1")], prev)
    assert (ids(con, "gone_variant"), ids(con, "gone_product")) == (["11"], [])


def test_a_deletion_takes_the_record_with_its_children_unless_it_came_back(con: duckdb.DuckDBPyConnection) -> None:
    prev = [remembered("product", product(name)) for name in ("1", "2")]
    prev += [remembered("variant", variant(f"{name}0", name)) for name in ("1", "2")]
    sort(con, [product("2", day=1)], [variant("20", "2")], prev, deleted=["1", "2"])
    assert (ids(con, "gone_product"), ids(con, "gone_variant")) == (["1"], ["10"])


@pytest.mark.parametrize(("whole", "gone"), [(True, ["2"]), (False, [])])
def test_only_a_whole_read_says_what_has_ceased_to_exist(
    con: duckdb.DuckDBPyConnection, whole: bool, gone: list[str]
) -> None:
    prev = [remembered("product", product(name)) for name in ("1", "2")]
    prev.append(remembered("product", product("3"), deleted=True))
    sort(con, [product("1")], prev=prev, whole=whole)
    assert ids(con, "gone_product") == gone


@pytest.mark.parametrize(
    "moved",
    [{"content_hash": "b"}, {"mapping_version": "n"}, {"suite_version": "t"}, {"deleted": True}, {"holders": "x"}],
)
def test_a_row_is_left_alone_only_if_nothing_it_is_judged_by_moved(con: duckdb.DuckDBPyConnection, moved: Row) -> None:
    rows = [variant("10", "1", sku="A"), variant("11", "1", sku="B")]
    prev = [remembered("variant", rows[0]), {**remembered("variant", rows[1]), **moved}]
    sort(con, [product("1")], rows, prev)
    assert ids(con, "same_variant") == ["10"]


def test_a_taken_key_flips_its_holder_outside_the_slice_and_a_freed_one_flips_it_back(
    con: duckdb.DuckDBPyConnection,
) -> None:
    known = [variant("10", "1", sku="A"), variant("20", "2", sku="B")]
    sort(con, [product("2")], [variant("20", "2", sku="A")], [remembered("variant", row) for row in known])
    assert flipped(con, "variant") == [("10", "old")]
    holders = con.execute("SELECT holders FROM own_variant UNION SELECT holders FROM others_variant").fetchall()
    assert len(holders) == 1 and holders[0][0]  # both know of the same two holders

    with duckdb.connect() as later:
        shared = [remembered("variant", {**row, "sku": "A"}, holders=holders[0][0]) for row in known]
        sort(later, [product("2")], [variant("20", "2", sku="B")], shared)
        assert flipped(later, "variant") == [("10", "old")]
        assert ids(later, "same_variant") == []


def test_an_empty_key_is_nobody_s(con: duckdb.DuckDBPyConnection) -> None:
    rows = [variant("10", "1", sku=""), variant("11", "1", sku=""), variant("12", "1"), variant("13", "1")]
    sort(con, [product("1")], rows)
    assert con.execute("SELECT DISTINCT holders FROM own_variant").fetchall() == [("",)]


_IDS = st.sampled_from(["1", "2", "3"])
_PRODUCTS = st.lists(
    st.builds(product, _IDS, day=st.integers(0, 2) | st.none(), content=st.sampled_from("ab")), max_size=6
)
_VARIANTS = st.lists(
    st.builds(
        variant,
        st.sampled_from(["10", "11", "20"]),
        _IDS,
        sku=st.sampled_from(["A", "B", "", None]),
        content=st.sampled_from("ab"),
    ),
    max_size=8,
)
_VERDICT = st.sampled_from(["published", "quarantined"])


@st.composite
def _pasts(draw: st.DrawFn) -> list[Row]:
    """Hashes: at most one per row, some quarantined, some deleted, some of another batch."""
    found = []
    for entity, rows in (("product", draw(_PRODUCTS)), ("variant", draw(_VARIANTS))):
        for row in {row["source_id"]: row for row in rows}.values():
            more = {
                "verdict": draw(_VERDICT),
                "deleted": draw(st.booleans()),
                "batch_id": draw(st.sampled_from(["x", "y"])),
            }
            found.append(remembered(entity, row, **more))
    return found


@hypothesis_settings(max_examples=60, deadline=None)
@given(_PRODUCTS, _VARIANTS, _pasts(), st.booleans(), st.sampled_from([[], ["x"]]), st.lists(_IDS, max_size=2))
def test_every_mapped_row_has_exactly_one_fate(
    products: list[Row], variants: list[Row], prev: list[Row], whole: bool, later: list[str], deleted: list[str]
) -> None:
    """Superseded, unchanged or to be judged: never two of them and never none; and a row that is here is not gone."""
    products = [{**row, "position": at} for at, row in enumerate(products)]
    roots = {row["source_id"]: row["position"] for row in products}
    variants = [{**row, "position": roots[row["root_id"]]} for row in variants if row["root_id"] in roots]
    with duckdb.connect(config={"threads": "1"}) as con:
        sort(con, products, variants, prev, deleted=deleted, whole=whole, later=later)
        for entity, rows in (("product", products), ("variant", variants)):
            old, same, new = _fates(con, entity)
            assert sorted([*old, *same, *new]) == list(range(len(rows)))
            counts = Counts(mapped=len(rows), superseded=len(old), unchanged=len(same), published=len(new))
            assert counts.balanced
            current = [rows[key]["source_id"] for key in (*same, *new)]
            assert len(current) == len(set(current))  # one current version of a row
            assert not set(current) & set(ids(con, f"gone_{entity}"))
            alive = {row["source_id"] for row in prev if row["entity"] == entity and not row["deleted"]}
            assert set(ids(con, f"gone_{entity}")) | set(ids(con, f"others_{entity}")) == alive - set(current)


def _fates(con: duckdb.DuckDBPyConnection, entity: str) -> tuple[list[int], list[int], list[int]]:
    """Row keys by fate, as `varai.river.judged` counts them."""
    queries = (
        f"SELECT row_key FROM rank_{entity} WHERE superseded",
        f"SELECT row_key FROM same_{entity}",
        f"SELECT row_key FROM own_{entity} WHERE row_key NOT IN (SELECT row_key FROM same_{entity})",
    )
    old, same, new = ([row[0] for row in con.execute(query).fetchall()] for query in queries)
    return old, same, new


def test_what_a_dead_run_put_out_is_known_and_judged_again(con: duckdb.DuckDBPyConnection) -> None:
    """Row by row: what `prev` knew, what the dead run's hashes say, and what is known then: content, verdict, deleted, tried."""
    a, b = product("1"), product("1", content="b")
    cases: list[tuple[Row | None, Row, tuple[Any, ...]]] = [
        (None, remembered("product", a), ("a", "published", False, True)),
        (None, remembered("product", a, verdict="quarantined"), ("a", "quarantined", False, True)),
        (None, remembered("product", a, deleted=True), ("a", "published", False, True)),
        (remembered("product", a), remembered("product", a, batch_id="new"), ("a", "published", False, None)),
        (remembered("product", a), remembered("product", b), ("b", "published", False, True)),
        (remembered("product", a), remembered("product", b, verdict="quarantined"), ("a", "published", False, True)),
        (remembered("product", a), remembered("product", a, deleted=True), ("a", "published", False, True)),
        (remembered("product", a, deleted=True), remembered("product", a), ("a", "published", False, True)),
    ]
    for before, attempt, after in cases:
        fill(con, "prev", PREV_COLUMNS, [before] if before else [])
        fill(con, "attempt", HASH_COLUMNS, [attempt])
        take_attempt(con)
        found = con.execute("SELECT content_hash, verdict, deleted, tried FROM prev").fetchall()
        assert found == [after], (before, attempt)
        con.execute("DROP TABLE prev; DROP TABLE attempt")


def test_a_row_that_a_dead_run_put_out_is_not_taken_as_unchanged(con: duckdb.DuckDBPyConnection) -> None:
    sort(con, [product("1")], prev=[remembered("product", product("1"), tried=True)])
    assert ids(con, "same_product") == []
