"""Webhooks down the river: lost, repeated and disordered deliveries end at the vendor's truth, and nothing told is lost to a crash."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import duckdb
import pytest

from sandbox.prove.killed import drain_killed_at
from tests.e2e.conftest import SHARED, StackOf
from tests.e2e.digests import known, warehoused
from tests.e2e.hooks import Hooks, hooked, wait_for_the_next_second
from tests.e2e.stack import Stack
from varai.kernel import utc_now
from varai.privacy import Pseudonyms, Vault
from varai.registry import inbox
from varai.river import drain
from varai.river.settle import load, settle
from varai.stores import documents

pytestmark = pytest.mark.slow


@pytest.fixture
def hooks(stack_of: StackOf) -> Iterator[Hooks]:
    """A clean shop, read once, whose vendor tells of changes."""
    stack = stack_of(SHARED)
    assert stack.run().failures == {}
    with hooked(stack) as made:
        yield made


def _number(gid: str) -> str:
    return gid.rpartition("/")[2]


def _title(stack: Stack, gid: str) -> str:
    found = documents(stack.scope)["products"].find_one({"_id": f"{stack.spec.name}/shop/{_number(gid)}"})
    assert found is not None
    return str(found["product"]["title"])


def _products(stack: Stack) -> list[str]:
    return list(stack.bodies("Product"))


def _loaded(stack: Stack) -> None:
    """What another run's load and settle do for the slices of webhooks."""
    load(stack.settings, stack.region, holder="load")
    settle(stack.settings, stack.region)


def _agree(stack: Stack) -> None:
    """The shop, the hashes, the warehouse and the catalogue know the same products."""
    assert known(stack, "products", "product") == warehoused(stack, "product") == stack.ids("Product")
    live = documents(stack.scope)["products"].find({"tenant": stack.spec.name, "product.deleted": False})
    assert {one["_id"].rpartition("/")[2] for one in live} == stack.ids("Product")


def test_what_a_vendor_tells_is_in_the_catalogue_before_any_load_again_and_again(hooks: Hooks) -> None:
    stack = hooks.stack
    first, other = _products(stack)[:2]
    for name in ("one", "two", "three"):  # each while the slice before it waits for the warehouse
        stack.touch([first], title=name)
        hooks.told("products/update", {"id": int(_number(first))})
        assert hooks.drain().done == 1
        assert _title(stack, first) == name
    stack.touch([other], title="four")
    hooks.told("products/update")
    assert hooks.drain().done == 1
    report = stack.state("products").report()
    assert report is not None and report.balanced and not report.settled
    assert {one.state for one in hooks.events()} == {"done"}
    _loaded(stack)
    report = stack.state("products").report()
    assert report is not None and report.settled
    assert (_title(stack, first), _title(stack, other)) == ("three", "four")
    _agree(stack)
    assert stack.run().failures == {}
    assert stack.slices()["products"]["published"] == 0  # nothing was left for the poll


def test_lost_repeated_and_disordered_deliveries_end_at_the_vendor_s_truth(hooks: Hooks) -> None:
    stack = hooks.stack
    first, second, third, fourth = _products(stack)[:4]
    stack.touch([first], title="older")
    older: dict[str, Any] = {"body": {"id": int(_number(first)), "title": "older"}, "event": "older"}
    stack.touch([first], title="newer")
    hooks.told("products/update", {"id": int(_number(first)), "title": "newer"}, times=3)
    assert hooks.drain().done == 1  # of three deliveries
    hooks.told("products/update", **older)  # comes late
    stack.touch([second], title="told of by the next alone")
    hooks.told("products/update", times=0)  # lost
    stack.touch([third], title="told of twice")
    for _ in range(2):
        hooks.told("products/update", event="twice")
    assert hooks.drain().done == 2
    hooks.told("products/update", **older)  # and later still
    stack.touch([fourth], title="told of by nobody")
    assert hooks.drain().done == 0
    assert len(hooks.events()) == 3
    assert _title(stack, first) == "newer"
    assert _title(stack, second) == "told of by the next alone"
    assert _title(stack, third) == "told of twice"
    for _ in range(2):  # the poll: the first run settles what waits, the second reads
        assert stack.run().failures == {}
    assert _title(stack, fourth) == "told of by nobody"
    _agree(stack)


