"""Talk to the stack's Airflow over its public API: trigger graphs and wait for their runs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from sandbox.stack.layout import Layout

_TRIES = 5
_ENDED = frozenset({"success", "failed"})


@dataclass(frozen=True)
class Run:
    """A run of a graph."""

    dag_id: str
    run_id: str
    state: str
    started: datetime | None


class Airflow:
    """A session with the API as the generated administrator."""

    def __init__(self, layout: Layout) -> None:
        self._http = httpx.Client(base_url=layout.url("airflow"), timeout=30, trust_env=False)
        self.user = "admin"
        self.password = str(json.loads((layout.home / "secrets" / "airflow-passwords").read_text())[self.user])
        self._http.headers["Authorization"] = f"Bearer {self._token()}"

    def _token(self) -> str:
        answer = self._http.post("/auth/token", json={"username": self.user, "password": self.password})
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    def trigger(self, dag_id: str, seconds: float = 120) -> Run:
        """Start a run; waits until the graph has been parsed. Raises TimeoutError when it does not appear."""
        ends = time.monotonic() + seconds
        while True:
            answer = self._http.post(f"/api/v2/dags/{dag_id}/dagRuns", json={"logical_date": None, "conf": {}})
            if answer.is_success:
                return _run(answer.json())
            # Its database is SQLite here, which one writer locks for the others: then the API answers 500.
            if answer.status_code != httpx.codes.NOT_FOUND and not answer.is_server_error:
                answer.raise_for_status()
            if time.monotonic() > ends:
                raise TimeoutError(f"Airflow does not know the graph {dag_id}. {self._import_errors()}")
            time.sleep(0.5)

    def runs(self, dag_id: str, limit: int = 5) -> list[Run]:
        """The newest runs of a graph, newest first; none while it has not been parsed."""
        answer = self._http.get(f"/api/v2/dags/{dag_id}/dagRuns", params={"limit": limit, "order_by": "-run_after"})
        return [_run(one) for one in answer.json().get("dag_runs", [])] if answer.status_code == httpx.codes.OK else []

    def told(self, run: Run) -> datetime | None:
        """When a run last told that its data are there, by an asset event; None where it never did."""
        found = self._get("/api/v2/assets/events", source_dag_id=run.dag_id, source_run_id=run.run_id)
        return max((_instant(one["timestamp"]) for one in found["asset_events"]), default=None)

    def wait(self, runs: list[Run], seconds: float, meanwhile: Callable[[], None]) -> list[Run]:
        """Wait until these runs have ended, calling `meanwhile` between looks. Raises TimeoutError."""
        ends = time.monotonic() + seconds
        while True:
            now = [_run(self._get(f"/api/v2/dags/{one.dag_id}/dagRuns/{one.run_id}")) for one in runs]
            meanwhile()
            if all(one.state in _ENDED for one in now):
                return now
            if time.monotonic() > ends:
                raise TimeoutError(f"Still running: {', '.join(one.dag_id for one in now if one.state not in _ENDED)}.")
            time.sleep(1)

    def _get(self, path: str, **asked: str) -> Any:
        """What a path answers; asked again while the server fails, a few times."""
        for _ in range(_TRIES):
            answer = self._http.get(path, params=asked)
            if not answer.is_server_error:
                break
            time.sleep(1)
        return answer.raise_for_status().json()

    def _import_errors(self) -> str:
        found: list[dict[str, Any]] = self._http.get("/api/v2/importErrors").json().get("import_errors", [])
        return " ".join(f"{one['filename']}: {one['stack_trace'].strip().splitlines()[-1]}" for one in found)


def _run(found: dict[str, Any]) -> Run:
    started = found.get("start_date")
    return Run(found["dag_id"], found["dag_run_id"], found["state"], _instant(started) if started else None)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
