"""The bodies of the tasks, called as the graphs call them: what a run holds stays its own while they work."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from varai.kernel import FeedKey, LeaseHeld, Scope
from varai.registry import acquire
from varai.river.context import lease_name

RUN = "scheduled__2026-11-25T20:00:00+00:00"
EXPIRED = timedelta(seconds=-1)
Task = Callable[[str, str], object]


def _load(region: str, run_id: str) -> object:
    from varai.orchestration import steps  # imports Airflow, which looks for its home

    return steps.load(region, run_id)


def _settle(region: str, run_id: str) -> object:
    from varai.orchestration import steps

    return steps.settle(region, run_id)


def _ingest(region: str, run_id: str) -> object:
    from varai.orchestration import steps

    return steps.ingest(region, [], run_id)


@pytest.mark.parametrize("task", [_ingest, _load, _settle])
def test_a_task_renews_what_its_run_holds_and_nothing_else(scope: Scope, task: Task) -> None:
    mine, other = lease_name(FeedKey("a", "shop")), lease_name(FeedKey("b", "shop"))
    acquire(scope, mine, RUN, EXPIRED)
    acquire(scope, other, "another run", EXPIRED)
    task("eu", RUN)
    with pytest.raises(LeaseHeld, match=re.escape(RUN)):
        acquire(scope, mine, "a third run")
    acquire(scope, other, "a third run")
