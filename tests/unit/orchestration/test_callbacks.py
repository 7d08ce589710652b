"""A failed task leaves one line: what an operator needs of our own errors, and of foreign ones the type alone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from structlog.testing import capture_logs

from varai.kernel import Unbalanced
from varai.orchestration.callbacks import on_failure

TASK = SimpleNamespace(dag_id="ingest_eu", task_id="ingest", run_id="r", map_index=3)
TOLD = {"event": "task.failed", "log_level": "error", "dag": "ingest_eu", "task": "ingest", "run": "r", "map_index": 3}


def test_a_typed_error_is_told_with_its_cure_and_runbook() -> None:
    error = Unbalanced("Counts differ.", "Look at them.")
    assert _lines(error) == [
        {**TOLD, "kind": "unbalanced", "what": "Counts differ.", "cure": "Look at them.", "runbook": error.runbook}
    ]


def test_the_text_of_a_foreign_error_stays_out_of_the_log() -> None:
    lines = _lines(ValueError("could not read ada@example.com"))
    assert lines == [{**TOLD, "kind": "ValueError"}]


def test_a_task_that_was_killed_without_an_error_is_told_too() -> None:
    (line,) = _lines(None)
    assert (line["event"], line["task"]) == ("task.failed", "ingest")


def _lines(error: BaseException | None) -> list[Any]:
    with capture_logs() as lines:
        on_failure({"task_instance": TASK, "exception": error})
    return list(lines)
