"""Processes of the stack under supervisord: started, restarted when they die, logged, and ended as whole process groups."""

from __future__ import annotations

import hashlib
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from supervisor.xmlrpc import SupervisorTransport

from sandbox.stack.layout import MARK, REPOSITORY, Layout
from sandbox.stack.programs import Program

_START_S = 480.0
"""On a busy machine with two cores Airflow's api-server needed 213 s."""
_STOP_S = 30.0
_TAKEN = "address already in use"
_CODE = ("dags", "plugins", "sandbox", "serving")


class NotWell(RuntimeError):
    """A program did not come up; the sentence names it and its log."""


def control(layout: Layout) -> Any | None:
    """The supervisor's interface, or None when it does not run."""
    socket = _run_folder(layout) / "supervisor.sock"
    server = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=SupervisorTransport("", "", f"unix://{socket}"))
    try:
        server.supervisor.getState()
    except (OSError, xmlrpc.client.Error, ConnectionError):
        return None
    return server.supervisor


def start(layout: Layout, found: list[Program]) -> Any:
    """Start the supervisor with these programs, none of them running yet; or return the one that runs.

    All of them are servers, so whichever ends is started again, even one that ends without an error.
    """
    running = control(layout)
    if running is not None:
        return running
    folder = _run_folder(layout)
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "supervisord.conf"
    config.write_text(_configuration(layout, found))
    subprocess.run(
        [sys.executable, "-m", "supervisor.supervisord", "-c", str(config)],
        check=True,
        env=layout.environment(),
        cwd=REPOSITORY,
    )
    return _until(lambda: control(layout), 20, "The supervisor did not start.")


def outdated(layout: Layout) -> bool:
    """Whether code moved since the stack was started: its programs hold the old one, and their tasks would mix both."""
    since = (_run_folder(layout) / "supervisord.conf").stat().st_mtime
    return any(path.stat().st_mtime > since for room in _CODE for path in (REPOSITORY / room).rglob("*.py"))


def start_wave(layout: Layout, supervisor: Any, wave: Iterable[Program], told: Callable[[str], None]) -> None:
    """Start programs and wait until each is well. Raises NotWell, naming the program and the end of its log."""
    wave = list(wave)
    for program in wave:
        if supervisor.getProcessInfo(program.name)["statename"] not in ("RUNNING", "STARTING"):
            supervisor.startProcess(program.name, False)
    for program in wave:
        told(program.name)
        log = layout.home / "logs" / f"{program.name}.log"
        _until(partial(_well, supervisor, program), _START_S, f"{program.name} is not well.", log)


def states(layout: Layout) -> dict[str, str]:
    """State of each program, or nothing when the stack is down."""
    supervisor = control(layout)
    return {info["name"]: info["statename"] for info in supervisor.getAllProcessInfo()} if supervisor else {}


def stop(layout: Layout) -> int:
    """End everything the stack started, the supervisor last; returns how many processes had to be ended beside it."""
    supervisor = control(layout)
    if supervisor is not None:
        pid = int(supervisor.getPID())
        supervisor.shutdown()
        with suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):  # what is left is ended below
            psutil.Process(pid).wait(_STOP_S)
    left = list(marked(layout))
    for process in left:
        _signal(process, signal.SIGTERM)
    _, stubborn = psutil.wait_procs(left, timeout=5)
    for process in stubborn:
        _signal(process, signal.SIGKILL)
    psutil.wait_procs(stubborn, timeout=5)
    return len(left)


def marked(layout: Layout) -> Iterator[psutil.Process]:
    """Processes that carry this stack's mark in their environment, this one and its parents left out."""
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    for process in psutil.process_iter():
        try:
            if process.pid not in own and process.environ().get(MARK) == layout.mark:
                yield process
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


def _well(supervisor: Any, program: Program) -> bool | None:
    state = supervisor.getProcessInfo(program.name)["statename"]
    if state in ("FATAL", "EXITED", "BACKOFF"):
        raise NotWell(f"{program.name} ended while starting.")
    return (state == "RUNNING" and program.well()) or None


def _until(question: Callable[[], Any], seconds: float, sentence: str, log: Path | None = None) -> Any:
    """Ask until there is an answer. Raises NotWell with the end of the log."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        try:
            answer = question()
        except NotWell as error:
            raise NotWell(f"{error} {_tail(log)}") from None
        if answer is not None:
            return answer
        time.sleep(0.2)
    raise NotWell(f"{sentence} {_tail(log)}")


def _tail(log: Path | None) -> str:
    if log is None or not log.exists():
        return "Look at `make logs`."
    lines = log.read_text(errors="replace").splitlines()[-12:]
    taken = any(_TAKEN in line.lower() for line in lines)
    cure = "Another program took its port: `make down`, then `make demo` picks another. " if taken else ""
    return f"{cure}The end of {log}:\n" + "\n".join(lines)


def _run_folder(layout: Layout) -> Path:
    """Where the control socket is. A socket's path has at most 107 bytes, so a deep home gets a folder of its own under /tmp."""
    folder = layout.home / "run"
    if len(str(folder)) < 80:
        return folder
    return (
        Path(tempfile.gettempdir())
        / f"varai-{os.getuid()}-{hashlib.sha256(str(layout.home).encode()).hexdigest()[:12]}"
    )


def _configuration(layout: Layout, found: list[Program]) -> str:
    run, logs = _run_folder(layout), layout.home / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    parts = [
        f"""[unix_http_server]
file={_escaped(run / "supervisor.sock")}
chmod=0700
[supervisord]
logfile={_escaped(logs / "supervisord.log")}
pidfile={_escaped(run / "supervisord.pid")}
childlogdir={_escaped(logs)}
identifier=varai
umask=077
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""
    ]
    parts += [
        f"""[program:{program.name}]
command={_escaped(shlex.join(program.command))}
directory={_escaped(REPOSITORY)}
autostart=false
autorestart=true
startsecs=1
startretries=1
stopasgroup=true
killasgroup=true
stopwaitsecs=10
redirect_stderr=true
stdout_logfile={_escaped(logs / f"{program.name}.log")}
stdout_logfile_maxbytes=20MB
stdout_logfile_backups=1
environment={",".join(f'{name}="{_escaped(value)}"' for name, value in program.environment.items())}
"""
        for program in found
    ]
    return "\n".join(parts)


def _escaped(value: object) -> str:
    """Supervisord expands % in values."""
    return str(value).replace("%", "%%")
