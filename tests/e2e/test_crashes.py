"""Whatever moment a run is killed at, the next one converges to what an undisturbed run leaves; and one run works on a feed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest

from sandbox.vendors.shopify.store import ShopWriter
from sandbox.world.spec import WorldSpec
from tests.e2e.conftest import CLEAN, WORLD, Vendor, make_stack
from tests.e2e.digests import digests, known
from tests.e2e.killed import MERGED, run_killed_at
from tests.e2e.stack import Stack
from varai.stores import objects

STEPS = ("planned", "landing", "landed", "judged", "staged", "catalogue", MERGED, "loaded", "hashes", "watermark")
SEALED_STEPS = ("landed", "staged", MERGED, "hashes")
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
    """Stream -> what an undisturbed run of it leaves."""
    found = {}
    for stream in ("products", "orders"):
        stack = another()
        assert stack.run(stream).failures == {}
        found[stream] = digests(stack)
    return found


@pytest.mark.parametrize(
    ("stream", "step"),
    [*(("products", step) for step in STEPS), *(("orders", step) for step in SEALED_STEPS)],
)
def test_a_killed_first_run_is_taken_up_by_the_next(
    undisturbed: dict[str, dict[str, str]], another: Another, stream: str, step: str
) -> None:
    stack = another()
    run_killed_at(stack, stream, step)
    before = stack.state(stream).watermark()
    assert (before is None) == (step != "watermark")
    assert stack.run(stream).failures == {}
    row = stack.slices()[stream]
    assert row["balanced"] and row["settled"]
    assert stack.state(stream).watermark() is not None
    assert digests(stack) == undisturbed[stream]
    assert list(objects(stack.scope).list("canonical/")) == list(objects(stack.scope).list("mapped/")) == []


def test_a_killed_incremental_run_is_taken_up_with_its_tombstones_and_replays(another: Another) -> None:
    """A product goes, a variant goes, a SKU is taken: what the hashes know of the past may be used only once."""
    stacks = {step: another(CLEAN) for step in ("", "catalogue", "loaded", "hashes")}
    for stack in stacks.values():
        assert stack.run("products").failures == {}
    stacks[""].edit(_turn_over)
    for step, stack in stacks.items():
        if step:
            run_killed_at(stack, "products", step)
        assert stack.run("products").failures == {}
    wanted = digests(stacks[""])
    for step, stack in stacks.items():
        assert digests(stack) == wanted, step
        assert known(stack, "products", "variant") == stack.ids("ProductVariant")


def _turn_over(writer: ShopWriter, at: str) -> None:
    """The second product goes, the third loses a variant, the last takes a SKU of the first."""