def test_a_deletion_is_believed_when_the_vendor_has_the_record_no_more(
    hooks: Hooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = hooks.stack
    gone, kept = _products(stack)[:2]
    order, sold = list(stack.bodies("Order"))[:2]
    hooks.told("products/delete", {"id": int(_number(kept))})  # a lie, or a mistake
    hooks.told("orders/delete", {"id": int(_number(sold))})
    assert hooks.drain().done == 2
    _agree_but_for_the_warehouse(stack)
    stack.delete(gone)
    stack.delete(order)
    hooks.told("products/delete", {"id": int(_number(gone))})
    hooks.told("orders/delete", {"id": int(_number(order))})
    told = hooks.drain()  # the ids of orders were listed a moment ago, which is not done for each
    assert (told.done, told.waiting) == (1, 1)
    _agree_but_for_the_warehouse(stack)
    monkeypatch.setattr(drain, "LISTED_AGAIN", timedelta(0))
    documents(stack.scope)[inbox.INBOX].update_many({"state": "waiting"}, {"$set": {"try_at": utc_now()}})
    assert hooks.drain().done == 1
    _loaded(stack)
    _agree(stack)
    assert known(stack, "orders", "order") == warehoused(stack, "order") == stack.ids("Order")
    assert len(known(stack, "inventory", "inventory_level")) == len(stack.bodies("InventoryLevel"))


def test_two_customers_who_are_merged_are_one_when_it_is_told(hooks: Hooks, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second id is neither alive nor counted: its record is gone, its name leaves the vault, and its orders are the other's."""
    stack = hooks.stack
    assert stack.run().failures == {}  # ids are listed now, and would not be again today
    monkeypatch.setattr(drain, "LISTED_AGAIN", timedelta(0))
    bought: dict[str, list[str]] = {}
    for gid, body in stack.bodies("Order").items():
        if body["customer"]:
            bought.setdefault(body["customer"]["id"], []).append(gid)
    gone, left = list(bought)[:2]
    names, vault = Pseudonyms(stack.scope), Vault(stack.scope)
    went, stays = (names.of("shop", _number(gid)) for gid in (gone, left))
    assert vault.holds(went)
    before = len(known(stack, "customers", "customer"))
    stack.delete(gone)
    stack.touch(bought[gone], customer={"id": left})
    stack.touch([left], note="merged")
    hooks.told(
        "customers/merge",
        {
            "admin_graphql_api_customer_kept_id": left,
            "admin_graphql_api_customer_deleted_id": gone,
            "status": "completed",
        },
    )
    hooks.told("orders/updated", {"id": int(_number(bought[gone][0]))})
    assert hooks.drain().done == 2
    _loaded(stack)
    alive = {names.of("shop", number) for number in stack.ids("Customer")}
    assert known(stack, "customers", "customer") == warehoused(stack, "customer") == alive
    assert (went in alive, stays in alive, len(alive)) == (False, True, before - 1)
    assert vault.holds(stays) and not vault.holds(went)
    with duckdb.connect(stack.scope.warehouse, read_only=True) as con:
        buyers = dict(con.execute('SELECT source_id, subject FROM raw."order" WHERE NOT deleted').fetchall())
    assert {buyers[_number(gid)] for gid in bought[gone] + bought[left]} == {stays}
    assert went not in buyers.values()


def _agree_but_for_the_warehouse(stack: Stack) -> None:
    live = documents(stack.scope)["products"].find({"tenant": stack.spec.name, "product.deleted": False})
    assert {one["_id"].rpartition("/")[2] for one in live} == stack.ids("Product")


def test_a_consumer_that_is_killed_between_any_two_steps_loses_nothing(hooks: Hooks) -> None:
    stack = hooks.stack
    first = _products(stack)[0]
    stack.touch([first], title="told before the kill")
    hooks.told("products/update")
    wait_for_the_next_second()
    for step in ("planned", "landed", "staged", "catalogue"):
        drain_killed_at(stack.environment, stack.region, "products", step)
        assert [one.state for one in hooks.events()] == ["waiting"]
    assert hooks.drain().done == 1
    assert _title(stack, first) == "told before the kill"
    _loaded(stack)
    _agree(stack)


def test_a_door_that_is_killed_after_its_answer_has_kept_what_it_answered(hooks: Hooks) -> None:
    stack = hooks.stack
    first = _products(stack)[0]
    stack.touch([first], title="told at the door")
    hooks.told("products/update")
    hooks.kill()
    assert hooks.drain().done == 1
    assert _title(stack, first) == "told at the door"


def test_what_cannot_be_read_is_tried_again_then_dead_and_replayed_it_is_read(hooks: Hooks, at_once: None) -> None:
    stack = hooks.stack
    first = _products(stack)[0]
    stack.touch([first], title="behind a revoked token")
    stack.fault(kind="revoked_token", times=-1)
    hooks.told("products/update")
    for number in range(1, len(inbox.WAITS) + 2):
        assert hooks.drain().failed == 1
        [event] = hooks.events()
        assert event.attempts == number
        documents(stack.scope)[inbox.INBOX].update_many({}, {"$set": {"try_at": utc_now()}})
    assert event.state == "dead"
    assert event.reason and "token" in event.reason.lower()
    stack.heal()
    assert hooks.drain().feeds == []  # a dead letter is left alone
    said = _varai(stack, "inbox", "list", "-r", "eu")
    assert event.id in said and _varai(stack, "inbox", "show", "-r", "eu", event.id)
    assert "would try" in _varai(stack, "inbox", "replay", "-r", "eu", event.id)
    assert [one.state for one in hooks.events()] == ["dead"]
    _varai(stack, "inbox", "replay", "-r", "eu", event.id, "--yes")
    assert hooks.drain().done == 1
    assert _title(stack, first) == "behind a revoked token"


def _varai(stack: Stack, *words: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VARAI_")}
    command = [sys.executable, "-c", "from varai.cli import app; app()", *words]
    done = subprocess.run(
        command, env={**environment, **stack.environment, "COLUMNS": "300"}, check=True, capture_output=True, text=True
    )
    return done.stdout
