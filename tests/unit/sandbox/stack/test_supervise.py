"""Servers of the stack are started again when they end, and one that cannot have its port says so."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.stack.layout import Layout
from sandbox.stack.programs import Program
from sandbox.stack.supervise import NotWell, outdated, start, start_wave, stop
from tests.conftest import REPOSITORY


@pytest.fixture
def layout() -> Iterator[Layout]:
    with tempfile.TemporaryDirectory(prefix="varai-") as folder:  # a socket's path must be short
        layout = Layout(Path(folder).resolve() / "home", REPOSITORY / "config")
        yield layout
        stop(layout)


def program(script: str, well: Path) -> Program:
    path = well.with_name("server.py")
    path.parent.mkdir(exist_ok=True)
    path.write_text(script)
    return Program("server", (sys.executable, str(path), str(well)), 0, well.exists)


def test_a_server_that_ends_without_an_error_is_started_again(layout: Layout) -> None:
    first, second = layout.home / "first", layout.home / "second"
    script = (
        "import pathlib, sys, time; second = pathlib.Path(sys.argv[1]); first = second.with_name('first')\n"
        "if first.exists(): second.touch(); time.sleep(600)\n"
        "first.touch(); time.sleep(1.5)"
    )
    server = program(script, second)
    supervisor = start(layout, [server])
    supervisor.startProcess("server", False)
    ends = time.monotonic() + 60
    while not second.exists() and time.monotonic() < ends:
        time.sleep(0.1)
    assert first.exists()
    assert second.exists()


def test_a_port_that_another_program_has_is_named_as_the_cause(layout: Layout) -> None:
    script = "import sys; sys.exit('[Errno 98] error while attempting to bind: Address already in use')"
    server = program(script, layout.home / "never")
    with pytest.raises(NotWell, match="Another program took its port: `make down`, then `make demo` picks another"):
        start_wave(layout, start(layout, [server]), [server], lambda _: None)


def test_code_that_moved_after_the_start_makes_the_stack_outdated(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms = layout.home.parent / "repository"
    module = rooms / "plugins" / "river.py"
    module.parent.mkdir(parents=True)
    module.write_text("x = 1\n")
    os.utime(module, (1, 1))
    monkeypatch.setattr("sandbox.stack.supervise.REPOSITORY", rooms)
    start(layout, [])
    assert not outdated(layout)
    module.write_text("x = 2\n")
    os.utime(module, (ahead := time.time() + 60, ahead))
    assert outdated(layout)
