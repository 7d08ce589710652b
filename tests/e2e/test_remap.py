"""A remap works under the feed's lease, keeps it while it works, gives it back, and leaves alone what a run has still to settle."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from tests.e2e.digests import known, warehoused
from tests.e2e.stack import Stack
from varai.kernel import BatchRef, FeedKey, LeaseHeld, Misconfigured, utc_now
from varai.registry import StreamKey, acquire, held, leases, release
from varai.river.context import Progress, lease_name, silent, warehouse_lease
from varai.river.remap import planned, remap_feed
from varai.stores import documents

pytestmark = pytest.mark.usefixtures("at_once")


def test_a_remap_brings_back_what_is_there_and_settles_it(clean_stack: Stack) -> None:
    stack = clean_stack
    assert stack.run("shop", "products").failures == {}
    before = known(stack, "products", "product"), warehoused(stack, "product"), stack.state("products").watermark()
    foreseen = planned(stack.settings, stack.region, stack.key)
    done = _remap(stack)
    assert [f"{stack.key}/{ref.stream}: batch {ref.batch_id}, {ref.records} records" for ref in done] == foreseen
    assert {ref.stream for ref in done} == {"shop", "products"}
    after = known(stack, "products", "product"), warehoused(stack, "product"), stack.state("products").watermark()
    assert after == before
    assert all(stack.state(stream).at_rest for stream in ("shop", "products"))


def test_the_lease_is_renewed_while_batches_are_mapped_and_given_back_after(
    clean_stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack, outlasted = clean_stack, list[str]()
    assert stack.run("products").failures == {}
    monkeypatch.setattr(leases, "_RENEW_S", 0.01)
    collection, name = documents(stack.scope)["leases"], lease_name(stack.key)

    def outlast(key: StreamKey, step: str, records: int) -> None:
        if step == "judged":
            collection.update_one({"_id": name}, {"$set": {"expires_at": utc_now() + timedelta(milliseconds=1)}})
            deadline = time.monotonic() + 10
            while name not in {
                one["_id"] for one in held(stack.scope) if one["expires_at"] > utc_now() + leases.TTL / 2
            }:
                assert time.monotonic() < deadline, "the lease ran out while a batch was mapped"
            outlasted.append(key.stream)

    assert len(_remap(stack, progress=outlast)) == 1
    assert outlasted == ["products"]
    assert held(stack.scope) == []


def test_a_remap_that_fails_gives_the_lease_back_and_the_next_run_settles_its_rows(clean_stack: Stack) -> None:
    stack = clean_stack
    assert stack.run("products").failures == {}
    other = acquire(stack.scope, warehouse_lease(stack.region), "a load")
    with pytest.raises(LeaseHeld, match="a load"):
        _remap(stack)
    assert [one["_id"] for one in held(stack.scope)] == [other.name]
    assert stack.state("products").pending() is not None
    release(stack.scope, other)
    assert stack.run("products").failures == {}
    assert stack.state("products").at_rest
    assert warehoused(stack, "product") == stack.ids("Product")


def test_no_remap_beside_a_run_and_no_lease_of_a_feed_there_is_not(clean_stack: Stack) -> None:
    stack = clean_stack
    lease = acquire(stack.scope, lease_name(stack.key), "a run")
    with pytest.raises(LeaseHeld, match="a run"):
        _remap(stack)
    release(stack.scope, lease)
    with pytest.raises(Misconfigured, match="no feed"):
        remap_feed(stack.settings, stack.region, FeedKey(stack.key.tenant, "none"), holder="test")
    assert held(stack.scope) == []


def test_a_stream_that_a_failure_left_unfinished_is_left_to_the_next_run(clean_stack: Stack) -> None:
    stack = clean_stack
    assert stack.run("products", "locations").failures == {}
    stack.fault(kind="5xx", match="products", times=-1)
    assert list(stack.run("products").failures) == [f"{stack.key}/products"]
    assert {ref.stream for ref in _remap(stack)} == {"locations"}
    assert stack.state("products").unfinished


def _remap(stack: Stack, progress: Progress = silent) -> list[BatchRef]:
    return remap_feed(stack.settings, stack.region, stack.key, holder="test", progress=progress)
