"""The sunglasses shop at both captures, held against a recount in SQL from the CSV files."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest

from sandbox.stores import sunglasses
from sandbox.world import gtin

Read = Callable[[Path, str], dict[str, dict[str, Any]]]
AT = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
WHEN = "2026-11-02T08:00:00Z"
_DIFFERENCE = """
WITH rows AS (
    SELECT *, regexp_extract(filename, '\\.([0-9a-f]+)\\.csv', 1) AS capture,
           lpad(regexp_extract(img, 'LuxotticaRetail/(\\d+)_', 1), 14, '0') AS gtin
    FROM read_csv(?, all_varchar = true, header = true, filename = true)
), one AS (SELECT DISTINCT ON (capture, gtin) * FROM rows ORDER BY capture, gtin, filename),
a AS (FROM one WHERE capture = '1f58cce'), b AS (FROM one WHERE capture = '0b2d72f'),
shared AS (
    SELECT a.offerPrice IS DISTINCT FROM b.offerPrice AS offer, a.isOutOfStock <> b.isOutOfStock AS stock,
           a.listPrice <> b.listPrice AS list, a.name <> b.name OR a.lensColor IS DISTINCT FROM b.lensColor
           OR a.localizedColorLabel IS DISTINCT FROM b.localizedColorLabel
           OR a.roxableLabel IS DISTINCT FROM b.roxableLabel AS text
    FROM a JOIN b USING (gtin)
)
SELECT (SELECT count(*) FROM a), (SELECT count(*) FROM b), (SELECT count(*) FROM b ANTI JOIN a USING (gtin)),
       (SELECT count(*) FROM a ANTI JOIN b USING (gtin)), count(*), count(*) FILTER (offer), count(*) FILTER (stock),
       count(*) FILTER (list), count(*) FILTER (offer OR stock OR list),
       count(*) FILTER (text AND NOT (offer OR stock OR list))
