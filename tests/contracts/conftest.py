"""What the house lints read: the files of the project, as git would see them, and the syntax trees of its Python."""

from __future__ import annotations

import ast
import os
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
NOT_OURS = {".git", ".venv", "var", "node_modules", "__pycache__"}


def _listed_by_git() -> list[Path]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True).stdout.split(b"\0")
    return [REPOSITORY / os.fsdecode(name) for name in names if name]


def _walked() -> list[Path]:
    paths = REPOSITORY.rglob("*")
    return [path for path in paths if path.is_file() and not NOT_OURS & set(path.relative_to(REPOSITORY).parts)]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def project_files() -> dict[str, Path]:
    """Every file of the project by its name relative to the root; ignored files are left out."""
    paths = _listed_by_git() if (REPOSITORY / ".git").exists() else _walked()
    files = {path.relative_to(REPOSITORY).as_posix(): path for path in sorted(paths) if path.is_file()}
    assert files, "The project has no files: the lints would pass on nothing."
    return files


@pytest.fixture(scope="session")
def project_texts(project_files: dict[str, Path]) -> dict[str, str]:
    """The text of every file that is text."""
    texts = {}
    for name, path in project_files.items():
        try:
            texts[name] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    return texts


@pytest.fixture(scope="session")
def library_trees(project_texts: dict[str, str]) -> dict[str, ast.Module]:
    """Syntax trees of everything that runs outside tests."""
    rooms = ("plugins/varai/", "serving/", "dags/", "sandbox/", "ml_pipelines/", "bench/")
    trees = {
        name: ast.parse(text) for name, text in project_texts.items() if name.startswith(rooms) and name.endswith(".py")
    }
    assert trees
    return trees
