"""The compiled pipeline is what the code says, installs nothing, runs here, and is submitted elsewhere as the services' clients do."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
import yaml

from ml_pipelines.components import IMAGE
from ml_pipelines.pipeline import COMPILED, compile_to
from tests.unit.learning.shops import product, publish_marts, sales
from varai.kernel import Misconfigured, Unavailable, Untrained, utc_now
from varai.learning import states
from varai.learning.due import due
from varai.learning.registered import registered_name
from varai.learning.tracking import Registry
from varai.settings import Settings, load

STEPS = ["assemble", "train", "evaluate", "promote"]
EU = "VARAI_STORES__EU__"


def pipelines_run(settings: Settings, tenants: list[str]) -> str:
    from varai.orchestration import pipelines  # imports Airflow, which looks for its home

    return pipelines.run(settings, "eu", "recommender", tenants, "r1")


def tried(number: int) -> Mapping[str, Any]:
    """The context of a task's try, of a run that began some minutes ago."""
    run = SimpleNamespace(start_date=utc_now() - timedelta(minutes=5))
    return {"task_instance": SimpleNamespace(try_number=number), "dag_run": run}


@pytest.fixture
def settings(
    home: Path, mongodb_uri: str, mongodb: str, registry_url: str, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """As a task and the processes of its steps read them."""
    monkeypatch.setenv("AIRFLOW_HOME", str(home / "airflow"))
    monkeypatch.setenv("VARAI_DATABASE", mongodb)
    monkeypatch.setenv(f"{EU}DOCUMENTS_URI", mongodb_uri)
    monkeypatch.setenv(f"{EU}REGISTRY_URL", registry_url)
    return load()


def test_the_checked_in_pipeline_is_what_the_code_compiles_to(tmp_path: Path) -> None:
    compile_to(tmp_path / "pipeline.yaml")
    assert (tmp_path / "pipeline.yaml").read_text() == COMPILED.read_text(), "Run `python -m ml_pipelines.pipeline`."


def test_steps_follow_each_other_by_names_alone_and_install_nothing() -> None:
    text = COMPILED.read_text()
    assert "pip" not in text.replace("pipeline", "").replace("PIPELINE", "")
    found = yaml.safe_load(text)
    tasks = found["root"]["dag"]["tasks"]
    assert {name: task.get("dependentTasks", []) for name, task in tasks.items()} == {
        step: [before] if before else [] for before, step in zip(["", *STEPS[:-1]], STEPS, strict=True)
    }
    assert all(not task["cachingOptions"] for task in tasks.values())
    assert all("artifacts" not in one.get("outputDefinitions", {}) for one in found["components"].values())
    assert all("artifacts" not in one.get("inputDefinitions", {}) for one in found["components"].values())


def test_a_component_is_three_lines_and_its_image_is_the_platform_s() -> None:
    found = yaml.safe_load(COMPILED.read_text())["deploymentSpec"]["executors"]
    compose = yaml.safe_load((COMPILED.parents[1] / "docker-compose.yml").read_text())
    assert compose["x-platform"]["image"] == IMAGE
    for step in STEPS:
        container = found[f"exec-{step}"]["container"]
        body = container["command"][-1].partition('"""')[2].partition('"""')[2]
        assert len([line for line in body.splitlines() if line.strip()]) == 3, step
        assert container["image"] == IMAGE


def test_the_local_runner_goes_the_whole_road(settings: Settings) -> None:
    from varai.orchestration import steps

    enough, broken = f"taste-{uuid4().hex[:8]}", f"broken-{uuid4().hex[:8]}"
    offered = [product(number) for number in range(42)]
    publish_marts(settings.scope("eu"), sales(1, taste=True), offered, tenant=enough)
    publish_marts(settings.scope("eu"), sales(1, taste=True), offered, ", trainable", broken)
    with pytest.raises(Untrained, match=broken) as told:
        steps.learn("eu", "recommender", [enough, broken], tried(1))
    assert enough not in str(told.value)
    scope = settings.scope("eu", enough)
    champion = Registry(scope).champion(registered_name(scope, "recommender"))
    assert champion is not None
    assert champion.number == 1
    assert steps.learn("eu", "recommender", [enough], tried(1))[enough].startswith("unchanged: ")


def test_a_task_that_is_tried_again_takes_only_what_failed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from varai.orchestration import pipelines, steps

    ran: list[list[str]] = []

    def service(settings: Settings, region: str, model: str, tenants: list[str], run: str) -> str:
        ran.append(tenants)
        return "https://service/runs/1"

    def ended(tenant: str, kind: states.Kind, at: datetime) -> None:
        scope = settings.scope("eu", tenant)
        states.write(scope, "recommender", states.State(kind=kind, sentence="So it was.", at=at, run="r1"))

    monkeypatch.setattr(pipelines, "run", service)
    ended("good", "served", utc_now())
    ended("failing", "failed", utc_now())
    ended("older", "served", utc_now() - timedelta(days=7))
    batch = ["good", "failing", "older", "new"]
    told = steps.learn("eu", "recommender", batch, tried(2))
    assert (ran, told["good"]) == ([["failing", "older", "new"]], "served: So it was.")
    found = [states.read(settings.scope("eu", tenant), "recommender") for tenant in batch]
    assert [state.kind for state in found if state] == ["served", "submitted", "submitted", "submitted"]
    assert (
        due(settings, "eu", ["failing", "new"], "recommender") == {}
    )  # at the next snapshot they are at work elsewhere
    assert "run" not in steps.learn("eu", "recommender", batch, tried(3))
    assert len(ran) == 1
    steps.learn("eu", "recommender", ["good"], tried(1))
    assert ran[1:] == [["good"]]


def test_a_run_that_ends_early_is_no_success(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from varai.orchestration import steps

    monkeypatch.setenv("VARAI_WORKERS", "none")  # which the processes of the steps refuse
    monkeypatch.setattr(steps, "load_settings", lambda: settings)
    with pytest.raises(Untrained, match="ended early"):
        steps.learn("eu", "recommender", ["acme"], tried(1))
    assert due(settings, "eu", ["acme"], "recommender") == {}  # it is let be for some hours


class Kubeflow(BaseHTTPRequestHandler):
    """As much of the v2beta1 API as the client asks when it creates a run; what it was sent is kept."""

    def do_GET(self) -> None:
        if self.path.startswith("/apis/v2beta1/experiments"):
            return self._answer({"experiments": []})
        return self._answer({"multi_user": False})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, body))  # type: ignore[attr-defined]  # kept on the server, read by the test
        return self._answer({"experiment_id": "e1", "run_id": "r-77", "display_name": "x", "state": "PENDING"})

    def _answer(self, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments: object) -> None:
        del arguments


