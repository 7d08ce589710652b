"""What happens when a task fails: one structured line with the error's sentence, its cure and its runbook."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog

from varai.kernel import VaraiError

log = structlog.get_logger(__name__)


def on_failure(context: Mapping[str, Any]) -> None:
    """Log a failed task. Typed errors carry what an operator needs; of others only the type is told, not their text."""
    error = context.get("exception")
    task = context["task_instance"]
    told = {"dag": task.dag_id, "task": task.task_id, "run": task.run_id, "map_index": task.map_index}
    if isinstance(error, VaraiError):
        log.error("task.failed", kind=error.kind, what=error.what, cure=error.cure, runbook=error.runbook, **told)
    else:
        log.error("task.failed", kind=type(error).__name__, **told)
