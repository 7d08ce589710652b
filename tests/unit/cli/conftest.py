"""The command line over a real document server and an empty home, run in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from varai import registry
from varai.cli import app
from varai.settings import Settings, load

Run = Callable[..., Result]


@pytest.fixture
def settings(home: Path, mongodb_uri: str, mongodb: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Two seeded regions, as the command reads them from the environment."""
    for region in ("EU", "US"):
        monkeypatch.setenv(f"VARAI_STORES__{region}__DOCUMENTS_URI", mongodb_uri)
    monkeypatch.setenv("VARAI_DATABASE", mongodb)
    monkeypatch.setenv("COLUMNS", "400")
    found = load()
    for region in found.regions:
        registry.seed(found.scope(region), found.seeds)
    return found


@pytest.fixture
def varai(home: Path) -> Run:
    """Run `varai` with these arguments."""
    return lambda *arguments, **more: CliRunner().invoke(app, list(arguments), **more)
