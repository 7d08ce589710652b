"""The store of a shop: what is written is what is read, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from sandbox.vendors.shopify.bulk import BulkOperations
from sandbox.vendors.shopify.reader import ShopReader
from sandbox.vendors.shopify.store import ShopWriter, number_of, write_meta

AT = "2026-10-01T00:00:00Z"
GID = "gid://shopify/Product/7"


def writer(path: Path) -> ShopWriter:
    return ShopWriter(
        path,
        name="Lunettes",
        domain="lunettes.myshopify.com",
        currency="EUR",
        timezone="Europe/Berlin",
        created_at=AT,
        client_id="app",
        client_secret="secret",
    )


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shops" / "lunettes.sqlite"
    with writer(path) as written:
        written.put(GID, "Product", {"title": "Böhm \u0000 52"}, created_at=AT, updated_at=AT)
    return path


@pytest.fixture
def reader(shop: Path) -> Any:
    opened = ShopReader(shop)
    yield opened
    opened.close()


def test_a_body_comes_back_as_it_was_put(reader: ShopReader) -> None:
    row = reader.nodes([GID, "gid://shopify/Product/8"])[GID]
    assert (row.type, row.num, row.updated_at) == ("Product", 7, AT)
    assert orjson.loads(row.body) == {"title": "Böhm \u0000 52"}


def test_putting_again_replaces_and_keeps_children(shop: Path, reader: ShopReader) -> None:
    place: dict[str, Any] = {"parent": GID, "connection": "variants", "created_at": AT, "updated_at": AT}
    with writer(shop) as written:
        written.put("gid://shopify/ProductVariant/2", "ProductVariant", {}, position=2, **place)
        written.put("gid://shopify/ProductVariant/9", "ProductVariant", {}, position=1, **place)
        written.put(GID, "Product", {"title": "new"}, created_at=AT, updated_at="2026-10-02T00:00:00Z")
    assert reader.count("Product", where="1", values=(), limit=None) == 1
    assert [row.num for row in reader.children([GID], "variants")[GID]] == [9, 2]


def test_a_writer_that_fails_leaves_the_last_flush(shop: Path, reader: ShopReader) -> None:
    def fill() -> None:
        with writer(shop) as written:
            written.put("gid://shopify/Product/8", "Product", {}, created_at=AT, updated_at=AT)
            written.flush()
            written.put("gid://shopify/Product/9", "Product", {}, created_at=AT, updated_at=AT)
            raise RuntimeError("the lights went out")

    with pytest.raises(RuntimeError, match="lights"):
        fill()
    assert set(reader.nodes([f"gid://shopify/Product/{number}" for number in (8, 9)])) == {"gid://shopify/Product/8"}


def test_facts_are_renewed_and_swapped_by_compare(shop: Path, reader: ShopReader) -> None:
    assert reader.meta()["restore_rate"] == "2000"
    assert write_meta(shop, {"refresh:a": "fresh"}, expect=("refresh:a", None))
    assert not write_meta(shop, {"refresh:a": "again"}, expect=("refresh:a", None))
    assert write_meta(shop, {"refresh:a": "used"}, expect=("refresh:a", "fresh"))
    assert not write_meta(shop, {"refresh:a": "used", "other": "x"}, expect=("refresh:a", "fresh"))
    assert (reader.fact("refresh:a"), reader.fact("other")) == ("used", None)
    assert "refresh:a" not in reader.meta()


def test_an_operation_that_was_running_when_the_simulator_ended_has_failed(shop: Path) -> None:
    body = {"id": "gid://shopify/BulkOperation/4", "status": "RUNNING", "errorCode": None}
    write_meta(shop, {"bulk:4": orjson.dumps(body).decode()})
    found = BulkOperations(shop, shop.parent / "bulk").bodies()
    assert [(held["status"], held["errorCode"]) for held in found] == [("FAILED", "INTERNAL_SERVER_ERROR")]


def test_a_shop_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="There is no shop at"):
        ShopReader(tmp_path / "absent.sqlite")


@pytest.mark.parametrize(
    ("gid", "number"),
    [(GID, 7), ("gid://shopify/InventoryLevel/5?inventory_item_id=9", 5), ("gid://shopify/Shop", 0)],
)
def test_numbers_are_read_off_gids(gid: str, number: int) -> None:
    assert number_of(gid) == number
