"""docs/reference/ is what the code says today."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    from varai.cli import reference as module

    return module


def test_the_reference_has_not_drifted(repository: Path, reference: ModuleType) -> None:
    folder = repository / "docs/reference"
    made = reference.pages(reference.command_line())
    assert made
    assert {path.name for path in folder.glob("*.md")} == made.keys(), "Run `make docs`."
    drifted = [name for name, text in made.items() if (folder / name).read_text() != text]
    assert not drifted, f"Run `make docs`: {drifted} no longer say what the code says."


def test_pages_are_the_same_on_every_machine(repository: Path, reference: ModuleType) -> None:
    for name, text in reference.pages(reference.command_line()).items():
        assert str(repository) not in text, f"docs/reference/{name} would hold a path of this machine."


def test_stale_pages_go(tmp_path: Path, reference: ModuleType) -> None:
    (tmp_path / "stale.md").write_text("old")
    reference.write(tmp_path, {"fresh.md": "new\n"})
    assert [path.name for path in tmp_path.iterdir()] == ["fresh.md"]
