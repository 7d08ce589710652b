"""A run of the river in a process of its own that the kernel kills at a chosen moment."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from datetime import timedelta
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess

from tests.e2e.stack import Stack
from varai.kernel import FeedKey
from varai.registry import StreamKey, this_process
from varai.river.drain import drain
from varai.river.run import run_feeds
from varai.settings import load
from varai.warehouse import duck

MERGED = "merged"
"""The warehouse has committed, and what was staged is not deleted yet: a moment that progress does not tell."""

_context = get_context("forkserver")
_context.set_forkserver_preload([__name__])  # what a run imports is imported once


def run_killed_at(stack: Stack, stream: str, step: str) -> None:
    """Run the feed until `stream` reports `step`; returns when the process has been killed there, and fails if it was not."""
    process: ForkServerProcess = _context.Process(
        target=_run, args=(dict(stack.environment), stack.region, stack.key, stream, step)
    )
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL, f"the run ended with {process.exitcode} and never came to {step}"


def _run(environment: Mapping[str, str], region: str, key: FeedKey, stream: str, step: str) -> None:
    def watch(reported: StreamKey, at: str, records: int) -> None:
        if (reported.stream, at) == (stream, step):
            _die()

    if step == MERGED:
        _die_after_commit()
    run_feeds(load(environment), region, [key], streams=[stream], progress=watch)


def drain_killed_at(stack: Stack, stream: str, step: str) -> None:
    """Drain the inbox until `stream` reports `step`; returns when the process has been killed there, and fails if it was not."""
    process: ForkServerProcess = _context.Process(
        target=_drain, args=(dict(stack.environment), stack.region, stream, step)
    )
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL, f"the drain ended with {process.exitcode} and never came to {step}"


def _drain(environment: Mapping[str, str], region: str, stream: str, step: str) -> None:
    def watch(reported: StreamKey, at: str, records: int) -> None:
        if (reported.stream, at) == (stream, step):
            _die()

    drain(load(environment), region, holder=f"inbox {this_process()}", linger=timedelta(0), progress=watch)


def _die_after_commit() -> None:
    merge = duck.DuckDBWarehouse.merge

    def merged(*given: object, **named: object) -> None:
        merge(*given, **named)
        _die()

    duck.DuckDBWarehouse.merge = merged


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
