"""Every fault of the vendor's switch: the run converges to the vendor's truth, or fails with a typed error and an unmoved watermark."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.vendors.shopify.faults import KINDS
from tests.e2e.conftest import CLEAN, NEIGHBOUR, StackOf
from tests.e2e.digests import known, warehoused
from tests.e2e.stack import Stack
from varai.registry import RunRecord
from varai.stores import documents, objects

PAGE = 5
Fault = dict[str, Any]

PASSING: dict[str, Fault] = {
    "429 with Retry-After": {"kind": "429", "retry_after": 1},
    "429 without": {"kind": "429", "times": 2},
    "5xx": {"kind": "5xx", "times": 3},
    "500": {"kind": "5xx", "status": 500},
    "cut body": {"kind": "cut"},
    "truncated JSON": {"kind": "truncated_json"},
    "wrong content type": {"kind": "wrong_content_type", "times": 2},
    "expired token": {"kind": "expired_token"},
    "slow": {"kind": "slow", "seconds": 0.3},
    "throttled": {"kind": "throttled", "times": 2},
    "clock skew": {"kind": "clock_skew", "seconds": 86_400, "times": -1},
    "5xx of the token endpoint": {"kind": "5xx", "on": "token", "times": 2},
    "wrong count": {"kind": "wrong_count", "delta": 3},
}
"""Faults that pass: the same run converges."""

PASSING_IN_BULK: dict[str, Fault] = {
    "cut bulk file": {"kind": "cut", "on": "bulk", "times": 2},
    "slow bulk file": {"kind": "slow", "on": "bulk", "seconds": 0.3},
    "5xx of the bulk file": {"kind": "5xx", "on": "bulk"},
    "slow bulk": {"kind": "slow_bulk", "seconds": 0.1},
    "failed bulk": {"kind": "failed_bulk"},
    "bulk that never ends whole": {"kind": "failed_bulk", "times": -1},  # then the stream is read by pages
}
PASSING_IN_PAGES: dict[str, Fault] = {
    "duplicate page": {"kind": "duplicate_page"},
    "missing page": {"kind": "missing_page"},
    "two missing pages": {"kind": "missing_page", "times": 2},
}
LASTING: dict[str, tuple[Fault, str]] = {
    "429": ({"kind": "429"}, "429"),
    "429 for an hour": ({"kind": "429", "retry_after": 3600}, "429"),
    "5xx": ({"kind": "5xx"}, "503"),
    "cut body": ({"kind": "cut"}, "broke"),
    "truncated JSON": ({"kind": "truncated_json"}, "cut or broken"),
    "wrong content type": ({"kind": "wrong_content_type"}, "instead of JSON"),
    "revoked token": ({"kind": "revoked_token"}, "Reauthorise"),
    "expired token": ({"kind": "expired_token"}, "refused the feed's token"),
    "wrong version": ({"kind": "wrong_version"}, "was asked for"),
    "wrong count": ({"kind": "wrong_count", "delta": 3}, "count"),
    "clock behind": ({"kind": "clock_skew", "seconds": -86_400}, "clock is behind ours"),
}
"""Faults that stay, with a piece of the sentence in which the run ends."""

LASTING_IN_BULK: dict[str, tuple[Fault, str]] = {
    "stuck bulk": ({"kind": "stuck_bulk"}, "it was cancelled"),
    "cut bulk file": ({"kind": "cut", "on": "bulk"}, "broke"),
}
LASTING_IN_PAGES: dict[str, tuple[Fault, str]] = {"duplicate page": ({"kind": "duplicate_page"}, "same page")}

pytestmark = pytest.mark.usefixtures("at_once")


def test_every_kind_of_fault_is_tried() -> None:
    groups = (PASSING, PASSING_IN_BULK, PASSING_IN_PAGES)
    lasting = (LASTING, LASTING_IN_BULK, LASTING_IN_PAGES)
    tried = {fault["kind"] for group in groups for fault in group.values()}
    assert tried | {fault["kind"] for group in lasting for fault, _ in group.values()} == KINDS.keys()


@pytest.fixture
def new_shop(stack_of: StackOf) -> Stack:
    """A shop that was never read."""
    return stack_of(CLEAN, page_size=PAGE, bulk_stall_s=0.3)


@pytest.fixture(scope="module")
def read_shop(module_stack_of: StackOf) -> Stack:
    """A shop whose products were read once."""
    stack = module_stack_of(CLEAN, page_size=PAGE)
    assert stack.run("products").failures == {}
    return stack


@pytest.fixture
def changed_shop(read_shop: Stack, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """The shop that was read, with every product changed since: three pages."""
    read_shop.heal()
    read_shop.touch(list(read_shop.bodies("Product")), title=f"Since {request.node.name}")
    yield read_shop
    read_shop.heal()


@pytest.mark.parametrize("name", [*PASSING, *PASSING_IN_BULK])
def test_a_fault_that_passes_does_not_show_in_a_first_run(new_shop: Stack, name: str) -> None:
    _converges_through(new_shop, {**PASSING, **PASSING_IN_BULK}[name])


@pytest.mark.parametrize("name", [*PASSING, *PASSING_IN_PAGES])
def test_a_fault_that_passes_does_not_show_in_an_incremental_run(changed_shop: Stack, name: str) -> None:
    if PASSING.get(name, {}).get("on") == "token":
        documents(changed_shop.scope)["tokens"].delete_many({})
    _converges_through(changed_shop, {**PASSING, **PASSING_IN_PAGES}[name])


@pytest.mark.parametrize("name", [*LASTING, *LASTING_IN_BULK])
def test_a_fault_that_stays_fails_a_first_run_without_a_trace(new_shop: Stack, name: str) -> None:
    _fails_then_converges(new_shop, *{**LASTING, **LASTING_IN_BULK}[name])


@pytest.mark.parametrize("name", [*LASTING, *LASTING_IN_PAGES])
def test_a_fault_that_stays_fails_an_incremental_run_without_a_trace(changed_shop: Stack, name: str) -> None:
    _fails_then_converges(changed_shop, *{**LASTING, **LASTING_IN_PAGES}[name])


@pytest.mark.parametrize("name", ["5xx", "revoked token", "stuck bulk"])
def test_another_feed_of_the_same_run_goes_on(stack_of: StackOf, name: str) -> None:
    from varai.river.run import run_feeds

    broken, sound = stack_of(CLEAN, bulk_stall_s=0.3), stack_of(NEIGHBOUR)
    fault, sentence = {**LASTING, **LASTING_IN_BULK}[name]
    broken.fault(**fault, times=-1)
    record = run_feeds(broken.settings, "eu", [broken.key, sound.key], streams=["products"])
    assert list(record.failures) == [f"{broken.key}/products"]
    assert sentence in record.failures[f"{broken.key}/products"]
    assert record.settled == (f"{sound.key}/products",)
    assert warehoused(broken, "product") == set()
    _is_the_vendors_truth(sound)


def _converges_through(stack: Stack, fault: Fault) -> None:
    before = stack.state("products").watermark()
    stack.fault(**fault)
    record = stack.run("products")
    assert record.failures == {}
    if fault.get("times", 1) > 0:
        assert stack.waiting() == []  # it did strike
    after = stack.state("products").watermark()
    assert after is not None and (before is None or after >= before)
    _is_the_vendors_truth(stack)


def _fails_then_converges(stack: Stack, fault: Fault, sentence: str) -> None:
    state, held = stack.state("products"), _held(stack)
    before, seen = state.watermark(), known(stack, "products", "product")
    stack.fault(**fault, times=-1)
    record = stack.run("products")
    _is_a_sentence(record, stack, sentence)
    assert (state.watermark(), known(stack, "products", "product"), _held(stack)) == (before, seen, held)
    assert list(objects(stack.scope).list("canonical/")) == []
    assert state.pending() is None

    stack.heal()
    record = stack.run("products")
    assert record.failures == {}
    assert record.settled == (f"{stack.key}/products",)
    after = state.watermark()  # to the second: the last run may have ended in this one
    assert after is not None and (before is None or after >= before)
    _is_the_vendors_truth(stack)


def _is_a_sentence(record: RunRecord, stack: Stack, sentence: str) -> None:
    """Typed: what happened and the cure; a mistake of ours would read as unexpected."""
    assert list(record.failures) == [f"{stack.key}/products"]
    said = record.failures[f"{stack.key}/products"]
    assert sentence in said
    assert "unexpected" not in said.lower()
    assert record.settled == ()
    assert record.merged == {}


def _held(stack: Stack) -> list[dict[str, Any]]:
    return list(documents(stack.scope)["products"].find({"tenant": stack.spec.name}).sort("_id"))


def _is_the_vendors_truth(stack: Stack) -> None:
    """Counts, ids and contents are the shop's own, and the slice balances."""
    row = stack.slices()["products"]
    assert row["balanced"] and row["settled"]
    assert row["vendor_count"] == row["landed"] == len(stack.ids("Product"))
    for entity, kind in (("product", "Product"), ("variant", "ProductVariant")):
        assert known(stack, "products", entity) == warehoused(stack, entity) == stack.ids(kind), entity
    titles = {gid.rsplit("/", 1)[1]: body["title"] for gid, body in stack.bodies("Product").items()}
    assert {one["_id"].rsplit("/", 1)[1]: one["product"]["title"] for one in _held(stack)} == titles
