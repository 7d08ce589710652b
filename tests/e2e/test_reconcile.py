"""Reconcile asks the vendor anew: what one side lacks is found, what a busy shop does meanwhile is no alarm."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from sandbox.vendors.shopify.store import ShopWriter
from sandbox.world.wire import instant
from tests.e2e.conftest import CLEAN, SHARED, StackOf
from tests.e2e.stack import Stack, rewrite
from varai import landing
from varai.gate import quarantine
from varai.kernel import FeedKey, Unbalanced
from varai.marts.publish import read_manifest
from varai.registry import comparisons, feed, put_feed
from varai.river.erasure import pseudonym
from varai.river.reconcile import Reconciliation, reconcile_feed, reconcile_feeds
from varai.river.transform import transform
from varai.stores import documents, objects
from varai.warehouse.duck import connect_duckdb

COUNTED = ("products", "customers", "orders")
KINDS = {"products": "Product", "customers": "Customer", "orders": "Order"}


@pytest.fixture
def read_shop(stack_of: StackOf) -> Stack:
    """A clean shop, read once; everything in it is older than the overlap."""
    stack = stack_of(CLEAN)
    assert stack.run(*COUNTED).failures == {}
    return stack


def _reconciled(stack: Stack) -> dict[str, Reconciliation]:
    found = reconcile_feed(stack.settings, stack.region, stack.key, holder="test")
    return {one.stream: one for one in found}


def _differences(stack: Stack) -> dict[str, tuple[str, ...]]:
    return {name: one.differences for name, one in _reconciled(stack).items() if one.differences}


def _old(writer: ShopWriter, stack: Stack, kind: str) -> None:
    """Put a copy of the shop's first object of a type under another number, last changed long ago."""
    body = next(iter(stack.bodies(kind).values()))
    at = instant(datetime.now(UTC) - timedelta(days=300))
    fresh = f"gid://shopify/{kind}/987654321"
    writer.put(fresh, kind, {**body, "id": fresh, "updatedAt": at}, created_at=at, updated_at=at)


def test_a_shop_that_was_read_agrees_and_the_vendor_was_asked(read_shop: Stack) -> None:
    found = _reconciled(read_shop)
    assert {name: one.differences for name, one in found.items() if one.differences} == {}
    for name in COUNTED:
        assert (found[name].vendor, found[name].changed) == (len(read_shop.ids(KINDS[name])), 0)
        assert found[name].vendor == found[name].known
    assert found["inventory"].changed is None  # the vendor gives no exact count of it


def test_streams_that_were_never_read_are_not_said_to_differ_in_nothing(read_shop: Stack) -> None:
    found = _reconciled(read_shop)
    unread = found.keys() - {*COUNTED}
    assert unread and not any(found[name].differences for name in unread)
    assert {key.stream for key, _ in comparisons(read_shop.scope)} == {*COUNTED}


def test_a_record_that_the_vendor_has_no_longer_is_found(read_shop: Stack) -> None:
    gone = [list(read_shop.bodies(kind))[-1] for kind in KINDS.values()]
    for gid in gone:
        read_shop.delete(gid)
    found = _differences(read_shop)
    for name, kind in KINDS.items():
        count = len(read_shop.ids(kind))
        assert f"{count + 1} records are known here, the vendor counts {count} last changed before" in found[name][0]


def test_a_record_that_was_never_read_is_found(read_shop: Stack) -> None:
    for kind in KINDS.values():
        read_shop.edit(lambda writer, at, kind=kind: _old(writer, read_shop, kind))
    found = _differences(read_shop)
    for name, kind in KINDS.items():
        count = len(read_shop.ids(kind))
        assert found[name][0].startswith(f"the vendor counts {count} records last changed before")
        assert found[name][0].endswith(f"{count - 1} are known here")


def test_a_row_that_the_hashes_lost_is_found(read_shop: Stack) -> None:
    def without_first(table: pa.Table) -> pa.Table:
        product = pc.index(table["entity"], "product").as_py()
        return pa.concat_tables([table.slice(0, product), table.slice(product + 1)])

    _rewrite_hashes(read_shop, "products", without_first)
    first, *rest = _differences(read_shop)["products"]
    assert "the vendor counts 12 records" in first and "11 are known here" in first
    assert rest  # the catalogue and the warehouse hold it still


