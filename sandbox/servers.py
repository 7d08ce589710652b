"""Real servers on free ports of this machine for as long as a block lasts: what tests and `prove` run beside themselves."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from sandbox.vendors.tls import AUTHORITY

_REPOSITORY = Path(__file__).resolve().parents[1]
_PR_SET_PDEATHSIG = 1
_START_SECONDS = 240.0


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running(command: Sequence[str], folder: Path, answering: Callable[[], bool]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server in a process group of its own until the block ends; yields once `answering()` is true.

    The group gets TERM, then KILL after five seconds. If this process itself is killed, the kernel sends the server TERM.
    """
    log = folder / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            command,
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - one call of prctl, which takes no lock
        )
    try:
        _await(server, answering, log)
        yield server
    finally:
        _end_group(server)


@contextmanager
def documents(folder: Path) -> Iterator[str]:
    """A MongoDB-compatible server that keeps its data in a folder; yields its connection string."""
    port = free_port()
    command = [str(Path(sys.executable).with_name("secantusd-py")), "--host", "127.0.0.1", "--port", str(port)]
    command += ["--storage-path", str(folder / "data"), "--cache-size", "256M", "--log-level", "WARNING"]
    uri = f"mongodb://127.0.0.1:{port}/?directConnection=true"
    with running(command, folder, lambda: _mongodb_answers(uri)):
        yield uri


@contextmanager
def simulated(vendor: str, folder: Path, shops: Path | None = None, tls: Path | None = None) -> Iterator[str]:
    """Run a simulated vendor over the shops in `shops`, or in `folder` itself, until the block ends; yields its address.

    With `tls` it speaks TLS; what clients have to trust lies in that folder, see `sandbox.vendors.tls`.
    """
    port = free_port()
    url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    command = ["env", f"PYTHONPATH={_REPOSITORY}", sys.executable, "-m", f"sandbox.vendors.{vendor}"]
    command += ["--shops", str(shops or folder), "--port", str(port), *(["--tls", str(tls)] if tls else [])]
    with running(command, folder, lambda: answers(f"{url}/healthz", tls and tls / AUTHORITY)):
        yield url


@contextmanager
def hook_surface(
    region: str, environment: Mapping[str, str], folder: Path
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Serve the hook surface of a region whose settings come from `environment` until the block ends; yields its address and process."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    given = {**environment, "PYTHONPATH": os.pathsep.join([str(_REPOSITORY), str(_REPOSITORY / "plugins")])}
    command = ["env", *(f"{name}={value}" for name, value in given.items()), sys.executable, "-m", "serving"]
    command += ["--region", region, "--surfaces", "hook", "--port", str(port)]
    with running(command, folder, lambda: answers(f"{url}/health/live")) as process:
        yield url, process


def answers(url: str, authority: Path | None = None) -> bool:
    """Whether a GET of an address succeeds now; over TLS by a certificate of the authority in that file, which may not be there yet."""
    try:
        trusted = ssl.create_default_context(cafile=authority) if authority else True
        return httpx.get(url, timeout=1, trust_env=False, verify=trusted).is_success
    except (httpx.HTTPError, OSError):
        return False


def _await(server: subprocess.Popen[bytes], answering: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not answering():
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{server.args!r} did not start:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)


def _end_group(server: subprocess.Popen[bytes]) -> None:
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, sign)
        except ProcessLookupError:
            break
        try:
            server.wait(timeout=5)
        except subprocess.TimeoutExpired:
            continue


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _mongodb_answers(uri: str) -> bool:
    from pymongo import MongoClient
    from pymongo.errors import PyMongoError

    try:
        with MongoClient[dict[str, object]](uri, serverSelectionTimeoutMS=500) as client:
            return bool(client.admin.command("ping").get("ok"))
    except PyMongoError:
        return False
