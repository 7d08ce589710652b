"""What the compose stack takes from outside is made once, kept, readable by one user, and apart per region."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sandbox.compose import engine
from sandbox.compose.state import UNPRIVILEGED, State, prepare


def silent(_: str) -> None:
    """Tells nothing."""


@pytest.fixture
def state(tmp_path: Path) -> State:
    found = State(tmp_path / "compose")
    prepare(found, silent, shops=False)
    return found


def files(state: State) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in state.root.rglob("*") if path.is_file()}


def test_a_second_time_changes_nothing(state: State) -> None:
    before = files(state)
    prepare(state, silent, shops=False)
    assert files(state) == before


def test_what_is_lost_alone_is_made_again(state: State) -> None:
    lost = state.root / "secrets" / "airflow-jwt"
    kept = {path: data for path, data in files(state).items() if path != lost}
    lost.unlink()
    prepare(state, silent, shops=False)
    assert {path: data for path, data in files(state).items() if path != lost} == kept
    assert lost.exists()


def test_secrets_have_one_reader(state: State) -> None:
    owner = os.getuid() or UNPRIVILEGED[0]
    found = [path for folder in ("secrets", "rings") for path in (state.root / folder).rglob("*") if path.is_file()]
    assert found
    for path in found:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name
        assert path.stat().st_uid == owner, path.name
    assert stat.S_IMODE(state.root.stat().st_mode) == 0o700
    assert f"STUDIO_USER={owner}:" in state.environment.read_text()


def test_nothing_is_left_to_root_and_what_servers_made_is_theirs(state: State) -> None:
    """Runs as root where the tests do; as anybody else there is nobody to give anything to."""
    theirs = state.root / "data" / "airflow-db" / "PG_VERSION"
    theirs.write_text("17")
    prepare(state, silent, shops=False)
    mine = theirs.stat().st_uid
    assert mine == os.getuid()
    owner = os.getuid() or UNPRIVILEGED[0]
    assert {path.stat().st_uid for path in [state.root, *state.root.rglob("*")] if path != theirs} == {owner}


def test_no_secret_is_shared_or_in_the_environment(state: State) -> None:
    """A password stands in the file of its server and in the address that names it, and nowhere else."""
    passwords = {path.name: path.read_text() for path in (state.root / "secrets").iterdir() if "password" in path.name}
    assert len(set(passwords.values())) == len(passwords)
    environment = state.environment.read_text()
    assert not [name for name, value in passwords.items() if value in environment]
    regions = list(state.settings.regions)
    for region in regions:
        others = [
            path.read_text()
            for other in regions
            if other != region
            for path in (state.root / "rings" / other).iterdir()
        ]
        for name in ("documents-uri", "cache-url"):
            password = urlsplit(state.ring(region).read(name)).password
            assert password and len(password) >= 32
            assert not [text for text in others if password in text]


def test_addresses_hold_the_passwords_of_their_servers(state: State) -> None:
    read = state.servers.read
    assert urlsplit(read("airflow-db-url")).password == read("airflow-db-password")
    for region in state.settings.regions:
        ring = state.ring(region)
        assert urlsplit(ring.read("documents-uri")).password == read(f"documents-app-{region}")
        assert f"requirepass {urlsplit(ring.read('cache-url')).password}\n" in read(f"cache-conf-{region}")
        assert read(f"registry-db-pass-{region}").split(":")[-1] == read(f"registry-db-password-{region}")


def test_without_an_engine_nothing_is_written_and_a_sentence_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    state = State(tmp_path / "compose")
    with pytest.raises(engine.NoEngine, match="docker compose"):
        engine.up(state, silent)
    assert not state.root.exists()
    assert not engine.down(state)


def test_the_engine_is_given_the_file_the_variables_and_the_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "told"
    client = tmp_path / "docker"
    client.write_text(f'#!/bin/sh\necho "$@" >> {told}\n')
    client.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(engine, "prepare", lambda state, told: prepare(state, told, shops=False))
    state = State(tmp_path / "compose")
    engine.up(state, silent)
    assert engine.down(state)
    up, down = [line for line in told.read_text().splitlines() if "--file" in line]
    assert f"--env-file {state.environment}" in up and "--wait" in up.split() and up.split().count("up") == 1
    assert "down" in down.split() and "--volumes" not in down
