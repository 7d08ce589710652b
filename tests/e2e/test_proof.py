"""Proof of sync: every damage is found by its key in its place, a dry run changes nothing, a repair converges, a healthy shop is proven."""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from click.testing import Result
from typer.testing import CliRunner

from sandbox.vendors.shopify.store import ShopWriter
from sandbox.world.wire import instant
from tests.e2e.conftest import CLEAN, WORLD, StackOf
from tests.e2e.digests import digests
from tests.e2e.stack import Stack, rewrite
from varai import landing, registry
from varai.cli import app
from varai.marts.publish import read_manifest
from varai.marts.words import manifest_key
from varai.privacy import audit
from varai.registry import StreamKey, comparisons
from varai.river.proof.mend import Mended, mend_feed
from varai.river.proof.plan import steps
from varai.river.proof.prove import prove_feed
from varai.river.proof.words import FeedProof
from varai.river.transform import transform
from varai.sources import stream_names
from varai.stores import documents, objects
from varai.warehouse.duck import connect_duckdb

pytestmark = pytest.mark.slow
Damage = Callable[[Stack], tuple[str, dict[str, str]]]
"""Does something to a row; returns the row's key, and what must be said of it."""


@pytest.fixture(scope="module")
def read_shop(module_stack_of: StackOf) -> Stack:
    """A shop with every defect, read and published; whatever a test damages it has mended when it ends."""
    stack = module_stack_of(replace(WORLD, name="brillen-haus", domain="brillen-haus.myshopify.example.com"))
    assert stack.run().failures == {}
    transform(stack.settings, "eu", holder="test")
    return stack


def _prove(stack: Stack) -> FeedProof:
    return prove_feed(stack.settings, stack.region, stack.key, holder="test")


def _wrong(proof: FeedProof) -> dict[str, dict[str, str]]:
    assert not [one.failure for one in proof.streams if one.failure]
    return {found.key: dict(found.wrong) for one in proof.streams for found in one.differences}


def _sql(stack: Stack, statement: str) -> str:
    with connect_duckdb(stack.settings.scope("eu")) as opened:
        answer = opened.connection.execute(statement).fetchall()
    return str(answer[0][0]) if answer else ""


def _one(stack: Stack, entity: str) -> str:
    """A row of an entity that catalogue and warehouse hold."""
    return _sql(
        stack, f"SELECT min(source_id) FROM raw.\"{entity}\" WHERE NOT deleted AND tenant = '{stack.spec.name}'"
    )


def _deleted_document(stack: Stack) -> tuple[str, dict[str, str]]:
    name = _one(stack, "inventory_level")
    documents(stack.scope)["inventory_levels"].delete_one({"source_id": name})
    return f"inventory_level/{name}", {"catalogue": "missing"}


def _altered_document(stack: Stack) -> tuple[str, dict[str, str]]:
    name = _one(stack, "product")
    documents(stack.scope)["products"].update_one({"source_id": name}, {"$set": {"product.title": "Altered"}})
    return f"product/{name}", {"catalogue": "altered"}


def _ruined_document(stack: Stack) -> tuple[str, dict[str, str]]:
    """A field becomes what no row can hold."""
    name = _one(stack, "variant")
    documents(stack.scope)["products"].update_one(
        {f"variants.{name}": {"$exists": True}}, {"$set": {f"variants.{name}.price": "much"}}
    )
    return f"variant/{name}", {"catalogue": "stale"}


def _extra_document(stack: Stack) -> tuple[str, dict[str, str]]:
    target = documents(stack.scope)["locations"]
    found = target.find_one({"tenant": stack.spec.name})
    assert found is not None
    target.insert_one({**found, "_id": f"{stack.key}/999", "source_id": "999"})
    return "location/999", {"catalogue": "extra"}


def _deleted_row(stack: Stack) -> tuple[str, dict[str, str]]:
    name = _one(stack, "transaction")
    _sql(stack, f"DELETE FROM raw.transaction WHERE source_id = '{name}'")
    return f"transaction/{name}", {"warehouse": "missing"}


def _altered_row(stack: Stack) -> tuple[str, dict[str, str]]:
    name = _one(stack, "order_line")
    _sql(stack, f"UPDATE raw.order_line SET gross_minor = gross_minor + 1 WHERE source_id = '{name}'")
    return f"order_line/{name}", {"warehouse": "altered"}


def _buried_row(stack: Stack) -> tuple[str, dict[str, str]]:
    name = _one(stack, "customer")
    _sql(
        stack,
        f"UPDATE raw.customer SET deleted = true, tombstone_ingested_at = now() WHERE source_id = '{name}'",
    )
    return f"customer/{name}", {"warehouse": "missing"}


def _doubled_row(stack: Stack) -> tuple[str, dict[str, str]]:
    name = _one(stack, "tax_line")
    _sql(stack, f"INSERT INTO raw.tax_line SELECT * FROM raw.tax_line WHERE source_id = '{name}'")
    return f"tax_line/{name}", {"warehouse": "twice"}


