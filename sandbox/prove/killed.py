"""A run of the river, or a drain of its inbox, in a process of its own that the kernel kills at a chosen moment."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess

import structlog

from varai.kernel import FeedKey
from varai.registry import StreamKey, this_process
from varai.river.drain import drain
from varai.river.run import run_feeds
from varai.settings import load
from varai.warehouse import duck

MERGED = "merged"
"""The warehouse has committed, and what was staged is not deleted yet: a moment that progress does not tell."""
_MOST_S = 120

_context = get_context("forkserver")
_context.set_forkserver_preload([__name__])  # what a run imports is imported once


def run_killed_at(
    environment: Mapping[str, str],
    region: str,
    keys: Sequence[FeedKey],
    stream: str,
    step: str,
    *,
    streams: Sequence[str] | None = None,
) -> None:
    """Run feeds until `stream` of the first reports `step`; returns when the process has been killed there.

    Raises AssertionError when it ended before.
    """
    _killed(_run, dict(environment), region, list(keys), stream, step, streams)


def drain_killed_at(environment: Mapping[str, str], region: str, stream: str, step: str) -> None:
    """Drain the inbox until `stream` of a feed reports `step`; as `run_killed_at`."""
    _killed(_drain, dict(environment), region, stream, step)


def _killed(target: Callable[..., None], *given: object) -> None:
    process: ForkServerProcess = _context.Process(target=target, args=given)
    process.start()
    process.join(_MOST_S)
    if process.exitcode != -signal.SIGKILL:
        raise AssertionError(f"the process ended with {process.exitcode} and was never killed: {given[1:]}")


def _run(
    environment: Mapping[str, str],
    region: str,
    keys: Sequence[FeedKey],
    stream: str,
    step: str,
    streams: Sequence[str] | None,
) -> None:
    _be_silent()

    def watch(reported: StreamKey, at: str, records: int) -> None:
        del records
        if (FeedKey(reported.tenant, reported.feed), reported.stream, at) == (keys[0], stream, step):
            _die()

    if step == MERGED:
        _die_after_commit()
    run_feeds(load(environment), region, keys, streams=streams, progress=watch)


def _drain(environment: Mapping[str, str], region: str, stream: str, step: str) -> None:
    _be_silent()

    def watch(reported: StreamKey, at: str, records: int) -> None:
        del records
        if (reported.stream, at) == (stream, step):
            _die()

    drain(load(environment), region, holder=f"inbox {this_process()}", linger=timedelta(0), progress=watch)


def _be_silent() -> None:
    """The process is to die, not to tell."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def _die_after_commit() -> None:
    merge = duck.DuckDBWarehouse.merge

    def merged(*given: object, **named: object) -> None:
        merge(*given, **named)  # type: ignore[arg-type]  # passed on as it came
        _die()

    duck.DuckDBWarehouse.merge = merged  # type: ignore[method-assign,assignment]  # in a process that dies of it


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
