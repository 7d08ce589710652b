"""Names, sizes and marks: what a reader of the tree may rely on."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

import pytest

VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "base", "misc"}
LARGEST = {".py": 400, ".sql": 400}
LARGEST_DAG = 120
LARGEST_README = 150
# Written so that this file does not hold what it looks for.
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|HA" + r"CK)\b")
SILENCED = re.compile(r"#\s*(type:\s*ignore|noqa)(?P<rest>[^\n]*)")
WITH_CODE_AND_REASON = re.compile(r"^(\[[a-z-]+(, ?[a-z-]+)*\]|: ?[A-Z]+[0-9]+(, ?[A-Z]+[0-9]+)*)\s+(#|-|\().{8,}")
INDEX = re.compile(
    r"(pypi\.org/" + r"simple|files\.python" + r"hosted\.org|--(extra-)?index-" + r"url[ =]|^\s*-i\s+http)", re.M
)
SOMEBODYS_FOLDER = re.compile(r"(?<![\w.$}/])/(home|Users|root)/" + r"[\w.-]+/")


def vague_parts(name: str) -> list[str]:
    """Parts of a path that say nothing about what lies in them."""
    return [part for part in PurePosixPath(name).parts if PurePosixPath(part).stem.lower() in VAGUE]


def bare_silences(text: str) -> list[str]:
    """Comments that silence a check without naming which, or without saying why."""
    return [match[0] for match in SILENCED.finditer(text) if not WITH_CODE_AND_REASON.match(match["rest"])]


def test_no_name_is_vague(project_files: dict[str, Path]) -> None:
    found = {name: vague_parts(name) for name in project_files if vague_parts(name)}
    assert not found, f"Name these after what they hold: {found}"


def test_files_are_short(project_texts: dict[str, str]) -> None:
    lengths = {name: text.count("\n") for name, text in project_texts.items()}
    limits = {name: LARGEST_DAG if name.startswith("dags/") else LARGEST.get(Path(name).suffix) for name in lengths}
    long = [
        f"{name}: {lengths[name]} lines, at most {limit}"
        for name, limit in limits.items()
        if limit and lengths[name] > limit
    ]
    assert not long, f"Split by purpose: {long}"


def test_the_readme_fits_on_two_screens(project_texts: dict[str, str]) -> None:
    assert project_texts["README.md"].count("\n") <= LARGEST_README


def test_nothing_is_left_unfinished(project_texts: dict[str, str]) -> None:
    marks = [f"{name}: {match[0]}" for name, text in project_texts.items() for match in UNFINISHED.finditer(text)]
    assert not marks, f"Finish it, or open an issue: {marks}"


def test_silenced_checks_name_code_and_reason(project_texts: dict[str, str]) -> None:
    python = {name: text for name, text in project_texts.items() if name.endswith(".py")}
    bare = [f"{name}: {silence}" for name, text in python.items() for silence in bare_silences(text)]
    assert not bare, f"Say which check is silenced, and why (`# noqa: S310 - reason`): {bare}"


def test_no_file_names_this_machine_or_a_package_index(project_texts: dict[str, str], repository: Path) -> None:
    beside = f"{repository.parent}/" if len(repository.parent.parts) > 1 else f"{repository}/"
    found = [name for name, text in project_texts.items() if beside in text]
    found += [f"{name}: {m[0]}" for name, text in project_texts.items() for m in SOMEBODYS_FOLDER.finditer(text)]
    found += [f"{name}: {m[0].strip()}" for name, text in project_texts.items() for m in INDEX.finditer(text)]
    assert not found, f"Take these out: {found}"


@pytest.mark.parametrize(
    ("comment", "bare"),
    [
        ("x = 1  # no" + "qa", True),
        ("x = 1  # no" + "qa: S310", True),
        ("x = 1  # no" + "qa: S310 - scheme is checked above", False),
        ("x = 1  # no" + "qa: S310, BLE001 - scheme is checked above", False),
        ("x = 1  # type: " + "ignore", True),
        ("x = 1  # type: " + "ignore[arg-type]", True),
        ("x = 1  # type: " + "ignore[arg-type]  # the stub is wrong about None", False),
    ],
)
def test_the_lint_of_silences(comment: str, *, bare: bool) -> None:
    assert bool(bare_silences(comment)) is bare


@pytest.mark.parametrize(
    ("name", "vague"),
    [("plugins/varai/stores/utils.py", 1), ("common/x.py", 1), ("dbt/base.sql", 1), ("a/database.py", 0)],
)
def test_the_lint_of_names(name: str, vague: int) -> None:
    assert len(vague_parts(name)) == vague
