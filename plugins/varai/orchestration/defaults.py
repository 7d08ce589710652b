"""What every graph shares: schedules, retries, owner, failure callback, pools."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from varai.orchestration.callbacks import on_failure

EVERY_15_MINUTES = "*/15 * * * *"
NIGHTLY = "37 2 * * *"
"""Between two ticks of EVERY_15_MINUTES, since erasures need feeds that no run is holding."""
WEEKLY = "7 4 * * 1"
SINCE = datetime(2026, 1, 1, tzinfo=UTC)


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
