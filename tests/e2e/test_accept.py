"""A slice that differs from what the vendor counts passes on an operator's word, and the word holds for what the operator saw."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from tests.e2e.conftest import CLEAN, StackOf
from tests.e2e.stack import Stack
from varai.cli.app import app
from varai.cli.arguments import operator
from varai.kernel import Conflict, LeaseHeld, Misconfigured
from varai.registry import acquire, release
from varai.river.accept import accept_slice, doubted
from varai.river.context import lease_name
from varai.stores import documents

pytestmark = pytest.mark.usefixtures("at_once")
STREAM = "products"


@pytest.fixture
def waiting(stack_of: StackOf) -> Stack:
    """A shop whose vendor counts three products too many, read once, in pages: a bulk file is held to its own count."""
    stack = stack_of(CLEAN, bulk=False)
    _counts_too_many(stack, 3)
    assert _told(stack, 3) in stack.run(STREAM).failures[f"{stack.key}/{STREAM}"]
    return stack


def test_an_accepted_slice_passes_with_the_counts_that_were_seen(waiting: Stack) -> None:
    assert _accept(waiting, _told(waiting, 3)).startswith(f"{waiting.key}/{STREAM}: accepted by ada")
    assert waiting.run(STREAM).failures == {}
    report, row = waiting.state(STREAM).report(), waiting.slices()[STREAM]
    assert report is not None and report.settled and report.balanced
    assert (report.accepted, row["vendor_count"] - row["landed"]) == ("their bug", 3)
    assert _audited(waiting) == [("ada", f"{waiting.key}/{STREAM}", f"their bug ({_told(waiting, 3)})")]


def test_counts_that_move_after_the_word_are_asked_about_anew(waiting: Stack) -> None:
    _accept(waiting, _told(waiting, 3))
    _counts_too_many(waiting, 4)
    assert waiting.run(STREAM).failures
    assert waiting.state(STREAM).watermark() is None
    assert _doubted(waiting) == _told(waiting, 4)


def test_a_word_about_counts_that_moved_before_it_is_refused_and_leaves_no_trace(waiting: Stack) -> None:
    _counts_too_many(waiting, 4)
    assert waiting.run(STREAM).failures
    with pytest.raises(Conflict, match=r"by now the vendor counts"):
        _accept(waiting, _told(waiting, 3))
    assert _audited(waiting) == []
    assert waiting.run(STREAM).failures


def test_nobody_accepts_without_a_reason_beside_a_run_or_where_nothing_waits(waiting: Stack) -> None:
    with pytest.raises(Misconfigured, match="with a reason"):
        _accept(waiting, _told(waiting, 3), reason=" ")
    lease = acquire(waiting.scope, lease_name(waiting.key), "a run")
    with pytest.raises(LeaseHeld):
        _accept(waiting, _told(waiting, 3))
    release(waiting.scope, lease)
    waiting.heal()
    assert waiting.run(STREAM).failures == {}
    with pytest.raises(Misconfigured, match="does not wait"):
        _accept(waiting, _told(waiting, 3))
    assert _audited(waiting) == []


def test_the_command_shows_the_counts_and_accepts_only_what_is_confirmed(
    waiting: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in waiting.environment.items():
        monkeypatch.setenv(name, value)
    chosen = ["--region", "eu", "--tenant", waiting.spec.name, "--stream", STREAM, "--reason", "their bug"]
    refused = CliRunner().invoke(app, ["slice", "accept", *chosen], input="n\n")
    assert (refused.exit_code, _audited(waiting)) == (1, [])
    assert _told(waiting, 3) in refused.output
    agreed = CliRunner().invoke(app, ["slice", "accept", *chosen], input="y\n")
    assert (agreed.exit_code, [actor for actor, _, _ in _audited(waiting)]) == (0, [operator()])
    assert waiting.state(STREAM).accepted(_told(waiting, 3)) == "their bug"


def _counts_too_many(stack: Stack, delta: int) -> None:
    stack.heal()
    stack.fault(kind="wrong_count", delta=delta, times=-1)


def _told(stack: Stack, delta: int) -> str:
    landed = len(stack.ids("Product"))
    return f"the vendor counts {landed + delta} records, {landed} landed"


def _doubted(stack: Stack) -> str:
    return doubted(stack.settings, stack.region, stack.key, STREAM)


def _accept(stack: Stack, what: str, reason: str = "their bug") -> str:
    return accept_slice(
        stack.settings, stack.region, stack.key, STREAM, what=what, reason=reason, by="ada", holder="test"
    )


def _audited(stack: Stack) -> list[tuple[str, str, str]]:
    found = documents(stack.scope)["audit"].find({"action": "slice.accepted"}).sort("number")
    return [(one["actor"], one["subject"], one["reason"]) for one in found]
