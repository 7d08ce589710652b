"""A run's record names its batches, however many feeds the region has."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from varai.settings import load
from varai.stores import objects

STARTED = datetime(2026, 11, 26, 2, 30, tzinfo=UTC)


@pytest.mark.parametrize("feeds", [0, 1, 2])
def test_the_batches_of_every_mapped_task_are_recorded(
    feeds: int, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "airflow"))
    steps, runner = import_module("varai.orchestration.steps"), import_module("airflow.sdk.execution_time.task_runner")
    settings = load({"VARAI_HOME": str(home), "VARAI_STORES__EU__DOCUMENTS_URI": "mongodb://127.0.0.1:1"})
    returned: dict[str, list[Any]] = {
        "ingest": [[{"batch_id": f"b{number}"}] for number in range(feeds)],
        "load": [{"order": 3}],
        "settle": [["a/shop/orders"]],
    }
    monkeypatch.setattr(runner.XCom, "get_all", lambda task_id, **named: returned[task_id] or None)
    task = runner.RuntimeTaskInstance.model_construct(task_id="conclude", dag_id="ingest__eu__shopify", run_id="r")
    steps._record(settings, "eu", {"task_instance": task, "dag_run": SimpleNamespace(start_date=STARTED)}, {})
    store = objects(settings.scope("eu"))
    (key,) = store.list("runs/")
    found = store.get(key)
    assert found is not None
    for number in range(feeds):
        assert f'"b{number}"'.encode() in found[0]
    assert b'"order"' in found[0]
    assert b"a/shop/orders" in found[0]