def _lost_hash(stack: Stack) -> tuple[str, dict[str, str]]:
    key, store = stack.state("products").hashes, objects(stack.scope)
    table = pq.read_table(io.BytesIO(store.read(key)))
    name = _one(stack, "image")
    lost = pc.and_(pc.equal(table["entity"], "image"), pc.equal(table["source_id"], name))
    buffer = io.BytesIO()
    pq.write_table(table.filter(pc.invert(lost)), buffer)
    store.write(key, buffer.getvalue())
    return f"image/{name}", {"known": "missing"}


def _skipped(stack: Stack) -> tuple[str, dict[str, str]]:
    """A product that changed last long ago, and that no run has read."""

    def plant(writer: ShopWriter, at: str) -> None:
        del at
        old, gid = instant(datetime.now(UTC) - timedelta(days=300)), "gid://shopify/Product/987654321"
        body = next(iter(stack.bodies("Product").values()))
        writer.put(gid, "Product", {**body, "id": gid, "updatedAt": old}, created_at=old, updated_at=old)

    stack.edit(plant)
    return "product/987654321", {"landing": "missing"}


def _silently_changed(stack: Stack) -> tuple[str, dict[str, str]]:
    """A product that the vendor changed without saying so."""
    gid = list(stack.bodies("Product"))[-1]
    with closing(sqlite3.connect(stack.shop)) as db:
        at = db.execute("SELECT updated_at FROM node WHERE gid = ?", (gid,)).fetchone()[0]
    stack.edit(lambda writer, now: rewrite(stack.shop, writer, gid, {"title": "Changed in silence"}, at))
    return f"product/{gid.rpartition('/')[2]}", {"landing": "stale"}


def _gone(stack: Stack) -> tuple[str, dict[str, str]]:
    gid = list(stack.bodies("Order"))[-1]
    stack.edit(lambda writer, at: writer.delete(gid, at))
    return f"order/{gid.rpartition('/')[2]}", {"vendor": "gone"}


