"""An app that a merchant takes off asks no more; let in again, it reads on and ends at the vendor's truth, deletions included."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import SHARED, StackOf
from tests.e2e.digests import digests, known, warehoused
from tests.e2e.hooks import Hooks, hooked
from tests.e2e.stack import Stack
from varai import registry
from varai.kernel import Unauthorised
from varai.privacy import Pseudonyms
from varai.registry import SealedTokens, connections, feed_states
from varai.river.connect import authorise_at, connect_feed
from varai.river.feeds import check_feed
from varai.sources import stream_names

pytestmark = pytest.mark.slow

DOMAIN = "brillen-haus.myshopify.com"
LISTED = ("inventory", "customers", "orders")


@pytest.fixture
def hooks(stack_of: StackOf) -> Iterator[Hooks]:
    """A shop whose merchant let us in, read twice, so that its ids were listed; its vendor tells of changes."""
    settings = {"shop_domain": DOMAIN, "redirect_uri": "https://app.example.com/connected"}
    stack = stack_of(replace(SHARED, domain=DOMAIN), **settings)
    _connect(stack)
    for _ in range(2):
        assert stack.run().failures == {}
    with hooked(stack) as made:
        yield made


def _connect(stack: Stack) -> None:
    """The merchant agrees, and an operator takes their answer."""
    address = authorise_at(stack.settings, stack.region, stack.key)
    answer = httpx.get(address, follow_redirects=False).headers["location"]
    assert connect_feed(stack.settings, stack.region, stack.key, answer, actor="test").problems == ()


def _uninstall(hooks: Hooks) -> None:
    stack = hooks.stack
    httpx.post(f"{stack.vendor}/{stack.spec.name}/_uninstall").raise_for_status()
    hooks.told("app/uninstalled", {"id": 1, "myshopify_domain": DOMAIN})
    assert hooks.drain().done == 1


def _asked(stack: Stack) -> list[Any]:
    """What the vendor was asked since this was called last."""
    url = f"{stack.vendor}/{stack.spec.name}/_requests"
    found = httpx.get(url).raise_for_status().json()["requests"]
    httpx.delete(url).raise_for_status()
    return list(found)


def _marks(stack: Stack) -> dict[str, Any]:
    return {name: stack.state(name).watermark() for name in stream_names("shopify")}


def _agrees(stack: Stack) -> None:
    """The live rows are the vendor's, in the hashes and in the warehouse."""
    names = Pseudonyms(stack.scope)
    levels = {gid.rpartition("/")[2] for gid in stack.bodies("InventoryLevel")}
    wanted = {
        ("products", "product"): stack.ids("Product"),
        ("products", "variant"): stack.ids("ProductVariant"),
        ("inventory", "inventory_level"): levels,
        ("customers", "customer"): {names.of("shop", number) for number in stack.ids("Customer")},
        ("orders", "order"): stack.ids("Order"),
        ("orders", "order_line"): stack.ids("LineItem"),
    }
    for (stream, entity), ids in wanted.items():
        assert known(stack, stream, entity) == warehoused(stack, entity) == ids, entity


def test_an_app_that_was_taken_off_asks_no_more_and_what_it_read_stays(hooks: Hooks) -> None:
    stack = hooks.stack
    marks, before = _marks(stack), digests(stack)
    _uninstall(hooks)
    state = feed_states(stack.scope)[str(stack.key)]
    cure = f"varai feeds connect --region {stack.region} --tenant {stack.key.tenant} --feed {stack.key.feed}"
    assert (state.kind, cure in state.cure) == ("needs reauthorisation", True)
    assert SealedTokens(stack.scope, stack.key.feed).get()[0] is None
    _asked(stack)

    for _ in range(2):
        failures = stack.run().failures
        assert set(failures) == {f"{stack.key}/shop"}  # the first of them; the others are not even tried
        assert all("was taken off" in told and cure in told for told in failures.values())
    with pytest.raises(Unauthorised, match="was taken off"):
        check_feed(stack.settings, stack.region, stack.key)
    hooks.told("products/update")
    assert hooks.drain().waiting == 1
    assert _asked(stack) == []
    assert (_marks(stack), digests(stack)) == (marks, before)
    assert all(stack.state(name).at_rest for name in marks), "no window stands open, which would end too early later"
    rows = registry.status(stack.settings.scope(stack.region), {}, stream_names)["slices"]
    assert {(row["state"], row["cure"]) for row in rows if row["tenant"] == stack.key.tenant} == {
        ("needs reauthorisation", state.cure)
    }


def test_let_in_again_the_next_run_finds_what_changed_and_what_was_deleted_meanwhile(hooks: Hooks) -> None:
    stack = hooks.stack
    _uninstall(hooks)
    assert stack.run().failures
    product, other = list(stack.bodies("Product"))[:2]
    stack.touch([other], title="changed meanwhile")
    unsold = next(gid for gid, body in stack.bodies("Order").items() if body["customer"])
    for gid in (product, unsold, list(stack.bodies("Customer"))[-1], list(stack.bodies("InventoryItem"))[-1]):
        stack.delete(gid)
    listed = {name: stack.state(name).listed_at() for name in LISTED}
    assert None not in listed.values()

    _connect(stack)
    assert str(stack.key) not in feed_states(stack.scope)
    assert stack.run().failures == {}
    _agrees(stack)
    assert feed_states(stack.scope)[str(stack.key)].kind == "ok"
    again = {name: stack.state(name).listed_at() for name in LISTED}
    assert all(again[name] > listed[name] for name in LISTED)
    assert stack.run().failures == {}
    # Once is enough; of stock the deleted product, which the overlap shows again, calls for another.
    assert all(stack.state(name).listed_at() == again[name] for name in ("customers", "orders"))
    assert SealedTokens(stack.scope, stack.key.feed).get()[0] is not None


def test_a_run_that_was_refused_before_the_notice_came_leaves_nothing_out(hooks: Hooks) -> None:
    """Its windows stand open with their ends; the run that takes them over is followed by one that reads on."""
    stack = hooks.stack
    httpx.post(f"{stack.vendor}/{stack.spec.name}/_uninstall").raise_for_status()
    assert stack.run().failures
    assert not stack.state("shop").at_rest
    hooks.told("app/uninstalled", {"id": 1})
    assert hooks.drain().done == 1
    gone, other = list(stack.bodies("Product"))[:2]
    stack.touch([other], title="changed meanwhile")
    for gid in (gone, list(stack.bodies("Order"))[-1], list(stack.bodies("Customer"))[-1]):
        stack.delete(gid)
    _connect(stack)
    for _ in range(2):
        assert stack.run().failures == {}
    _agrees(stack)


def test_a_notice_that_comes_late_or_is_none_takes_nothing_away(hooks: Hooks) -> None:
    """The merchant took the app off and let it in again before we were told; or a signed body comes under another topic."""
    stack = hooks.stack
    httpx.post(f"{stack.vendor}/{stack.spec.name}/_uninstall").raise_for_status()
    _connect(stack)
    hooks.told("app/uninstalled", {"id": 1})
    assert hooks.drain().done == 1
    assert connections.connection(stack.scope, stack.key).disconnected_at is None
    assert stack.run().failures == {}


def test_who_cannot_be_asked_is_not_taken_for_gone(hooks: Hooks, at_once: None) -> None:
    stack = hooks.stack
    stack.fault(kind="5xx", times=-1)
    hooks.told("app/uninstalled", {"id": 1})
    assert hooks.drain().failed == 1
    assert connections.connection(stack.scope, stack.key).disconnected_at is None
    assert SealedTokens(stack.scope, stack.key.feed).get()[0] is not None
