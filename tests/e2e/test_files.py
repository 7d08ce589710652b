"""Dropped files down the river: two feeds of one tenant, twice; full and delta files, late and again; a report to the cent."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from typer.testing import CliRunner

from sandbox.world.files import build
from sandbox.world.spec import DefectRates, WorldSpec
from tests.e2e.two import homes
from varai import catalogue, privacy, registry
from varai.cli import app as cli
from varai.gate import quarantine
from varai.kernel import FeedKey, Scope
from varai.marts import Reader
from varai.registry import RunRecord
from varai.river.proof.prove import prove_feed
from varai.river.run import run_feeds
from varai.river.transform import transform
from varai.settings import Settings, load
from varai.sources import stream_names

pytestmark = pytest.mark.slow
TENANT = "maple-optical"
WORLD = WorldSpec(
    TENANT,
    "maple-optical.example.com",
    3,
    "USD",
    "America/Los_Angeles",
    "US",
    "user",
    "password",
    products=12,
    orders=60,
    customers=25,
    defects=DefectRates.none(),
)
FEEDS = {"shop": WORLD, "outlet": replace(WORLD, name="outlet", seed=4, defects=DefectRates())}
FATES = ("published", "quarantined", "unchanged", "superseded", "unmappable", "erased")


@dataclass(frozen=True)
class Two:
    """A region with one tenant, who drops files for two feeds."""

    settings: Settings
    drops: Path

    @property
    def scope(self) -> Scope:
        """The tenant's."""
        return self.settings.scope("us", TENANT)

    def run(self, feeds: Iterable[str] = FEEDS, **given: Any) -> RunRecord:
        """One run of both feeds, or of some."""
        return run_feeds(self.settings, "us", [FeedKey(TENANT, feed) for feed in feeds], **given)

    def slices(self, feed: str | None = None) -> dict[tuple[str, str], dict[str, Any]]:
        """The last slice of every stream that was read."""
        told = registry.status(self.settings.scope("us"), {}, stream_names)["slices"]
        found = [row for row in told if row["tenant"] == TENANT and row["landed"] is not None]
        return {(row["feed"], row["stream"]): row for row in found if feed in (None, row["feed"])}

    def drop(self, name: str, text: str, *, feed: str = "shop", age: timedelta = timedelta(hours=1)) -> Path:
        """Lay a file into a feed's folder, written that long ago."""
        path = self.drops / feed / name
        path.write_text(text, encoding="utf-8")
        at = (datetime.now(UTC) - age).timestamp()
        os.utime(path, (at, at))
        return path


@pytest.fixture
def two(home: Path, mongodb_uri: str, mongodb: str, tmp_path: Path) -> Two:
    """Both exports, delivered."""
    environment = {
        "VARAI_HOME": str(home),
        "VARAI_DATABASE": mongodb,
        "VARAI_STORES__US__DOCUMENTS_URI": mongodb_uri,
    }
    (home / "settings.env").write_text("".join(f"{name}={value}\n" for name, value in environment.items()))
    settings = load(environment)
    [seed] = [seed for seed in settings.seeds if seed.tenant.name == TENANT]
    [given] = seed.feeds
    feeds = [given.model_copy(update={"name": feed}) for feed in FEEDS]
    registry.seed(settings.scope("us"), [seed.model_copy(update={"feeds": tuple(feeds)})])
    for room in (registry, catalogue, privacy):
        room.ensure_indexes(settings.scope("us"))
    drops = home / "buckets" / "us" / "drop" / TENANT
    for feed, spec in FEEDS.items():
        build(tmp_path / spec.name, spec)
        shutil.copytree(tmp_path / spec.name, drops / feed)
    return Two(settings, drops)


def test_two_feeds_of_one_tenant_are_whole_never_mixed_and_read_once(two: Two) -> None:
    assert two.run().failures == {}
    first = two.slices()
    assert len(first) == 2 * 10  # a feed has the streams it declares
    for row in first.values():
        assert row["vendor_count"] == row["landed"] == sum(row[fate] for fate in FATES) > 0, row
        assert row["balanced"] and row["watermark"] and row["state"] == "ok", row
    snapshots = transform(two.settings, "us", holder="test").snapshots
    assert snapshots.keys() == {TENANT}

    assert two.run().merged == {}
    for row in two.slices().values():
        assert (row["published"], row["tombstoned"], row["balanced"]) == (0, 0, True), row
    again = transform(two.settings, "us", holder="test")
    assert (again.snapshots, again.changed) == (snapshots, ())
    for feed in FEEDS:
        proof = prove_feed(two.settings, "us", FeedKey(TENANT, feed), holder="test")
        assert proof.proven, proof.sentences