FROM shared
"""


class Stage(NamedTuple):
    """The shop before and after the second capture, and the report of the move."""

    first: Path
    second: Path
    report: sunglasses.Advance


@pytest.fixture(scope="module")
def stage(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    folder = tmp_path_factory.mktemp("sunglasses")
    first, second = folder / "first.sqlite", folder / "sunglasses.sqlite"
    sunglasses.load(second, shared_data, client_id="id", client_secret="secret")
    shutil.copy(second, first)
    return Stage(first, second, sunglasses.advance(second, shared_data, at=AT))


def by_gtin(read: Read, path: Path) -> dict[str, dict[str, Any]]:
    """GTIN -> what a shopper sees of it, from the rows of the file alone."""
    products, levels = read(path, "Product"), read(path, "InventoryLevel")
    stock = {level["item"]["id"]: level["quantities"][0]["quantity"] for level in levels.values()}
    return {
        v["barcode"]: {
            "price": v["price"],
            "list": v["compareAtPrice"] or v["price"],
            "stock": stock[v["inventoryItem"]["id"]],
            "text": (products[v["product"]["id"]]["title"], v["title"], tuple(products[v["product"]["id"]]["tags"])),
        }
        for v in read(path, "ProductVariant").values()
    }


def touched(path: Path, kind: str) -> set[str]:
    with sqlite3.connect(path) as db:
        rows = db.execute("SELECT gid FROM node WHERE type = ? AND updated_at = ?", (kind, WHEN)).fetchall()
    return {row[0] for row in rows}


def test_the_move_equals_a_recount_from_the_files(stage: Stage, shared_data: Path, read: Read) -> None:
    folder = shared_data / "catalog_sunglasses"
    with duckdb.connect() as db:
        files = db.execute(_DIFFERENCE, [str(folder / "products-*.csv")]).fetchone()
    before, after = by_gtin(read, stage.first), by_gtin(read, stage.second)
    shared = [(before[code], after[code]) for code in before.keys() & after.keys()]
    moved = [pair for pair in shared if any(pair[0][key] != pair[1][key] for key in ("price", "stock", "list"))]
    rows = (
        len(before),
        len(after),
        len(after.keys() - before.keys()),
        len(before.keys() - after.keys()),
        len(shared),
        *(sum(a[key] != b[key] for a, b in shared) for key in ("price", "stock", "list")),
        len(moved),
        sum(a != b for a, b in shared) - len(moved),
    )
    assert rows == files == (2_678, 2_704, 366, 340, 2_338, 189, 10, 0, 198, 10)
    report = stage.report
    told = (report.added, report.removed, report.shared, report.price_changes, report.stock_changes)
    assert told == rows[2:7]
    assert (report.list_price_changes, report.price_or_stock, report.text_only, report.changed) == (0, 198, 10, 208)


def test_only_what_changed_gets_a_new_timestamp(stage: Stage, read: Read) -> None:
    old = read(stage.first, "Product").keys()
    products = touched(stage.second, "Product")
    assert len(products - old) == 366
    assert len(products & old) == 208
    assert len(touched(stage.second, "ProductVariant")) == 366 + 208
    items = touched(stage.second, "InventoryItem")
    assert len(items) == len(touched(stage.second, "InventoryLevel")) == 366 + 10


def test_created_stays_for_what_changed(stage: Stage) -> None:
    sql = "SELECT count(*) FROM node WHERE type = 'Product' AND updated_at = ? AND created_at < updated_at"
    with sqlite3.connect(stage.second) as db:
        assert db.execute(sql, (WHEN,)).fetchone() == (208,)


def test_what_is_gone_leaves_a_destroy_event_and_no_row(stage: Stage, read: Read) -> None:
    with sqlite3.connect(stage.second) as db:
        events = db.execute("SELECT action, subject_type, subject_gid, created_at FROM event").fetchall()
    gone = read(stage.first, "Product").keys() - read(stage.second, "Product").keys()
    assert {event[2] for event in events} == gone
    assert {(event[0], event[1], event[3]) for event in events} == {("destroy", "PRODUCT", WHEN)}
    assert len(events) == 340
    for kind in ("ProductVariant", "Image", "InventoryItem", "InventoryLevel"):
        assert len(read(stage.second, kind)) == 2_704


def test_a_second_move_to_the_same_capture_changes_nothing(stage: Stage, shared_data: Path, tmp_path: Path) -> None:
    path = tmp_path / "sunglasses.sqlite"
    shutil.copy(stage.second, path)
    report = sunglasses.advance(path, shared_data, at=datetime(2026, 11, 3, tzinfo=UTC))
    assert (report.added, report.removed, report.changed) == (0, 0, 0)
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT max(updated_at) FROM node").fetchone() == (WHEN,)


def test_there_and_back_is_the_first_shop_again(stage: Stage, shared_data: Path, tmp_path: Path, read: Read) -> None:
    path = tmp_path / "sunglasses.sqlite"
    shutil.copy(stage.second, path)
    sunglasses.advance(path, shared_data, capture="1f58cce", at=datetime(2026, 11, 3, tzinfo=UTC))
    assert by_gtin(read, path) == by_gtin(read, stage.first)


def test_variants_hold_valid_padded_gtins_and_honest_prices(stage: Stage, read: Read) -> None:
    variants = read(stage.second, "ProductVariant").values()
    for v in variants:
        assert len(v["barcode"]) == 14
        assert gtin.is_valid(v["barcode"])
        assert v["barcode"] == v["sku"].zfill(14)
        assert v["compareAtPrice"] is None or float(v["compareAtPrice"]) > float(v["price"]) > 0
    assert len({v["sku"] for v in variants}) == len(variants)
    assert any(v["compareAtPrice"] for v in variants)


def test_a_capture_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="give the folder"):
        sunglasses.load(tmp_path / "x.sqlite", tmp_path, client_id="id", client_secret="secret")


def test_a_shop_that_was_not_loaded_is_not_advanced(tmp_path: Path, shared_data: Path) -> None:
    with pytest.raises(FileNotFoundError):
        sunglasses.advance(tmp_path / "none.sqlite", shared_data)
