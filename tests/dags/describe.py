"""Run by the tests in a process of its own: parse dags/ as Airflow does and print what was found, as JSON."""

from __future__ import annotations

import calendar
import json
import sys
import types
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

from airflow import plugins_manager
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import Asset, AssetOrTimeSchedule, CronTriggerTimetable
from airflow.serialization.serialized_objects import DagSerialization

import varai

BORN = datetime(2026, 7, 15, 12, 0, tzinfo=UTC)  # a Wednesday


def describe(folder: str) -> dict[str, object]:
    """Graphs by id, import errors, and what Airflow's plugin loader made of plugins/."""
    bag = DagBag(folder)
    plugins, errors = plugins_manager._get_plugins()
    return {
        "errors": {Path(name).name: error.strip().splitlines()[-1] for name, error in bag.import_errors.items()},
        "graphs": {dag.dag_id: _graph(dag) for dag in bag.dags.values()},
        "plugins": sorted(plugin.name for plugin in plugins if plugin.name),
        "plugin_errors": {str(name): str(error) for name, error in errors.items()},
        "stdlib": {module.__name__: str(module.__file__) for module in (types, calendar)},
        "varai": str(varai.__file__),
    }


def _graph(dag: Any) -> dict[str, object]:
    return {
        "schedule": _schedule(dag.schedule),
        "first": _first(dag),
        "tags": sorted(dag.tags),
        "documented": bool(dag.doc_md),
        "max_active_runs": dag.max_active_runs,
        "catchup": dag.catchup,
        "params": sorted(dag.params),
        "tasks": {
            task.task_id: {
                "then": sorted(task.downstream_task_ids),
                "owner": task.owner,
                "pool": task.pool,
                "trigger_rule": str(task.trigger_rule),
                "retries": task.retries,
                "outlets": [one.uri for one in task.outlets if isinstance(one, Asset)],
                "mapped": task.is_mapped,
            }
            for task in sorted(dag.tasks, key=lambda one: one.task_id)
        },
    }


def _first(dag: Any) -> str | None:
    """When the scheduler runs a graph that comes up at BORN for the first time by the clock."""
    with patch("airflow.timetables.trigger.utcnow", return_value=BORN):
        found = DagSerialization.from_dict(DagSerialization.to_dict(dag)).next_dagrun_info(last_automated_run_info=None)
    return None if found is None else "at once" if found.run_after <= BORN else found.run_after.isoformat()


def _schedule(schedule: Any) -> object:
    if isinstance(schedule, AssetOrTimeSchedule):
        return [schedule.timetable.expression, *(asset.uri for asset in schedule.asset_condition.objects)]
    if isinstance(schedule, CronTriggerTimetable):
        return schedule.expression
    return [one.uri for one in schedule] if isinstance(schedule, list | tuple) else str(schedule)


if __name__ == "__main__":
    sys.stdout.write("\n" + json.dumps(describe(sys.argv[1])))