def test_a_preview_shows_what_rows_become_and_writes_nothing(two: Two) -> None:
    bucket = two.drops.parents[1]
    text = (two.drops / "outlet" / "products-20261101.csv").read_bytes().decode("cp1252").splitlines(keepends=True)
    two.drop("products-20261102.csv", "".join(text[:5]) + 'cut,"short\n', feed="outlet")
    before = sorted(path for path in bucket.rglob("*") if path.is_file())
    words = ["feeds", "preview", "--region", "us", "--tenant", TENANT, "--feed", "outlet", "--rows", "4"]
    told = CliRunner().invoke(cli, words)
    assert told.exit_code == 0
    assert "products, from products-20261102.csv" in told.output
    assert "open_quote:products-20261102.csv:6" in told.output  # the row, the file, why
    assert re.search(r"unit_price +lines\.price +\d+\.0 -> \d+\.000000", told.output)
    assert re.search(r"email +E-mail +\(kept from view\)", told.output) and "@" not in told.output
    assert sorted(path for path in bucket.rglob("*") if path.is_file()) == before


def row_of(two: Two, stream: str, feed: str = "shop") -> dict[str, Any]:
    return two.slices()[feed, stream]


def rows_of(two: Two, entity: str, feed: str = "shop") -> dict[str, dict[str, Any]]:
    """Live rows of the warehouse, by name."""
    with duckdb.connect(two.scope.warehouse, read_only=True) as con:
        found = (
            con.execute(f"SELECT * FROM raw.{entity} WHERE feed = ? AND NOT deleted", [feed])
            .to_arrow_table()
            .to_pylist()
        )
    return {row["source_id"]: row for row in found}


def test_a_file_again_changes_nothing_and_a_late_older_one_overwrites_nothing(two: Two) -> None:
    assert two.run(["shop"]).failures == {}
    [number] = [one["source_id"] for one in list(rows_of(two, "refund").values())[:1]]
    header = "Refund No,Order,Refunded,Paid Back,Shipping,Shipping Tax,Adjustment,Adjustment Tax\n"

    def refund(name: str, day: str, paid: str) -> None:
        two.drop(f"refunds-{day}.csv", f"{header}{name},500,05/07/2025 09:03:18,{paid},0,0,0,0\n")

    # Delivered again, under the same name and under another one: nothing is published.
    old = two.drops / "shop" / "refunds-20261101.csv"
    os.utime(old, (old.stat().st_mtime + 60,) * 2)
    shutil.copy2(old, old.with_name("refunds-20261102.csv"))
    assert two.run(["shop"]).failures == {}
    row = row_of(two, "refunds")
    assert (row["published"], row["tombstoned"], row["balanced"]) == (0, 0, True), row
    assert row["landed"] == row["unchanged"] + row["superseded"] > 0, row

    # A newer file changes the row; one that is older and came later does not, in the same run or in the next.
    refund(number, "20261110", "99.00")
    assert two.run(["shop"]).failures == {}
    assert rows_of(two, "refund")[number]["total_minor"] == 9900
    for _ in range(20):  # a run within the same second reads the newer file once more
        if row_of(two, "refunds")["landed"]:
            assert two.run(["shop"]).failures == {}
    refund(number, "20261105", "11.00")
    assert two.run(["shop"]).failures == {}
    row = row_of(two, "refunds")
    assert (row["landed"], row["superseded"], row["published"], row["balanced"]) == (1, 1, 0, True), row
    assert rows_of(two, "refund")[number]["total_minor"] == 9900

    # What is unchanged is as new as the newest file that said so.
    refund(number, "20261120", "99.00")
    assert two.run(["shop"]).failures == {}
    refund(number, "20261115", "22.00")
    assert two.run(["shop"]).failures == {}
    assert rows_of(two, "refund")[number]["total_minor"] == 9900