def _snapshot_row(stack: Stack) -> tuple[str, dict[str, str]]:
    """A row that the file lacks; the manifest says nothing of it."""
    store, tenant = objects(stack.scope), stack.spec.name
    found = read_manifest(store, tenant)
    assert found is not None
    manifest = found[0]
    file = manifest.marts["fct_order_line"]
    table = pq.read_table(io.BytesIO(store.read(file.key)))
    name = table["line_id"][1].as_py()
    buffer = io.BytesIO()
    pq.write_table(pa.concat_tables([table.slice(0, 1), table.slice(2)]), buffer)
    data = buffer.getvalue()
    store.write(file.key, data)
    said = file.model_copy(
        update={"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(), "rows": file.rows - 1}
    )
    changed = manifest.model_copy(update={"marts": {**manifest.marts, "fct_order_line": said}})
    store.write(manifest_key(tenant), changed.model_dump_json().encode())
    return f"order_line/{name}", {"published": "missing"}


HERE = (
    _deleted_document,
    _altered_document,
    _ruined_document,
    _extra_document,
    _deleted_row,
    _altered_row,
    _buried_row,
    _doubled_row,
    _lost_hash,
    _snapshot_row,
)
THERE = (_silently_changed, _skipped, _gone)


def test_a_shop_with_defects_is_proven_and_places_are_counted(read_shop: Stack) -> None:
    proof = _prove(read_shop)
    assert proof.proven, proof.sentences
    streams = {one.stream: one for one in proof.streams}
    assert set(streams) == {*stream_names("shopify"), "published"}
    assert streams["products"].rows["vendor"] == streams["products"].rows["known"] > 0
    assert streams["products"].rows["warehouse"] < streams["products"].rows["known"]  # some are in quarantine
    assert all(one.buckets == 0 for one in proof.streams)
    assert streams["published"].rows["published"] > 0


def _mend(stack: Stack) -> Mended:
    return mend_feed(stack.settings, "eu", stack.key, reason="planted", actor="test", holder="test")


def test_what_is_damaged_here_is_found_by_its_key_and_as_it_was_once_it_is_mended(read_shop: Stack) -> None:
    whole = digests(read_shop)
    planted = dict(damage(read_shop) for damage in HERE)
    before = digests(read_shop)
    proof = _prove(read_shop)
    assert _wrong(proof) == {f"{read_shop.key}/{name}": wrong for name, wrong in planted.items()}
    planned = [step.sentence for step in steps(proof)]
    assert all(any(key in sentence for sentence in planned) for key in _wrong(proof))
    assert digests(read_shop) == before  # to look is to change nothing

    mended = _mend(read_shop)
    assert mended.before.count == proof.count == len(HERE)
    assert mended.after.proven, mended.after.sentences
    assert _prove(read_shop).proven
    after = digests(read_shop)
    assert after.pop("catalogue") != whole.pop("catalogue")  # a tombstone of what nobody knew stays
    documents(read_shop.scope)["locations"].delete_one({"source_id": "999"})
    assert after == whole
    assert [entry.action for entry in audit.entries(read_shop.scope, limit=2)] == ["repair.done", "repair.begun"]
    assert registry.held(read_shop.scope) == []


def test_what_is_not_here_as_the_vendor_has_it_is_found_and_read_again(read_shop: Stack) -> None:
    planted = dict(damage(read_shop) for damage in THERE)
    expected = {f"{read_shop.key}/{name}": wrong for name, wrong in planted.items()}
    wrong = _wrong(_prove(read_shop))
    assert {key: wrong.get(key) for key in expected} == expected
    # What else differs hung on the order that is gone.
    assert {tuple(one.items()) for key, one in wrong.items() if key not in expected} == {(("vendor", "gone"),)}
    mended = _mend(read_shop)
    assert mended.before.count == len(wrong)
    assert mended.after.proven, mended.after.sentences
    with connect_duckdb(read_shop.settings.scope("eu")) as opened:
        found = opened.connection.execute(
            'SELECT source_id, deleted FROM raw.product UNION ALL SELECT source_id, deleted FROM raw."order"'
        ).fetchall()
    fate = {name: {here for one, here in found if one == name.partition("/")[2]} for name in planted}
    assert list(fate.values()) == [{False}, {False}, {True}]


def test_the_command_says_what_it_would_do_and_does_it_when_told_to(
    read_shop: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in read_shop.environment.items():
        monkeypatch.setenv(variable, value)

    def command(*options: str) -> Result:
        return CliRunner().invoke(app, ["reconcile", "--region", "eu", *options])

    name, wrong = _altered_row(read_shop)
    key = f"{read_shop.key}/{name}"
    before = digests(read_shop)
    told = command("--deep", "--repair", "--json")
    assert told.exit_code == 1, told.output
    found = json.loads(told.stdout)
    [difference] = [one for stream in found["feeds"][0]["streams"] for one in stream["differences"]]
    assert (difference["key"], difference["wrong"], difference["held"]["landing"]) == (key, wrong, "same")
    assert key in found["would"][0] and found["done"] == []
    plain = command("--deep", "--repair")
    assert plain.exit_code == 1 and "Nothing was changed; add --yes" in plain.stdout and key in plain.stdout
    assert digests(read_shop) == before
    kept = comparisons(read_shop.scope)
    orders = StreamKey(*read_shop.key, "orders")
    assert kept[orders, "rows"].differences == 1 and key in kept[orders, "rows"].sentences[0]
    row = read_shop.slices()["orders"]
    assert row["in_sync_as_of"] is None and row["compared"]["rows"]["differences"] == 1

    done = command("--deep", "--repair", "--yes", "--reason", "a test", "--json")
    assert done.exit_code == 0, done.output
    assert key in json.loads(done.stdout)["done"][0] and json.loads(done.stdout)["feeds"][0]["proven"]
    assert "a test" in audit.entries(read_shop.scope, limit=1)[0].reason
    row = read_shop.slices()["orders"]
    assert row["in_sync_as_of"] == row["watermark"]
    assert command("--repair").exit_code == 1  # counts cannot be mended


def test_a_change_of_the_shop_leaves_a_lag(read_shop: Stack) -> None:
    read_shop.touch(list(read_shop.bodies("Order"))[:2], note="Please ring twice")
    read_shop.touch(list(read_shop.bodies("Product"))[2:4], title="Another name")
    assert read_shop.run("products").failures == {}
    row = read_shop.slices()["products"]
    assert 0 <= row["lag_p50_s"] <= row["lag_max_s"] < 120 and row["kept"] == 1
    assert read_shop.run("orders").failures == {}
    assert _prove(read_shop).proven


def test_a_busy_shop_is_no_difference(read_shop: Stack) -> None:
    """What changed since the watermark may be here or not."""
    gids = list(read_shop.bodies("Product"))[:3]
    read_shop.touch(gids, title="Changed just now")
    proof = _prove(read_shop)
    assert proof.proven, proof.sentences
    [products] = [one for one in proof.streams if one.stream == "products"]
    assert products.explained["changed"] == 3
    assert read_shop.run("products").failures == {}
    assert _prove(read_shop).proven


def test_what_landing_has_outlived_is_told_by_the_stores_and_read_again_from_the_vendor(read_shop: Stack) -> None:
    """The last test of this shop: its landing is swept."""
    assert landing.sweep(read_shop.scope, days=-1, dry_run=False)
    assert _prove(read_shop).proven
    name, _ = _altered_document(read_shop)
    [found] = [one for stream in _prove(read_shop).streams for one in stream.differences]
    assert found.key.endswith(name) and found.held["landing"] == "no longer landed"
    mended = _mend(read_shop)
    assert [sentence.split(":")[0] for sentence in mended.done] == [
        "read the stream products again from the vendor",
        "carry its landed batch through the river again",
    ]
    assert mended.after.proven, mended.after.sentences


def test_a_stream_that_is_unfinished_is_named_and_not_compared(stack_of: StackOf) -> None:
    stack = stack_of(CLEAN)
    assert stack.run("shop", "locations").failures == {}
    stack.fault(kind="5xx", times=-1)
    proof = _prove(stack)
    assert not proof.proven
    assert all("could not be asked" in one.failure for one in proof.streams)
