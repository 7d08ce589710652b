"""Clerks change shops as a vendor would: what is taken away is gone with all that hangs on it, and what is put back is as it was."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sandbox.prove.books import read_books
from sandbox.prove.clerk import KINDS, Clerk, Taken
from sandbox.prove.rows import ROWS
from sandbox.world.spec import DefectRates, WorldSpec
from varai.sources import stream_names

WORLD = WorldSpec("north", "north.example.com", 5, "EUR", "Europe/Berlin", "DE", "app", "secret", 8, 20, 6)
AT = datetime(2026, 11, 2, 10, tzinfo=UTC)


@pytest.fixture(params=sorted(ROWS))
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Clerk, Path]:
    row = ROWS[request.param]
    path = row.file(tmp_path, "north")
    row.build(path, replace(WORLD, defects=DefectRates.none()))
    kind = request.node.callspec.params.get("kind", "orders")
    if kind not in stream_names(request.param):
        pytest.skip(f"{request.param} knows no {kind}.")
    return row.clerk(path), path


def rows_of(path: Path) -> set[object]:
    if path.suffix == ".books":
        books = read_books(path)
        return {repr(one) for one in (*books.products, *books.people, *books.sales, *books.returns.values())}
    with closing(sqlite3.connect(path)) as db:
        table = "node" if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'node'").fetchone() else "record"
        return set(db.execute(f"SELECT * FROM {table}"))


def taken_rows(taken: Taken, path: Path) -> set[object]:
    return {repr(row[0]) for row in taken.rows} if path.suffix == ".books" else set(taken.rows)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_removed_is_gone_and_what_is_put_back_is_as_it_was(shop: tuple[Clerk, Path], kind: str) -> None:
    clerk, path = shop
    before, counted = rows_of(path), clerk.census()
    taken = clerk.take(kind, clerk.ids(kind)[1])
    clerk.remove(kind, taken.id, AT)
    assert rows_of(path) == before - taken_rows(taken, path)
    assert taken.id not in clerk.ids(kind)
    clerk.put(taken, None)
    assert rows_of(path) == before
    assert clerk.census() == counted


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_touched_is_dated_where_the_vendor_dates_it(shop: tuple[Clerk, Path], kind: str) -> None:
    clerk, path = shop
    id = clerk.ids(kind)[0]
    before = clerk.take(kind, id).rows[0]
    clerk.touch(kind, id, "Changed", AT)
    after = clerk.take(kind, id).rows[0]
    assert before != after
    assert path.suffix == ".books" or any("2026-11-02" in str(value) for value in after)


def test_an_order_is_shortened_by_its_last_line(shop: tuple[Clerk, Path]) -> None:
    clerk, _ = shop
    lines, [order, *more] = clerk.census()["order_line"], clerk.long_orders()
    clerk.shorten(order, AT)
    assert len(lines - clerk.census()["order_line"]) == 1
    assert set(more) <= set(clerk.long_orders())


@pytest.fixture
def store(tmp_path: Path) -> tuple[Clerk, Path]:
    """A BigCommerce store, some of whose orders have gift certificates beside goods."""
    path = tmp_path / "store.sqlite"
    ROWS["bigcommerce"].build(path, replace(WORLD, orders=60, defects=DefectRates.none()))
    return ROWS["bigcommerce"].clerk(path), path


def test_an_order_of_bigcommerce_is_dated_as_v2_writes_it_and_filtered_by_as_an_instant(
    store: tuple[Clerk, Path],
) -> None:
    clerk, _ = store
    for kind, written in (("orders", "Mon, 02 Nov 2026 10:00:00 +0000"), ("products", "2026-11-02T10:00:00Z")):
        id = clerk.ids(kind)[0]
        clerk.touch(kind, id, "Changed", AT)
        *_, modified, body = clerk.take(kind, id).rows[0]
        assert (json.loads(body)["date_modified"], modified) == (written, "2026-11-02T10:00:00Z")


def test_a_consignment_whose_last_line_goes_is_gone(store: tuple[Clerk, Path]) -> None:
    clerk, _ = store
    mixed = [id for id in clerk.long_orders() if lines_by_mail(clerk, id) == 1]
    assert mixed
    for id in mixed:
        clerk.shorten(id, AT)
        body = json.loads(clerk.take("orders", id).rows[0][-1])
        assert body["consignments"]["email"] == {"gift_certificates": []}
        shipped = [line for one in body["consignments"]["shipping"] for line in one["line_items"]]
        assert shipped and body["items_total"] == sum(line["quantity"] for line in shipped)


def lines_by_mail(clerk: Clerk, order: str) -> int:
    sent = json.loads(clerk.take("orders", order).rows[0][-1])["consignments"]["email"]["gift_certificates"]
    return sum(len(one["line_items"]) for one in sent)


@pytest.mark.parametrize("kind", ["products", "orders"])
def test_what_hangs_on_a_record_of_bigcommerce_goes_by_its_new_number(store: tuple[Clerk, Path], kind: str) -> None:
    clerk, _ = store
    number = clerk.ids(kind)[0]
    with_more = next(id for id in clerk.ids(kind)[1:] if len(clerk.take(kind, id).rows) > 1)
    taken = clerk.take(kind, with_more)
    for id in (with_more, number):
        clerk.remove(kind, id, AT)
    clerk.put(taken, AT, number)
    found = clerk.take(kind, number).rows
    assert len(found) == len(taken.rows)
    assert not [row for row in found if f'_id":{with_more}' in str(row)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_may_come_under_anothers_number(shop: tuple[Clerk, Path], kind: str) -> None:
    clerk, _ = shop
    [spare, number] = clerk.ids(kind)[-2:]
    taken = clerk.take(kind, spare)
    for one in (spare, number):
        clerk.remove(kind, one, AT)
    clerk.put(taken, AT, number)
    assert number in clerk.ids(kind) and spare not in clerk.ids(kind)
    assert len(clerk.take(kind, number).rows) == len(taken.rows)
