"""What every graph shares: schedules, retries, owner, failure callback, pools."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import CronTriggerTimetable

from varai.orchestration.callbacks import on_failure

EVERY_15_MINUTES = "*/15 * * * *"
NIGHTLY = "37 2 * * *"
"""Between two ticks of EVERY_15_MINUTES, since erasures need feeds that no run is holding."""
WEEKLY = "7 4 * * 1"
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
"""A start date before today: the graph's first run is the last tick before it came up. Without one, it waits for its next."""
_LATE = timedelta(hours=1)
"""A tick that passed while the graph was being parsed anew is still taken."""


def by_the_clock(cron: str) -> CronTriggerTimetable:
    """At the times of a cron expression, in UTC; for graphs without a start date, which have nothing to do when they come up."""
    return CronTriggerTimetable(cron, timezone="UTC", run_immediately=_LATE)


def defaults() -> dict[str, Any]:
    """`default_args` of a graph. Airflow retries a task; the library retries an HTTP call; nobody else does."""
    return {
        "owner": "commerce",
        "retries": 2,
        "retry_delay": timedelta(seconds=30),
        "on_failure_callback": on_failure,
    }


def graph_options() -> dict[str, Any]:
    """Options of every graph: one run at a time, no catching up, never paused at birth."""
    return {"max_active_runs": 1, "catchup": False, "is_paused_upon_creation": False}


def warehouse_pool(region: str) -> str:
    """The pool of one slot that keeps tasks from queueing on the warehouse's lease; `up` creates it."""
    return f"warehouse-{region}"


def label(names: list[str]) -> str:
    """Name of a mapped task: what it works on."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