def test_what_a_whole_state_lacks_is_gone_and_most_of_it_only_by_an_operator_s_word(two: Two) -> None:
    assert two.run(["shop"]).failures == {}
    header, *lines = (two.drops / "shop" / "stock-20261101.tsv").read_text(encoding="utf-16").splitlines()
    known = len(rows_of(two, "inventory_level"))
    assert known == len(lines) > 20

    def stock(day: str, some: list[str]) -> None:
        path = two.drop(f"stock-{day}.tsv", "")
        at = path.stat().st_mtime
        path.write_text("\n".join([header, *some]) + "\n", encoding="utf-16")
        os.utime(path, (at, at))

    stock("20261102", lines[3:])
    assert two.run(["shop"]).failures == {}
    row = row_of(two, "stock")
    assert (row["landed"], row["unchanged"], row["tombstoned"], row["balanced"]) == (known - 3, known - 3, 3, True), row
    assert len(rows_of(two, "inventory_level")) == known - 3

    stock("20261103", [*lines[:-2], "cut"])  # a row that cannot be read may be any: nothing is found gone
    assert two.run(["shop"]).failures == {}
    row = row_of(two, "stock")
    assert (row["published"], row["unmappable"], row["tombstoned"], row["balanced"]) == (3, 1, 0, True), row
    listed = quarantine.list_rows(two.scope, TENANT, "unmappable")
    assert [one.reasons for one in listed] == [(f"ragged_row:stock-20261103.tsv:{known}",)]

    stock("20261104", lines[:2])
    assert list(two.run(["shop"]).failures) == [f"{TENANT}/shop/stock"]
    assert len(rows_of(two, "inventory_level")) == known

    stock("20261101-old", lines[:1])  # older than what is known: it is passed over
    assert two.slices()["shop", "variants"]["balanced"]


def test_an_item_that_moves_to_another_style_lives_there_alone(two: Two) -> None:
    assert two.run(["shop"]).failures == {}
    path = two.drops / "shop" / "products-20261101.csv"
    rows = list(csv.reader(io.StringIO(path.read_bytes().decode("cp1252"), newline="")))
    style, item = rows[0].index("Style No"), rows[0].index("Item No")
    moved = next(row for row, after in pairwise(rows[1:]) if row[style] == after[style])
    other = next(row for row in rows[1:] if row[style] != moved[style])
    left, number = moved[style], moved[item]
    moved[:item] = other[:item]
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    at = path.stat().st_mtime
    path = path.with_name("products-20261102.csv")
    path.write_bytes(text.getvalue().encode("cp1252"))
    os.utime(path, (at, at))

    assert two.run(["shop"]).failures == {}
    row = row_of(two, "variants")
    assert (row["published"], row["tombstoned"], row["balanced"]) == (1, 0, True), row
    assert homes(two.scope, "shop", number) == {left: False, other[style]: True}
    proof = prove_feed(two.settings, "us", FeedKey(TENANT, "shop"), holder="test")
    assert proof.proven, proof.sentences


def test_a_file_that_cannot_be_read_stops_its_stream_and_no_other(two: Two) -> None:
    two.drop("products-20261102.csv", "no,such,columns\n1,2,3\n")
    two.drop("customers-20261102.xlsx", "PK, or not")
    failed = two.run(["shop"]).failures
    assert set(failed) == {f"{TENANT}/shop/{stream}" for stream in ("products", "variants", "customers")}
    assert "lacks the columns" in str(failed[f"{TENANT}/shop/products"])
    row = row_of(two, "orders")
    assert row["balanced"] and row["published"] == row["landed"] > 0

    (two.drops / "shop" / "products-20261102.csv").unlink()
    (two.drops / "shop" / "customers-20261102.xlsx").unlink()
    assert two.run(["shop"]).failures == {}
    assert row_of(two, "variants")["published"] > 0


def test_a_merchant_s_report_equals_the_till_s_own_totals(two: Two, tmp_path: Path) -> None:
    assert two.run(["shop"]).failures == {}
    assert transform(two.settings, "us", holder="test").snapshots.keys() == {TENANT}
    orders = []
    for path in sorted((two.drops / "shop").glob("orders-*")):
        text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        orders += [json.loads(line, parse_float=Decimal) for line in text.splitlines()]
    lines = [line for order in orders for line in order["lines"]]
    with Reader(two.scope, tmp_path).current(TENANT) as marts:
        found = marts.query("SELECT * FROM fct_order_line").to_pylist()
    assert len(found) == len(lines) == len({row["line_id"] for row in found})
    for kind, gift in (("product", False), ("gift_card", True)):
        expected = sum(line["price"] * line["qty"] * 100 for line in lines if line["sku"].startswith("GIFT-") == gift)
        assert sum(row["gross_minor"] for row in found if row["line_kind"] == kind) == expected
    assert sum(row["gross_minor"] for row in found) > 0
    zone = ZoneInfo(WORLD.timezone)
    sold = {str(order["id"]): datetime.fromisoformat(order["sold_at"]).astimezone(zone).date() for order in orders}
    assert all(row["processed_on"] == sold[row["order_id"]] for row in found)