@contextmanager
def kubeflow() -> Iterator[tuple[str, list[tuple[str, dict[str, Any]]]]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Kubeflow)
    server.asked = []  # type: ignore[attr-defined]  # see Kubeflow
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", server.asked  # type: ignore[attr-defined]  # see Kubeflow
    finally:
        server.shutdown()
        server.server_close()


def test_kubeflow_is_sent_the_pipeline_with_names_and_the_region_s_image(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_HOME", str(home / "airflow"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with kubeflow() as (url, asked):
        found = load(
            {"VARAI_PIPELINES": "kubeflow", f"{EU}PIPELINES_URL": url, f"{EU}PIPELINES_IMAGE": "eu/platform:9"}
        )
        assert pipelines_run(found, ["a", "b"]) == f"{url}/#/runs/details/r-77"
    sent = next(body for path, body in asked if path.endswith("/runs"))
    assert sent["runtime_config"]["parameters"] == {
        "region": "eu", "tenants": ["a", "b"], "model": "recommender", "run": "r1",
    }  # fmt: skip
    executors = sent["pipeline_spec"]["deploymentSpec"]["executors"]
    assert {one["container"]["image"] for one in executors.values()} == {"eu/platform:9"}
    assert sent["pipeline_spec"]["root"]["dag"]["tasks"].keys() == set(STEPS)


def test_a_service_that_is_down_or_not_named_says_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_HOME", str(home / "airflow"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with kubeflow() as (url, _):
        pass
    with pytest.raises(Unavailable, match="'eu'"):
        pipelines_run(load({"VARAI_PIPELINES": "kubeflow", f"{EU}PIPELINES_URL": url}), ["a"])
    with pytest.raises(Misconfigured, match=f"{EU}PIPELINES_URL"):
        pipelines_run(load({"VARAI_PIPELINES": "kubeflow"}), ["a"])
    with pytest.raises(Misconfigured, match=f"{EU}PIPELINES_ROOT"):
        pipelines_run(load({"VARAI_PIPELINES": "vertex"}), ["a"])


def test_vertex_is_sent_a_job_of_the_region_s_location(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The call that leaves Google's client; the service itself is not at hand."""
    monkeypatch.setenv("AIRFLOW_HOME", str(home / "airflow"))
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import aiplatform, aiplatform_v1

    sent: dict[str, Any] = {}

    def create(self: Any, **call: Any) -> Any:
        sent.update(call, host=self.transport.host)
        return aiplatform_v1.PipelineJob(name=f"{call['parent']}/pipelineJobs/{call['pipeline_job_id']}")

    monkeypatch.setattr(aiplatform_v1.PipelineServiceClient, "create_pipeline_job", create)
    monkeypatch.setattr("google.auth.default", lambda *_, **__: (AnonymousCredentials(), "studio"))
    # The client looks for the folder's bucket first, and Cloud Storage is as far away as Vertex.
    looked = "google.cloud.aiplatform.utils.gcs_utils.create_gcs_bucket_for_pipeline_artifacts_if_it_does_not_exist"
    monkeypatch.setattr(looked, lambda **_: "gs://studio-eu/pipelines")
    aiplatform.init(credentials=AnonymousCredentials())
    found = load(
        {
            "VARAI_PIPELINES": "vertex",
            "VARAI_GOOGLE_PROJECT": "studio",
            f"{EU}PIPELINES_ROOT": "gs://studio-eu/pipelines",
        }
    )
    job = pipelines_run(found, ["a"])
    location = found.region("eu").location
    assert job.startswith(f"projects/studio/locations/{location}/pipelineJobs/")
    assert sent["parent"] == f"projects/studio/locations/{location}"
    assert location in sent["host"]
    made = sent["pipeline_job"]
    assert made.runtime_config.gcs_output_directory == "gs://studio-eu/pipelines"
    assert dict(made.runtime_config.parameter_values)["region"] == "eu"
    assert set(dict(made.pipeline_spec)["root"]["dag"]["tasks"]) == set(STEPS)