def test_a_product_that_the_catalogue_lost_is_found(read_shop: Stack) -> None:
    documents(read_shop.scope)["products"].delete_one({"tenant": read_shop.spec.name})
    assert _differences(read_shop) == {"products": ("12 rows passed the gate, the catalogue holds 11",)}


def test_a_busy_shop_is_no_alarm(read_shop: Stack) -> None:
    """Half of the products change, some come, and all of it after the last run."""
    products = list(read_shop.bodies("Product"))

    def change(writer: ShopWriter, at: str) -> None:
        later = instant(datetime.now(UTC) + timedelta(seconds=30))
        for gid in products[:6]:
            rewrite(read_shop.shop, writer, gid, {"title": "Changed"}, later)
        body = read_shop.bodies("Product")[products[0]]
        for number in range(3):
            fresh = f"gid://shopify/Product/98765432{number}"
            writer.put(fresh, "Product", {**body, "id": fresh, "updatedAt": later}, created_at=later, updated_at=later)

    read_shop.edit(change)
    found = _reconciled(read_shop)["products"]
    assert (found.vendor, found.changed, found.known, found.differences) == (6, 9, 12, ())


def test_what_was_erased_here_or_never_mapped_is_no_alarm(read_shop: Stack) -> None:
    person = next(iter(read_shop.bodies("Customer"))).rsplit("/", 1)[1]
    subject = pseudonym(read_shop.settings, "eu", read_shop.key, person)
    read_shop.erase(subject, dry_run=False)
    read_shop.edit(lambda writer, at: _old(writer, read_shop, "Product"))
    assert set(_differences(read_shop)) == {"products"}  # the person is known to be erased

    _put_unmappable(read_shop, "orders", 2)
    assert set(_differences(read_shop)) == {"products"}
    _put_unmappable(read_shop, "products", 1)
    assert _differences(read_shop) == {}


@pytest.mark.usefixtures("at_once")
def test_a_vendor_that_does_not_answer_is_a_difference_of_its_streams_alone(read_shop: Stack) -> None:
    read_shop.fault(kind="5xx", times=-1)
    found = _reconciled(read_shop)
    assert set(found) > set(COUNTED)
    for name, one in found.items():
        assert ["could not be asked" in said and "503" in said for said in one.differences] == [True] * (
            name in COUNTED
        )
        assert one.warehouse == one.known


@pytest.mark.usefixtures("at_once")
def test_a_feed_that_cannot_be_compared_stops_no_other(stack_of: StackOf) -> None:
    mute, well = stack_of(CLEAN), stack_of(SHARED)
    for stack in (mute, well):
        assert stack.run("products").failures == {}
    mute.fault(kind="5xx", times=-1)
    lost, nobody = FeedKey(well.spec.name, "lost"), FeedKey(well.spec.name, "nobody")
    put_feed(well.scope, feed(well.scope, well.key).model_copy(update={"name": "lost", "connector": "no-such"}))
    well.edit(lambda writer, at: _old(writer, well, "Product"))

    done = reconcile_feeds(well.settings, "eu", [mute.key, lost, nobody, well.key], holder="test")
    assert {FeedKey(one.tenant, one.feed) for one in done.found} == {mute.key, well.key}
    assert list(done.failures) == [lost, nobody]
    of_mute, of_well, of_lost, of_nobody = done.differences
    assert of_mute.startswith(f"{mute.key}/products: the vendor could not be asked")
    assert of_well.startswith(f"{well.key}/products: the vendor counts 13 records")
    assert of_lost.startswith(f"{lost}: could not be compared: ") and "no-such" in of_lost
    assert of_nobody.startswith(f"{nobody}: could not be compared: ")


