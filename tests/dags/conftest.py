"""The graphs as Airflow parses them, once per session, in a process of their own with an empty AIRFLOW_HOME."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY
from varai.kernel import Scope
from varai.settings import load


@pytest.fixture(scope="session")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What tests/dags/describe.py prints."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VARAI_", "AIRFLOW"))}
    environment = kept | {
        "VARAI_HOME": str(tmp_path_factory.mktemp("home")),
        "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow")),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
    }
    command = [sys.executable, str(Path(__file__).with_name("describe.py")), str(REPOSITORY / "dags")]
    result = subprocess.run(command, env=environment, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return found


@pytest.fixture
def scope(home: Path, mongodb_uri: str, mongodb: str, monkeypatch: pytest.MonkeyPatch) -> Scope:
    """The eu region, as the environment of a task tells it."""
    monkeypatch.setenv("AIRFLOW_HOME", str(home / "airflow"))
    monkeypatch.setenv("VARAI_DATABASE", mongodb)
    for region in ("EU", "US"):
        monkeypatch.setenv(f"VARAI_STORES__{region}__DOCUMENTS_URI", mongodb_uri)
    return load().scope("eu")
