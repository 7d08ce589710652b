"""The river end to end: a first run is whole, a second one writes nothing, and every change of the shop arrives with the next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sandbox.vendors.shopify.store import ShopWriter
from sandbox.world.wire import instant
from tests.e2e.conftest import SHARED, WORLD, StackOf
from tests.e2e.digests import digests, hashes_of, known, warehoused
from tests.e2e.stack import Stack, rewrite
from varai.kernel import LeaseHeld
from varai.registry import held, holding
from varai.river.context import documents_lease
from varai.river.document import document_region
from varai.river.transform import transform
from varai.stores import documents, objects

STREAMS = {"shop", "locations", "products", "inventory", "customers", "orders", "payouts", "disputes"}
READ_WHOLE = {"shop", "locations", "payouts", "disputes"}
FATES = ("published", "quarantined", "unchanged", "superseded", "unmappable", "erased")
KEYS = {
    *("tenant", "feed", "stream", "vendor_count", "landed", *FATES, "tombstoned", "entities", "balanced"),
    *("watermark", "lag_s", "state"),
}
VENDOR = {"products": "Product", "customers": "Customer", "orders": "Order", "locations": "Location"}
VENDOR |= {f"{kind.lower()}s": f"ShopifyPayments{kind}" for kind in ("Payout", "Dispute")}


@pytest.mark.slow
def test_first_run_is_whole_and_a_second_one_lands_only_the_overlap_and_writes_nothing(stack: Stack) -> None:
    """Balance, vendor counts, watermarks and the contract of status; then equal digests and equal snapshots."""
    assert stack.run().failures == {}
    first = stack.slices()
    assert set(first) == STREAMS
    for name, row in first.items():
        assert row.keys() >= KEYS
        assert row["landed"] == sum(row[fate] for fate in FATES), name
        assert row["vendor_count"] == row["landed"], name
        assert row["landed"] > 0 or name == "disputes", name
        assert row["balanced"] and row["watermark"] and row["settled"] and row["state"] == "ok", name
        for entity, counts in row["entities"].items():
            parts = ("published", "quarantined", "unchanged", "superseded")
            assert counts["mapped"] == sum(counts[part] for part in parts), entity
    for stream, kind in VENDOR.items():
        assert first[stream]["landed"] == len(stack.ids(kind))
    assert first["inventory"]["landed"] == len(stack.bodies("InventoryLevel"))
    assert first["products"]["entities"]["variant"]["mapped"] == len(stack.ids("ProductVariant"))
    assert first["orders"]["entities"]["order_line"]["mapped"] == len(stack.ids("LineItem"))
    before, snapshots = digests(stack), transform(stack.settings, "eu", holder="test").snapshots
    assert set(snapshots) == {WORLD.name}

    written = _documents(stack)
    assert stack.run().merged == {}
    for name, row in stack.slices().items():
        assert (row["published"], row["tombstoned"], row["balanced"]) == (0, 0, True), name
        assert row["landed"] == row["vendor_count"] == row["unchanged"] + row["quarantined"], name
        assert row["landed"] == (first[name]["landed"] if name in READ_WHOLE else 0), name
    assert digests(stack) == before
    assert _documents(stack) == written  # not even a field of the run was touched
    again = transform(stack.settings, "eu", holder="test")
    assert (again.snapshots, again.changed) == (snapshots, ())


def test_two_graphs_that_end_at_once_document_the_region_s_evidence_one_after_the_other(clean_stack: Stack) -> None:
    stack = clean_stack
    assert stack.run("products").failures == {}
    scope = stack.settings.scope("eu")
    waiting = set(objects(scope).list("evidence/"))
    assert waiting
    with holding(scope, documents_lease("eu"), "another graph"), pytest.raises(LeaseHeld):
        document_region(stack.settings, "eu", holder="this graph")
    assert set(objects(scope).list("evidence/")) == waiting
    assert Path(document_region(stack.settings, "eu", holder="this graph")).exists()
    assert not list(objects(scope).list("evidence/"))
    assert "documents:eu" not in {one["_id"] for one in held(scope)}


@pytest.mark.slow
def test_a_slice_that_brings_nothing_settles_and_leaves_the_hashes_as_they_are(clean_stack: Stack) -> None:
    """Its watermark moves and it balances; a delete that comes without any record is a tombstone as ever, and so is a change a row."""
    for _ in range(2):  # the second run lists all ids
        assert clean_stack.run("products").failures == {}
    hashes = _file(clean_stack)
    assert clean_stack.run("products").failures == {}
    row, report, state = (
        clean_stack.slices()["products"],
        clean_stack.state("products").report(),
        clean_stack.state("products"),
    )
    assert (row["landed"], row["balanced"], row["settled"], row["state"]) == (0, True, True, "ok")
    assert row["entities"].keys() == {"product", "variant", "image"}
    assert report is not None and report.window.end == state.watermark() and state.at_rest
    assert _file(clean_stack) == hashes

    clean_stack.delete(_product(clean_stack, 1))
    assert clean_stack.run("products").failures == {}
    gone = clean_stack.slices()["products"]
    assert (gone["landed"], gone["tombstoned"]) == (0, 1)
    clean_stack.touch([_product(clean_stack, 0)], title="Another title")
    assert clean_stack.run("products").failures == {}
    assert clean_stack.slices()["products"]["published"] == 1
    _agree(clean_stack)


def _file(stack: Stack) -> tuple[int, int]:
    """Which file the hashes of products are: one that is written anew is another."""
    path = objects(stack.scope).local(stack.state("products").hashes)
    assert path is not None
    return path.stat().st_ino, path.stat().st_mtime_ns


def _documents(stack: Stack) -> list[dict[str, Any]]:
    names = ("products", "inventory_levels", "locations", "shops", "catalogue_versions")
    return [found for name in names for found in documents(stack.scope)[name].find().sort("_id")]


@pytest.fixture(scope="module")
def running_shop(module_stack_of: StackOf) -> Stack:
    """A clean shop whose products were read once."""
    stack = module_stack_of(SHARED)
    assert stack.run("products").failures == {}
    return stack


def _product(stack: Stack, nth: int) -> str:
    return list(stack.bodies("Product"))[nth]


def _variants(stack: Stack, product: str) -> list[str]:
    return stack.children([product])[product]


def _counts(stack: Stack, entity: str) -> dict[str, int]:
    report = stack.state("products").report()
    assert report is not None and report.balanced and report.settled
    return report.entities[entity].model_dump()


def _number(key: str) -> str:
    return key.rsplit("/", 1)[1]


def _held(stack: Stack, product: str) -> dict[str, Any]:
    found = documents(stack.scope)["products"].find_one({"_id": f"{stack.spec.name}/shop/{_number(product)}"})
    assert found is not None
    return found


def _agree(stack: Stack) -> None:
    """The shop, the hashes, the warehouse and the catalogue know the same products and variants."""
    for entity, kind in (("product", "Product"), ("variant", "ProductVariant")):
        assert known(stack, "products", entity) == warehoused(stack, entity) == stack.ids(kind), entity
    live = documents(stack.scope)["products"].find({"tenant": stack.spec.name, "product.deleted": False})
    assert {document["_id"].rsplit("/", 1)[1] for document in live} == stack.ids("Product")


def test_a_changed_record_arrives_alone(running_shop: Stack) -> None:
    product = _product(running_shop, 0)
    running_shop.touch([product], title="Another name")
    assert running_shop.run("products").failures == {}
    row = running_shop.slices()["products"]
    assert (row["published"], row["tombstoned"]) == (1, 0)
    assert row["landed"] == row["vendor_count"] == 1 + row["unchanged"]  # what else landed is the overlap
    assert _held(running_shop, product)["product"]["title"] == "Another name"
    counts = _counts(running_shop, "variant")
    # Children came along, but only what changed is written: their own content is what it was.
    assert counts["mapped"] == counts["unchanged"] >= len(_variants(running_shop, product))
    assert (counts["published"], counts["tombstoned"]) == (0, 0)
    _agree(running_shop)


def test_a_deleted_product_leaves_tombstones_for_itself_and_its_children(running_shop: Stack) -> None:
    product = _product(running_shop, 1)
    children = len(_variants(running_shop, product))
    running_shop.delete(product)
    assert running_shop.run("products").failures == {}
    row = running_shop.slices()["products"]
    assert (row["published"], row["tombstoned"]) == (0, 1)
    assert row["landed"] == row["unchanged"]  # the overlap; a tombstone stands outside the equation
    assert _counts(running_shop, "variant")["tombstoned"] == children > 0
    held = _held(running_shop, product)
    assert held["product"]["deleted"] and all(part["deleted"] for part in held["variants"].values())
    _agree(running_shop)


def test_a_removed_variant_becomes_a_tombstone_and_a_resurrected_one_a_row(running_shop: Stack) -> None:
    product = next(key for key in running_shop.bodies("Product") if len(_variants(running_shop, key)) > 1)
    variant = _variants(running_shop, product)[-1]
    body, born = running_shop.bodies("ProductVariant")[variant], instant(SHARED.opened)
    running_shop.delete(variant)
    running_shop.touch([product])
    assert running_shop.run("products").failures == {}
    assert _counts(running_shop, "variant")["tombstoned"] == 1
    assert _number(variant) not in known(running_shop, "products", "variant")
    _agree(running_shop)

    def put_back(writer: ShopWriter, at: str) -> None:
        writer.put(
            variant,
            "ProductVariant",
            body,
            parent=product,
            connection="variants",
            position=9,
            created_at=born,
            updated_at=born,  # as it was: the vendor does not say when a row came back
        )
        rewrite(running_shop.shop, writer, product, {"vendor": "Resurrected"}, at)

    running_shop.edit(put_back)
    assert running_shop.run("products").failures == {}
    assert _counts(running_shop, "variant")["published"] == 1
    assert not _held(running_shop, product)["variants"][_number(variant)]["deleted"]
    _agree(running_shop)


def test_a_duplicate_sku_flips_the_row_outside_the_slice_and_frees_it_again(running_shop: Stack) -> None:
    products = list(running_shop.bodies("Product"))
    one, other = (_variants(running_shop, key)[0] for key in products[-2:])
    before, taken = (running_shop.bodies("ProductVariant")[key]["sku"] for key in (other, one))

    def rename(sku: str) -> None:
        def change(writer: ShopWriter, at: str) -> None:
            rewrite(running_shop.shop, writer, other, {"sku": sku}, at)
            rewrite(running_shop.shop, writer, products[-1], {}, at)

        running_shop.edit(change)
        assert running_shop.run("products").failures == {}

    rename(taken)
    counts = _counts(running_shop, "variant")
    assert (counts["quarantined"], counts["replayed"]) == (1, 1)
    assert _verdicts(running_shop, one, other) == ["quarantined", "quarantined"]
    held = _held(running_shop, products[-2])["variants"][_number(one)]
    assert (held["stale"], held["deleted"]) == (True, False)  # the last good version stays
    _agree(running_shop)

    rename(before)
    counts = _counts(running_shop, "variant")
    assert (counts["published"], counts["replayed"]) == (1, 1)
    assert _verdicts(running_shop, one, other) == ["published", "published"]
    assert not _held(running_shop, products[-2])["variants"][_number(one)]["stale"]
    _agree(running_shop)


def _verdicts(stack: Stack, *keys: str) -> list[str]:
    found = {row["source_id"]: row["verdict"] for row in hashes_of(stack, "products") if row["entity"] == "variant"}
    return [found[_number(key)] for key in keys]
