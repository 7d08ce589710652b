"""The process as it is started, over HTTP, and the command that fetches a token from it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from tests.conftest import REPOSITORY, free_port, running
from varai import registry
from varai.settings import load


class Served(NamedTuple):
    """A region's serving: its address and its process."""

    url: str
    process: subprocess.Popen[bytes]


@pytest.fixture
def served(home: Path, mongodb_uri: str, mongodb: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A region's serving, with an environment for the command line beside it."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        "VARAI_DATABASE": mongodb,
        "VARAI_STORES__EU__DOCUMENTS_URI": mongodb_uri,
        "VARAI_STORES__EU__SERVING_URL": url,
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "plugins")]),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = load()
    registry.seed(settings.scope("eu"), settings.seeds)
    command = [sys.executable, "-m", "serving", "--region", "eu", "--surfaces", "shop,report,hook", "--port", str(port)]
    with running(command, home, lambda: _answers(f"{url}/health/ready")) as process:
        yield Served(url, process)


def test_a_token_of_the_command_opens_the_api(served: Served, home: Path) -> None:
    command = [
        sys.executable,
        "-c",
        "from varai.cli import app; app()",
        "token",
        "--region",
        "eu",
        "--tenant",
        "northwind-eu",
    ]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    token = said.stdout.strip().splitlines()[-1]
    answer = httpx.get(f"{served.url}/v1/sync", headers={"Authorization": f"Bearer {token}"}, trust_env=False)
    assert answer.status_code == 200
    assert answer.json()["tenant"] == "northwind-eu"
    # An answer is logged after it is sent: the log is whole when the process has ended.
    served.process.terminate()
    served.process.wait(timeout=10)
    log = (home / "server.log").read_text()
    assert '"route": "/v1/sync"' in log
    assert token not in log


def test_an_unknown_tenant_is_a_sentence(served: Served) -> None:
    command = [sys.executable, "-c", "from varai.cli import app; app()", "token", "-r", "eu", "-t", "nobody"]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 1
    assert "There is no tenant 'nobody'" in said.stderr
    assert not said.stdout


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
