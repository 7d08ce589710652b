"""A part of the fault matrix, and the proof of the proof: what is planted, and what a guard would have stopped, turns it red."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from sandbox.prove import heard
from sandbox.prove.cell import play
from sandbox.prove.columns import COLUMNS
from sandbox.prove.marks import GREEN, IDLE, LOST, STOPPED, STUCK
from sandbox.prove.matrix import play_row
from sandbox.prove.rows import ROWS
from sandbox.prove.stage import Stage, stage
from varai.kernel import Malformed, Scope
from varai.registry import SliceReport, inbox
from varai.river import drain
from varai.settings import Settings
from varai.sources import contract, proof
from varai.sources.files import documents as json_lines
from varai.sources.proof import Listed
from varai.sources.woocommerce import client, reading
from varai.stores import documents

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("at_once")]
SOME = ("missing page", "killed: warehouse", "webhook lost")
PLANTED = "woocommerce"
StageOf = Callable[[str], Stage]


@pytest.fixture(scope="module")
def stage_of(tmp_path_factory: pytest.TempPathFactory, mongodb_uri: str) -> Iterator[StageOf]:
    """The stage of a row, set once for the module."""
    made: dict[str, Stage] = {}
    with ExitStack() as stack:

        def find(vendor: str) -> Stage:
            if vendor not in made:
                folder = tmp_path_factory.mktemp(f"prove-{vendor}")
                made[vendor] = stack.enter_context(stage(vendor, folder, mongodb_uri, f"test-{uuid4().hex[:12]}"))
            return made[vendor]

        yield find


@pytest.mark.parametrize("column", SOME)
@pytest.mark.parametrize("vendor", ROWS)
def test_nothing_is_lost_in_silence(stage_of: StageOf, vendor: str, column: str) -> None:
    result = play(stage_of(vendor), column, COLUMNS[column])
    assert result.mark in GREEN, result.why


def test_a_page_that_a_reader_passes_over_turns_the_matrix_red(
    stage_of: StageOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The law of balance holds it back: it never reads."""
    whole = client.Numbered.page

    def skipping(self: client.Numbered, number: int) -> Listed:
        found = whole(self, number)
        return Listed([], found.total) if number == 2 else found

    made = stage_of(PLANTED)
    monkeypatch.setattr(client.Numbered, "page", skipping)
    result = play(made, "429 without", COLUMNS["429 without"])
    assert result.mark == STUCK and "count" in " ".join(result.why)


def test_a_shop_that_cannot_even_be_read_turns_its_whole_row_red(
    tmp_path: Path, mongodb_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: client.Numbered, number: int) -> Listed:
        raise Malformed("It lists nothing.")

    monkeypatch.setattr(client.Numbered, "page", broken)
    results = play_row(PLANTED, SOME, tmp_path / "row", mongodb_uri)
    assert [one.mark for one in results] == [STUCK] * len(SOME)
    assert all("It lists nothing" in sentence for sentence in results[0].why)


def test_an_order_s_last_line_that_a_reader_drops_turns_the_matrix_red(
    stage_of: StageOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No count sees it, and a fresh feed drops it too: the shop's own file tells."""
    roots = reading.roots

    def shortened(nodes: list[bytes]) -> contract.Page:
        return roots([_without_last_line(node) for node in nodes])

    made = stage_of(PLANTED)
    monkeypatch.setattr(reading, "roots", shortened)
    made.forget_truths()
    result = play(made, "429 without", COLUMNS["429 without"])
    made.forget_truths()
    assert result.mark == LOST and any(one.startswith("order_line") for one in result.why)


def _without_last_line(node: bytes) -> bytes:
    body = json.loads(bytes(node))
    if len(body.get("line_items", ())) > 1:
        body["line_items"].pop()
    return json.dumps(body).encode()


def test_a_guard_that_is_taken_away_lets_a_missing_page_through_and_the_matrix_tells(
    stage_of: StageOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the list is read again until it is whole, nor is what landed compared with the vendor's count."""
    monkeypatch.setattr(proof, "_whole", lambda ids, totals, before: True)
    monkeypatch.setattr(SliceReport, "miscount", "")
    result = play(stage_of(PLANTED), "missing page", COLUMNS["missing page"])
    assert result.mark == LOST and any("lost" in one for one in result.why)


def test_a_consumer_that_is_done_with_what_it_never_read_turns_the_matrix_red(
    stage_of: StageOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A poll would make good for it, which is not waited for."""
    monkeypatch.setattr(drain._Feed, "through", lambda self, event: True)
    result = play(stage_of(PLANTED), "webhook lost", COLUMNS["webhook lost"])
    assert result.mark == LOST and any("when what was told was read" in one for one in result.why)


def test_an_inbox_that_forgets_what_it_was_told_turns_the_matrix_red(
    stage_of: StageOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = inbox.waiting

    def forgetful(scope: Scope, now: datetime, limit: int = 10_000) -> list[inbox.Event]:
        return [one for one in waiting(scope, now, limit) if not one.topic.startswith("customer")]

    made = stage_of(PLANTED)
    monkeypatch.setattr(inbox, "waiting", forgetful)
    result = play(made, "webhook lost", COLUMNS["webhook lost"])
    assert result.mark == LOST and any("were done" in one for one in result.why)
    monkeypatch.setattr(inbox, "waiting", lambda scope, now, limit=0: [])
    assert play(made, "webhook lost", COLUMNS["webhook lost"]).mark == IDLE


def test_a_consumer_that_writes_what_a_late_delivery_says_turns_the_matrix_red(
    stage_of: StageOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says how the product was before it changed again."""
    made, true, rounds = stage_of(PLANTED), heard.drain, list[int]()

    def stale(settings: Settings, region: str, **given: Any) -> drain.Drained:
        found = true(settings, region, **given)
        rounds.append(found.done)
        if len(rounds) > 1:
            first = made.clerk().ids("products")[0]
            written = {"$set": {"product.title": f"Changed {first}"}}
            products = documents(settings.scope(region))["products"]
            assert products.update_one({"_id": f"{made.feed.key}/{first}"}, written).modified_count == 1
        return found

    monkeypatch.setattr(heard, "drain", stale)
    result = play(made, "webhooks reordered", COLUMNS["webhooks reordered"])
    assert result.mark == LOST and any("title" in one for one in result.why), result.why


def test_an_error_page_that_is_taken_for_rows_to_be_kept_back_turns_the_matrix_red(
    stage_of: StageOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of its lines is quarantined, and a day's orders are missing though the run said that all is well."""
    column = "wrong content type"
    assert play(stage_of("files"), column, COLUMNS[column]).mark == STOPPED
    monkeypatch.setattr(json_lines, "vouched", lambda name, rows: iter(rows))
    result = play(stage_of("files"), column, COLUMNS[column])
    assert result.mark == LOST and any(one.startswith("order:") for one in result.why), result.why
