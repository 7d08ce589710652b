"""While a shop is read for the first time, its feed says how far that is."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
from typing import Any

from rich.console import Console

from tests.e2e.conftest import CLEAN, StackOf
from tests.e2e.stack import Stack
from varai.cli import tables
from varai.kernel import utc_now
from varai.registry import FeedState, StreamKey, feed_states, set_state, status
from varai.sources import stream_names

PAGE = 5


def test_the_percent_of_a_first_read_moves_and_never_falls(stack_of: StackOf) -> None:
    stack = stack_of(CLEAN, page_size=PAGE, bulk=False)
    scope, told = stack.settings.scope(stack.region), list[dict[str, Any]]()
    lock = threading.Lock()  # streams are read side by side, and what is read must be kept in that order

    def watch(key: StreamKey, step: str, records: int) -> None:
        if step in ("landing", "landed"):
            with lock:
                told.append(
                    next(row for row in status(scope, {}, stream_names)["slices"] if row["tenant"] == stack.spec.name)
                )

    assert stack.run("products", "customers", "orders", progress=watch).failures == {}
    percents = [one["percent"] for one in told]
    assert {one["state"] for one in told} == {"backfilling"}
    assert percents == sorted(percents)
    assert len(set(percents)) >= 5, percents  # 16 pages
    assert 50 <= percents[-1] <= 99
    wide = Console(width=300, record=True, file=io.StringIO())
    wide.print(tables.slices("eu", told[-1:]))
    assert f"backfilling {percents[-1]} %" in wide.export_text()
    after = feed_states(scope)[str(stack.key)]
    assert (after.kind, after.percent) == ("ok", None)


def test_a_stream_that_is_counted_only_after_it_was_read_is_left_out(stack_of: StackOf) -> None:
    stack, seen = stack_of(CLEAN), list[int | None]()

    def watch(key: StreamKey, step: str, records: int) -> None:
        if (key.stream, step) == ("products", "judged"):
            seen.append(feed_states(stack.scope)[str(stack.key)].percent)

    assert stack.run("products", "inventory", progress=watch).failures == {}
    assert seen == [99]


def test_a_list_of_feeds_says_state_and_percent_apart_for_programs_and_together_for_people(stack_of: StackOf) -> None:
    stack = stack_of(CLEAN)
    set_state(stack.scope, stack.key, FeedState(kind="backfilling", since=utc_now(), percent=42))
    (row,) = json.loads(_listed(stack, "--json"))
    assert (row["state"], row["percent"]) == ("backfilling", 42)
    assert "backfilling 42 %" in _listed(stack)


def _listed(stack: Stack, *options: str) -> str:
    """`varai feeds list` in a process of its own, on a wide terminal."""
    words = [sys.executable, "-c", "from varai.cli import app; app()", "feeds", "list", "--region", "eu", *options]
    environment = {**os.environ, **stack.environment, "COLUMNS": "200"}
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout
