"""Stacks that start at once take different ports, though nobody listens on them yet."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from sandbox.stack import ports
from tests.conftest import REPOSITORY

NAMES = [f"server-{number}" for number in range(8)]


@pytest.fixture(autouse=True)
def shared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder in which the stacks of a user see each other, empty."""
    folder = tmp_path / "shared"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_stacks_that_choose_at_the_same_moment_share_no_port(tmp_path: Path, shared: Path) -> None:
    script = (
        "import pathlib, sys; from sandbox.stack.ports import choose; choose(pathlib.Path(sys.argv[1]), sys.argv[2:])"
    )
    environment = {"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'plugins'}", "TMPDIR": str(shared)}
    homes = [tmp_path / f"home-{number}" for number in range(4)]
    started = [
        subprocess.Popen([sys.executable, "-c", script, str(home), *NAMES], env=environment, cwd=REPOSITORY)
        for home in homes
    ]
    assert [one.wait(60) for one in started] == [0] * len(homes)
    chosen = [port for home in homes for port in ports.known(home, NAMES).values()]
    assert len(chosen) == len(set(chosen)) == len(homes) * len(NAMES)


def test_a_stack_keeps_what_it_chose_before(tmp_path: Path) -> None:
    first = ports.choose(tmp_path / "one", NAMES)
    assert ports.choose(tmp_path / "one", NAMES) == first


def test_a_port_that_somebody_listens_on_is_left_alone(tmp_path: Path) -> None:
    taken = next(iter(ports.choose(tmp_path / "one", NAMES[:1]).values()))
    with socket.create_server(("127.0.0.1", taken)):
        assert taken not in ports.choose(tmp_path / "one", NAMES).values()


def test_a_choice_that_never_came_up_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, now = ports.choose(tmp_path / "one", NAMES), ports.time.time()
    monkeypatch.setattr(ports.time, "time", lambda: now + 3600)
    assert ports.choose(tmp_path / "two", NAMES) == first


@pytest.mark.parametrize("text", ["{", "[1]", '{"18080": 1}', '{"x": ["home", 1]}'])
def test_a_damaged_file_of_claims_stops_nobody(tmp_path: Path, shared: Path, text: str) -> None:
    ports.choose(tmp_path / "one", NAMES)
    (file,) = shared.iterdir()
    file.write_text(text)
    assert len(ports.choose(tmp_path / "two", NAMES)) == len(NAMES)
