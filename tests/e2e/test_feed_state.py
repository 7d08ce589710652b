"""The state of a feed speaks for all its streams, and says that all is well only when it is."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from tests.e2e.stack import Stack
from varai.cli.app import app
from varai.kernel import Misconfigured
from varai.registry import feed_states
from varai.river.ingest import ingest_feed, release_feeds
from varai.river.remap import planned
from varai.river.settle import load, settle

pytestmark = pytest.mark.usefixtures("at_once")
KNOWN = "no stream 'bogus', known: shop, locations, products, inventory, customers, orders, payouts, disputes"


def test_a_run_of_one_stream_does_not_clear_the_failure_of_another(clean_stack: Stack) -> None:
    stack = clean_stack
    assert stack.run().failures == {}
    assert _state(stack) == "ok"
    stack.fault(kind="5xx", match="orders", times=-1)
    assert set(stack.run().failures) == {f"{stack.key}/orders"}
    assert _state(stack) == "failing"
    assert stack.run("shop").failures == {}
    assert _state(stack) == "failing"
    stack.heal()
    assert stack.run("orders").failures == {}
    assert _state(stack) == "ok"


def test_the_first_read_of_a_stream_does_not_hide_the_failure_of_another(clean_stack: Stack) -> None:
    stack, told = clean_stack, set[str | None]()
    stack.fault(kind="5xx", match="orders", times=-1)
    assert stack.run("orders").failures
    assert stack.run("products", progress=lambda key, step, records: told.add(_state(stack))).failures == {}
    assert (told, _state(stack)) == ({"failing"}, "failing")
    stack.heal()
    assert stack.run("orders").failures == {}
    assert _state(stack) == "ok"


def test_a_feed_is_well_only_when_its_last_slice_has_settled(clean_stack: Stack) -> None:
    stack, told = clean_stack, list[str | None]()
    assert ingest_feed(stack.settings, "eu", stack.key, holder="test").failures == {}
    told.append(_state(stack))
    load(stack.settings, "eu", holder="test")
    told.append(_state(stack))
    assert len(settle(stack.settings, "eu")) == 8
    release_feeds(stack.settings, "eu", [stack.key], holder="test")
    assert [*told, _state(stack)] == ["backfilling", "backfilling", "ok"]


def test_a_stream_there_is_not_is_refused_and_changes_nothing(
    clean_stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = clean_stack
    record = stack.run("products", "bogus")
    assert list(record.failures) == [str(stack.key)] and KNOWN in record.failures[str(stack.key)]
    assert (_state(stack), record.batches) == (None, ())
    with pytest.raises(Misconfigured, match=KNOWN):
        planned(stack.settings, "eu", stack.key, streams=["bogus"])

    for name, value in stack.environment.items():
        monkeypatch.setenv(name, value)
    chosen = ["--region", "eu", "--tenant", stack.spec.name, "--stream", "bogus"]
    for command in (["run"], ["backfill"], ["backfill", "--dry-run"], ["remap"], ["remap", "--dry-run"]):
        done = CliRunner().invoke(app, [*command, *chosen])
        assert done.exit_code == 1 and KNOWN in done.output, command
    assert _state(stack) is None


def _state(stack: Stack) -> str | None:
    found = feed_states(stack.scope).get(str(stack.key))
    return found.kind if found else None
