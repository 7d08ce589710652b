"""The process as it is started, over HTTP, and the command that fetches a token from it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

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


def test_an_address_of_ten_thousand_products_is_refused_and_harms_nobody(served: Served) -> None:
    """No address of 64 KB reaches the application, which takes as many in a body; the server refuses it and serves on."""
    viewed = "&".join(f"viewed=shop/{number:012}" for number in range(10_000))
    address = urlsplit(served.url)
    with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=20) as wire:
        wire.sendall(f"GET /v1/recommendations?{viewed} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        said = b"".join(iter(lambda: wire.recv(65536), b""))
    assert said.startswith(b"HTTP/1.1 400 ")
    answer = httpx.post(f"{served.url}/v1/recommendations", json={"viewed": ["shop/1"] * 10_000}, trust_env=False)
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")


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
