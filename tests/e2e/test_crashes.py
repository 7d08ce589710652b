"""Whatever moment a run is killed at, the next one converges to what an undisturbed run leaves; and one run works on a feed."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from sandbox.prove.killed import MERGED, run_killed_at
from sandbox.vendors.shopify.store import ShopWriter
from sandbox.world.spec import WorldSpec
from sandbox.world.wire import instant
from tests.e2e.conftest import CLEAN, WORLD, Vendor, make_stack
from tests.e2e.digests import digests, known, published, warehoused
from tests.e2e.stack import Stack, rewrite
from varai import warehouse
from varai.gate import quarantine
from varai.kernel import DiskFull, LeaseHeld, utc_now
from varai.registry import StreamKey, acquire, leases, release
from varai.river.context import lease_name
from varai.river.ingest import ingest_feed
from varai.river.settle import load, settle
from varai.stores import documents, objects

STEPS = ("planned", "landing", "landed", "judged", "staged", "catalogue", MERGED, "loaded", "hashes", "watermark")
SEALED_STEPS = ("landed", "staged", MERGED, "hashes")
COMMITS = ("staged", "catalogue", MERGED, "hashes", "watermark")
"""Steps that leave something out: after these, what merchants are shown is compared too."""
Another = Callable[..., Stack]


@pytest.fixture(scope="module")
def another(tmp_path_factory: pytest.TempPathFactory, mongodb_uri: str, vendor: Vendor) -> Iterator[Another]:
    """Makes one more empty home for the same shop, with the same keys: what it comes to hold can be compared."""
    from pymongo import MongoClient

    homes = tmp_path_factory.mktemp("homes")
    made: list[str] = []

    def make(spec: WorldSpec = WORLD, *, anew: bool = True, **environment: str) -> Stack:
        home = homes / str(len(made))
        if made:
            shutil.copytree(homes / "0" / "secrets", home / "secrets")
        made.append(f"test_{uuid4().hex[:16]}")
        return make_stack(vendor, home, mongodb_uri, made[-1], spec, {}, environment, anew=anew)

    yield make
    with MongoClient(mongodb_uri, serverSelectionTimeoutMS=5000) as client:
        for name in made:
            client.drop_database(name)


@pytest.fixture(scope="module")
def undisturbed(another: Another) -> dict[str, dict[str, str]]:
    """Stream -> what an undisturbed run of it leaves; and under "<stream>, published" what is then shown of it."""
    found = {}
    for stream in ("products", "orders"):
        stack = another()
        assert stack.run(stream).failures == {}
        found[stream] = digests(stack)
        found[f"{stream}, published"] = published(stack)
    return found


@pytest.mark.parametrize(
    ("stream", "step"),
    [*(("products", step) for step in STEPS), *(("orders", step) for step in SEALED_STEPS)],
)
def test_a_killed_first_run_is_taken_up_by_the_next(
    undisturbed: dict[str, dict[str, str]], another: Another, stream: str, step: str
) -> None:
    stack = another()
    killed_at(stack, stream, step)
    before = stack.state(stream).watermark()
    assert (before is None) == (step != "watermark")
    assert stack.run(stream).failures == {}
    row = stack.slices()[stream]
    assert row["balanced"] and row["settled"]
    assert stack.state(stream).watermark() is not None
    assert digests(stack) == undisturbed[stream]
    if step in COMMITS:
        assert published(stack) == undisturbed[f"{stream}, published"]
    assert list(objects(stack.scope).list("canonical/")) == list(objects(stack.scope).list("mapped/")) == []


def test_a_killed_incremental_run_is_taken_up_with_its_tombstones_and_replays(another: Another) -> None:
    """A product goes, a variant goes, a SKU is taken: what the hashes know of the past may be used only once."""
    stacks = {"": another(CLEAN)} | {step: another(CLEAN, anew=False) for step in ("catalogue", "loaded", "hashes")}
    for stack in stacks.values():
        assert stack.run("products").failures == {}
    _turn_over(stacks[""])
    for step, stack in stacks.items():
        if step:
            killed_at(stack, "products", step)
        assert stack.run("products").failures == {}
    wanted = digests(stacks[""])
    for step, stack in stacks.items():
        assert digests(stack) == wanted, step
        assert known(stack, "products", "variant") == stack.ids("ProductVariant") == warehoused(stack, "variant")
        assert len(quarantine.list_rows(stack.scope, stack.spec.name, "variant", "duplicate_sku")) == 2
    assert published(stacks["loaded"]) == published(stacks[""])


@pytest.mark.parametrize(
    ("stream", "entity", "kind"), [("products", "product", "Product"), ("orders", "order", "Order")]
)
def test_what_a_killed_run_put_out_and_the_vendor_has_deleted_since_is_gone(
    another: Another, stream: str, entity: str, kind: str
) -> None:
    """Rows of the dead run are in the catalogue, and whoever loads next brings them into the warehouse."""
    stacks = {"": another(CLEAN)} | {step: another(CLEAN, anew=False) for step in ("staged", "catalogue")}
    for step, stack in stacks.items():
        if step:
            killed_at(stack, stream, step)
            load(stack.settings, stack.region, holder="somebody else")
            assert warehoused(stack, entity) == stack.ids(kind)
        else:
            assert stack.run(stream).failures == {}
    stacks[""].delete(next(iter(stack.bodies(kind))))
    for stack in stacks.values():
        assert stack.run(stream).failures == {}
    wanted = digests(stacks[""])
    for step, stack in stacks.items():
        assert known(stack, stream, entity) == stack.ids(kind) == warehoused(stack, entity), step
        assert digests(stack) == wanted, step
        assert stack.state(stream).attempts() == []


def test_what_a_killed_run_put_out_and_the_vendor_has_taken_back_since_is_as_before(another: Another) -> None:
    """The change that the dead run published has left its window; what comes instead equals what the hashes knew first."""
    stack = another(CLEAN)
    assert stack.run("products").failures == {}
    before, product = digests(stack)["catalogue"], next(iter(stack.bodies("Product")))
    title = stack.bodies("Product")[product]["title"]
    stack.touch([product], title="Passing")
    killed_at(stack, "products", "catalogue")
    assert digests(stack)["catalogue"] != before
    taken_back = datetime.now(UTC)
    stack.edit(lambda writer, _: rewrite(stack.shop, writer, product, {"title": title}, instant(taken_back)))
    while (read_until := stack.state("products").watermark()) is None or read_until <= taken_back:
        # Windows end at the present second, which is not over yet: what is read again the sooner holds nothing of it.
        assert stack.run("products").failures == {}
    held = documents(stack.scope)["products"].find_one({"source_id": product.rsplit("/", 1)[1]})
    assert held is not None and held["product"]["title"] == title


def killed_at(stack: Stack, stream: str, step: str) -> None:
    run_killed_at(stack.environment, stack.region, [stack.key], stream, step, streams=[stream])


def _turn_over(stack: Stack) -> None:
    """The second product goes, the third loses a variant, the last one's first variant takes the SKU of the fourth's."""
    products = list(stack.bodies("Product"))
    variants = stack.children(products)
    taken = stack.bodies("ProductVariant")[variants[products[3]][0]]["sku"]

    def change(writer: ShopWriter, at: str) -> None:
        writer.delete(products[1], at)
        writer.delete(variants[products[2]][-1], at)
        rewrite(stack.shop, writer, variants[products[-1]][0], {"sku": taken}, at)
        for product in (products[2], products[-1]):
            rewrite(stack.shop, writer, product, {}, at)

    stack.edit(change)


def test_a_window_taken_over_while_its_rows_are_loaded_settles_after_the_next_load(
    undisturbed: dict[str, dict[str, str]], another: Another
) -> None:
    stack = another()
    killed_at(stack, "products", "staged")
    dead = list(objects(stack.scope).list("canonical/"))

    def taken_over() -> None:
        outcome = ingest_feed(stack.settings, "eu", stack.key, holder="the next run", streams=["products"])
        assert outcome.failures == {}

    with warehouse.connect(stack.settings.scope("eu")) as opened:
        warehouse.load(stack.settings.scope("eu"), opened, taken_over)
    pending = stack.state("products").pending()
    assert pending is not None
    assert dead and list(objects(stack.scope).list("canonical/")) == sorted(pending.staged)
    assert settle(stack.settings, "eu") == []
    load(stack.settings, "eu", holder="the next run")
    assert settle(stack.settings, "eu") == [stack.state("products").key]
    assert digests(stack) == undisturbed["products"]


def test_the_second_of_two_runs_on_one_feed_is_told_who_holds_it(clean_stack: Stack) -> None:
    held = acquire(clean_stack.scope, lease_name(clean_stack.key), "the nightly backfill")
    record = clean_stack.run("products")
    said = record.failures[str(clean_stack.key)]
    assert "the nightly backfill" in said
    assert held.since.strftime("%Y-%m-%d %H:%M:%S") in said
    assert (record.settled, clean_stack.slices()) == ((), {})
    release(clean_stack.scope, held)
    assert clean_stack.run("products").failures == {}


def test_a_feeds_lease_is_renewed_until_its_slices_are_settled(
    clean_stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "_RENEW_S", 0.01)
    name, collection = lease_name(clean_stack.key), documents(clean_stack.scope)["leases"]

    def watch(key: StreamKey, step: str, records: int) -> None:
        if step == "loaded":  # long after the feed was ingested
            collection.update_one({"_id": name}, {"$set": {"expires_at": utc_now()}})
            deadline = time.monotonic() + 10
            while collection.count_documents({"_id": name, "expires_at": {"$gt": utc_now()}}) == 0:
                assert time.monotonic() < deadline
            with pytest.raises(LeaseHeld):
                acquire(clean_stack.scope, name, "another run")

    record = clean_stack.run("products", progress=watch)
    assert (record.failures, record.settled) == ({}, (f"{clean_stack.key}/products",))


@pytest.mark.parametrize("nth", [1, 2, 3, 5, 8, 13, 18])
def test_a_full_disk_fails_with_a_sentence_and_loses_nothing(
    undisturbed: dict[str, dict[str, str]], another: Another, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    """From the nth write on no space is left: the kernel says so when a file is synced."""
    stack, sync = another(), os.fsync
    written = 0

    def full(descriptor: int) -> None:
        nonlocal written
        written += 1
        if written >= nth:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with suppress(DiskFull):  # the record of the run itself finds no place either
            assert any("No space is left" in said for said in stack.run("products").failures.values())
    assert stack.state("products").watermark() is None
    _recovers(stack, undisturbed["products"])


def test_a_small_disk_fails_with_a_sentence_and_loses_nothing(
    undisturbed: dict[str, dict[str, str]], another: Another, tmp_path: Path
) -> None:
    """The same on a real file system of 48 kilobytes, which is enlarged then."""
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=48k", "tmpfs", str(tmp_path)], check=False, capture_output=True
    ).returncode:
        pytest.skip("Only root may mount the small file system that this test fills.")
    try:
        stack = another(VARAI_STORES__EU__BUCKET=str(tmp_path))
        with suppress(DiskFull):
            assert any("No space is left" in said for said in stack.run("products").failures.values())
        assert stack.state("products").watermark() is None
        subprocess.run(["mount", "-o", "remount,size=64m", str(tmp_path)], check=True)
        _recovers(stack, undisturbed["products"])
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def _recovers(stack: Stack, wanted: dict[str, str]) -> None:
    """With space again, the next run converges."""
    assert stack.run("products").failures == {}
    assert digests(stack) == wanted