@pytest.mark.slow
def test_a_snapshot_that_shows_less_or_more_than_the_warehouse_is_found(read_shop: Stack) -> None:
    transform(read_shop.settings, "eu", holder="test")
    found = _reconciled(read_shop)
    assert [(one.published, one.differences) for one in found.values() if one.published is not None] == [
        (12, ()),
        (40, ()),
    ]
    assert found["products"].published == 12

    # What was loaded since may be shown or not; what was loaded before must be.
    read_shop.delete(list(read_shop.bodies("Product"))[-1])
    assert read_shop.run("products").failures == {}
    assert _differences(read_shop) == {}
    with connect_duckdb(read_shop.settings.scope("eu")) as opened:
        opened.connection.execute("UPDATE raw.loads SET loaded_at = TIMESTAMPTZ '2020-01-01 00:00:00+00'")
    (sentence,) = _differences(read_shop)["products"]
    assert "the warehouse has 11 for dim_product" in sentence and sentence.endswith("shows 12")

    transform(read_shop.settings, "eu", holder="test")
    assert _differences(read_shop) == {}
    manifest = read_manifest(objects(read_shop.scope), read_shop.spec.name)
    assert manifest is not None
    objects(read_shop.scope).delete(manifest[0].marts["fct_order_line"].key)
    (sentence,) = _differences(read_shop)["orders"]
    assert "lacks its file of fct_order_line" in sentence
    assert set(_differences(read_shop)) == {"orders"}


def test_a_home_that_never_read_has_nothing_to_differ(clean_stack: Stack) -> None:
    assert {(one.known, one.warehouse, one.published) for one in _reconciled(clean_stack).values()} == {(0, 0, None)}
    assert _differences(clean_stack) == {}


def test_a_paused_feed_is_not_asked(read_shop: Stack) -> None:
    put_feed(read_shop.scope, feed(read_shop.scope, read_shop.key).model_copy(update={"paused": True}))
    read_shop.fault(kind="revoked_token", times=-1)
    assert _differences(read_shop) == {}


def test_the_command_tells_what_differs_and_ends_with_one(read_shop: Stack) -> None:
    agreed = _command(read_shop, "--json")
    assert agreed.returncode == 0, agreed.stderr
    vendor = {one["stream"]: one["vendor"] for one in json.loads(agreed.stdout)}
    assert [vendor[name] for name in COUNTED] == [len(read_shop.ids(KINDS[name])) for name in COUNTED]
    lost = feed(read_shop.scope, read_shop.key).model_copy(update={"name": "lost", "connector": "none"})
    put_feed(read_shop.scope, lost)
    differing = _command(read_shop, "--json")
    assert differing.returncode == 1
    assert json.loads(differing.stdout) == json.loads(agreed.stdout)
    assert f"{lost.key} could not be compared: " in differing.stderr


def test_the_nightly_task_names_stream_and_difference(read_shop: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**read_shop.environment, "AIRFLOW_HOME": str(read_shop.home / "airflow")}.items():
        monkeypatch.setenv(name, value)
    from varai.orchestration import steps  # imports Airflow, which looks for its home

    assert steps.reconcile("eu", "nightly") == 8
    read_shop.edit(lambda writer, at: writer.delete(list(read_shop.bodies("Order"))[-1], at))
    with pytest.raises(Unbalanced, match=f"{read_shop.key}/orders: 40 records are known here, the vendor counts 39"):
        steps.reconcile("eu", "nightly")


def _command(stack: Stack, *options: str) -> subprocess.CompletedProcess[str]:
    """`varai reconcile` in a process of its own."""
    words = [sys.executable, "-c", "from varai.cli import app; app()", "reconcile", "--region", "eu", *options]
    return subprocess.run(words, env={**os.environ, **stack.environment}, capture_output=True, text=True, check=False)


def _rewrite_hashes(stack: Stack, stream: str, change: Callable[[pa.Table], pa.Table]) -> None:
    key, store = stack.state(stream).hashes, objects(stack.scope)
    buffer = io.BytesIO()
    pq.write_table(change(pq.read_table(io.BytesIO(store.read(key)))), buffer)
    store.write(key, buffer.getvalue())


def _put_unmappable(stack: Stack, stream: str, records: int) -> None:
    """As many records that could not be mapped, and a child line, which is no record; the same in two batches."""
    rows = [{"source_id": None, "position": n, "reason": "broken", "line": f"{stream} {n}"} for n in range(records)]
    rows.append({"source_id": None, "position": 99, "reason": "child_broken", "line": "a child"})
    table = pa.Table.from_pylist([{**row, "reasons": [row["reason"]]} for row in rows])
    ref = landing.batches(stack.scope, stack.key, stream)[0]
    for batch in ("b1", "b2"):
        quarantine.write(
            stack.scope, "unmappable", ref.model_copy(update={"batch_id": batch}), table.to_reader(), sealed=False
        )
