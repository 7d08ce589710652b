"""Start and end the compose stack through the engine's own client."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import yaml

from sandbox.compose.state import State, prepare
from sandbox.stack.layout import REPOSITORY
from sandbox.stack.shops import Told

FILE = REPOSITORY / "docker-compose.yml"
_ADDRESS = "VARAI_ADDRESSES__"
_PATIENCE_S = "900"


class NoEngine(RuntimeError):
    """The engine's client, or its compose command, is not on this machine."""


def state_of() -> State:
    """The compose stack of $VARAI_HOME (default ./var)."""
    return State(Path(os.environ.get("VARAI_HOME", "var")).resolve() / "compose")


def addresses() -> dict[str, str]:
    """What people open in a browser, by name: what the file tells Airflow's own status page."""
    told = yaml.safe_load(FILE.read_text(encoding="utf-8"))["x-airflow-environment"]
    return {key.removeprefix(_ADDRESS).lower(): url for key, url in told.items() if key.startswith(_ADDRESS)}


def up(state: State, told: Told) -> None:
    """Make what the stack takes from outside, build its images and start it; returns once every health check passes.

    Raises NoEngine before anything is written where there is no engine, and CalledProcessError where the engine fails.
    """
    client = _client()
    prepare(state, told)
    told("images and containers; the first time takes some minutes")
    _compose(client, state, "up", "--detach", "--build", "--remove-orphans", "--wait", "--wait-timeout", _PATIENCE_S)


def down(state: State) -> bool:
    """End the stack; its data stay. False where it was never started."""
    if not state.environment.exists():
        return False
    _compose(_client(), state, "down", "--remove-orphans")
    return True


def _client() -> str:
    found = shutil.which("docker")
    if found is None or subprocess.run([found, "compose", "version"], capture_output=True, check=False).returncode:
        raise NoEngine(
            "There is no `docker compose` on this machine. Install Docker Engine 25 with its compose plugin 2.24 or later; "
            "`make up` without PROFILE starts the same stack as plain processes."
        )
    return found


def _compose(client: str, state: State, *arguments: str) -> None:
    files = ("--file", str(FILE), "--env-file", str(state.environment))
    subprocess.run([client, "compose", *files, *arguments], check=True)
