"""Deletes that the vendor's windows do not show are found by listing ids, now and then, and only what is surely gone is marked."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest

from sandbox.vendors.shopify.store import ALL_SCOPES, ShopWriter, write_meta
from sandbox.world.wire import instant
from tests.e2e.conftest import CLEAN, StackOf
from tests.e2e.digests import digests, known, warehoused
from tests.e2e.stack import Stack
from varai.privacy import Pseudonyms, Vault
from varai.registry.slices import Listed
from varai.river.accept import accept_slice, doubted
from varai.river.remap import remap_feed
from varai.stores import documents, objects

LISTED = ("inventory", "customers", "orders")
CHILDREN = {"order_line": "LineItem", "refund": "Refund", "transaction": "OrderTransaction"}


@pytest.fixture
def shop(clean_stack: Stack) -> Stack:
    """A shop that was read twice: the second time its ids were listed."""
    _runs(clean_stack)
    _runs(clean_stack)
    return clean_stack


def _runs(stack: Stack, *streams: str) -> None:
    assert stack.run(*streams).failures == {}


def _listing_falls_due(stack: Stack, *streams: str) -> None:
    for stream in streams or LISTED:
        state = stack.state(stream)
        at = datetime.now(UTC) - timedelta(hours=25)
        objects(stack.scope).write(f"{state.key.prefix}listed.json", Listed(token=0, at=at).model_dump_json().encode())


def _number(gid: str) -> str:
    return gid.rsplit("/", 1)[1]


def _pseudonyms(stack: Stack) -> set[str]:
    names = Pseudonyms(stack.scope)
    return {names.of("shop", number) for number in stack.ids("Customer")}


def _levels(stack: Stack) -> set[str]:
    return {_number(gid) for gid in stack.bodies("InventoryLevel")}


def _agrees(stack: Stack) -> None:
    """After a listing the live ids are the vendor's, in the hashes and in the warehouse."""
    wanted = {"inventory_level": _levels(stack), "customer": _pseudonyms(stack), "order": stack.ids("Order")}
    for stream, (entity, ids) in zip(LISTED, wanted.items(), strict=True):
        assert known(stack, stream, entity) == warehoused(stack, entity) == ids, entity
    for entity, kind in CHILDREN.items():
        assert known(stack, "orders", entity) == warehoused(stack, entity) == stack.ids(kind), entity
    live = documents(stack.scope)["inventory_levels"].find({"inventory_level.deleted": False})
    assert {one["source_id"] for one in live} == _levels(stack)


def _tombstoned(stack: Stack) -> dict[str, int]:
    return {stream: stack.slices()[stream]["tombstoned"] for stream in LISTED}


def _gids(stack: Stack, kind: str) -> list[str]:
    return list(stack.bodies(kind))


def test_what_no_window_shows_is_gone_with_the_next_listing(shop: Stack) -> None:
    _agrees(shop)
    person = _gids(shop, "Customer")[0]
    subject, vault = Pseudonyms(shop.scope).of("shop", _number(person)), Vault(shop.scope)
    assert vault.get(subject)
    refunded = next(iter(_column(shop, "parent_gid", "Refund").values()))
    for gid in (person, refunded, _gids(shop, "InventoryItem")[0]):
        shop.delete(gid)

    _runs(shop)
    assert set(_tombstoned(shop).values()) == {0}  # they were listed a moment ago
    _listing_falls_due(shop)
    _runs(shop)
    counts = _tombstoned(shop)
    assert (counts["customers"], counts["orders"], counts["inventory"] > 0) == (1, 1, True)
    assert all(row["balanced"] for row in shop.slices().values())
    _agrees(shop)
    assert not vault.holds(subject)

    before = digests(shop)
    _listing_falls_due(shop)
    _runs(shop)
    assert set(_tombstoned(shop).values()) == {0}
    assert digests(shop) == before
    remap_feed(shop.settings, shop.region, shop.key, holder="test", streams=["customers"])
    assert not vault.holds(subject)  # landing still has the person's sealed line
    _agrees(shop)


def _column(stack: Stack, column: str, kind: str) -> dict[str, str]:
    with closing(sqlite3.connect(stack.shop)) as db:
        return dict(db.execute(f"SELECT gid, {column} FROM node WHERE type = ?", (kind,)).fetchall())


def test_a_destroyed_product_takes_its_stock_at_once(shop: Stack) -> None:
    product = _gids(shop, "Product")[0]
    variants = [shop.bodies("ProductVariant")[gid] for gid in shop.children([product])[product]]
    for gid in (*(one["inventoryItem"]["id"] for one in variants), product):
        shop.delete(gid)
    _runs(shop)
    assert _tombstoned(shop)["inventory"] >= len(variants)
    _agrees(shop)


def _buyers(stack: Stack) -> dict[str, str | None]:
    """Pseudonym of the customer by order, in the warehouse."""
    with duckdb.connect(stack.scope.warehouse, read_only=True) as con:
        return dict(con.execute('SELECT source_id, subject FROM raw."order" WHERE NOT deleted').fetchall())


