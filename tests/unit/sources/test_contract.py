"""Connectors are found by their folders, and keep the contract."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY
from varai.canonical import ENTITIES, commerce
from varai.kernel import Misconfigured
from varai.sources import Connector, connector, connectors, stream_spec

_FOLDERS = tuple(sorted(path.parent.name for path in (REPOSITORY / "plugins/varai/sources").glob("*/__init__.py")))


def test_listing_connectors_imports_none() -> None:
    script = (
        "import sys, varai.sources as s;"
        "vendors = {f'varai.sources.{name}' for name in s.connectors()};"
        "print(s.connectors(), (vendors | {'httpx', 'urllib3'}) & {*sys.modules})"
    )
    path = f"{REPOSITORY}:{REPOSITORY / 'plugins'}"
    done = subprocess.run(
        [sys.executable, "-c", script], env={"PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == f"{_FOLDERS} set()"


def test_an_unknown_connector_is_misconfigured() -> None:
    with pytest.raises(Misconfigured, match=f"no connector 'etsy', known: {', '.join(_FOLDERS)}"):
        connector("etsy")


@pytest.mark.parametrize("name", connectors())
def test_a_connector_keeps_the_contract(name: str) -> None:
    found = connector(name)
    assert isinstance(found, Connector)
    assert found.name == name
    for spec in found.streams:
        assert spec.entities[0] == spec.primary
        assert set(spec.entities) <= ENTITIES.keys()
        personal = any(ENTITIES[entity].sealed for entity in spec.entities)
        # Where parts of a sale come apart from it, their rows may say more of a person than is kept of them.
        assert spec.sealed or not personal
        assert personal or not spec.sealed or not set(spec.entities) & commerce.ENTITIES.keys()
        assert spec.withheld is False or spec.subject_path is not None
        assert stream_spec(found, spec.name) is spec