def test_of_two_customers_who_are_merged_one_is_left_with_the_orders_of_both(shop: Stack) -> None:
    """Shopify takes one away and gives its orders to the other. Who went stays a name that an erasure finds in landing."""
    bought: dict[str, list[str]] = {}
    for gid, body in shop.bodies("Order").items():
        if body["customer"]:
            bought.setdefault(body["customer"]["id"], []).append(gid)
    gone, left = list(bought)[:2]
    names, vault = Pseudonyms(shop.scope), Vault(shop.scope)
    went, stays = names.of("shop", _number(gone)), names.of("shop", _number(left))
    shop.delete(gone)
    shop.touch(bought[gone], customer={"id": left})
    shop.touch([left], note="merged")
    _listing_falls_due(shop, "customers")
    _runs(shop)
    assert shop.slices()["customers"]["tombstoned"] == 1
    buyers = _buyers(shop)
    assert {buyers[_number(gid)] for gid in bought[gone] + bought[left]} == {stays}
    assert went not in buyers.values()
    assert vault.holds(stays) and not vault.holds(went)
    assert "landing" in {found.place for found in shop.erase(went, dry_run=True).found}
    _agrees(shop)


def test_a_customer_who_comes_back_is_a_row_with_a_name_again(shop: Stack) -> None:
    person = _gids(shop, "Customer")[0]
    body = shop.bodies("Customer")[person]
    vault, subject = Vault(shop.scope), Pseudonyms(shop.scope).of("shop", _number(person))
    fields = vault.get(subject)
    shop.delete(person)
    _listing_falls_due(shop)
    _runs(shop)

    def put_back(writer: ShopWriter, at: str) -> None:
        writer.put(person, "Customer", {**body, "updatedAt": at}, created_at=instant(CLEAN.opened), updated_at=at)

    shop.edit(put_back)
    _runs(shop)
    assert vault.get(subject) == fields is not None
    _agrees(shop)


def test_orders_that_a_lost_scope_hides_have_not_ceased_to_exist(stack_of: StackOf) -> None:
    stack = stack_of(replace(CLEAN, days=120, anchor=_today()))
    _runs(stack)
    write_meta(stack.shop, {"scopes": _scopes("read_all_orders")})
    border = (datetime.now(UTC) - timedelta(days=60)).strftime("%Y-%m-%dT%H:%M:%SZ")
    born = _column(stack, "created_at", "Order")
    seen = sorted(gid for gid, at in born.items() if at >= border)
    hidden = {_number(gid) for gid, at in born.items() if at < border}
    assert len(seen) > 2 and len(hidden) > 2
    _delete_as(stack, max(seen), _scopes("read_all_orders"))
    _runs(stack, "orders")
    assert _tombstoned_orders(stack) == 1
    assert known(stack, "orders", "order") == stack.ids("Order") > hidden


def _tombstoned_orders(stack: Stack) -> int:
    return int(stack.slices()["orders"]["tombstoned"])


def _today() -> datetime:
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _scopes(without: str) -> str:
    return json.dumps([scope for scope in ALL_SCOPES if scope != without])


def _delete_as(stack: Stack, gid: str, scopes: str) -> None:
    """Delete, and leave the app the scopes it has."""
    stack.delete(gid)
    write_meta(stack.shop, {"scopes": scopes})


def _misses_a_page(stack: Stack) -> None:
    stack.fault(kind="missing_page", times=-1, match="sortKey: ID")


def _loses_most(stack: Stack) -> None:
    for gid in _gids(stack, "Customer")[:-3]:
        stack.delete(gid)


@pytest.mark.parametrize(
    ("spoil", "said", "gone"),
    [(_misses_a_page, "its list of ids has", False), (_loses_most, "known records no more", True)],
)
def test_a_listing_that_shrank_beyond_reason_is_believed_on_an_operators_word_only(
    shop: Stack, spoil: Callable[[Stack], None], said: str, gone: bool
) -> None:
    before: dict[str, Any] = {
        "known": known(shop, "customers", "customer"),
        "mark": shop.state("customers").watermark(),
    }
    spoil(shop)
    _listing_falls_due(shop)
    failures = shop.run("customers").failures
    assert said in failures[f"{shop.key}/customers"]
    assert {"known": known(shop, "customers", "customer"), "mark": shop.state("customers").watermark()} == before
    slice_ = (shop.settings, shop.region, shop.key, "customers")
    what = doubted(*slice_)
    assert said in what
    accept_slice(*slice_, what=what, reason="looked into it", by="someone", holder="someone")
    _runs(shop, "customers")
    assert known(shop, "customers", "customer") == (_pseudonyms(shop) if gone else before["known"])
    shop.heal()
    _listing_falls_due(shop)
    _runs(shop)
    _agrees(shop)
