"""Pages and locks say what is true: links lead somewhere, decisions are whole, pins agree, the lock is current."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
PAGES = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md")])
DECISIONS = sorted(REPOSITORY.glob("docs/decisions/*.md"))
DECISION_PARTS = ["Context", "Decision", "Consequences", "Alternatives", "Enforced by"]
LONGEST_DECISION = 40
LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#]+)(?:#[^)]*)?\)")
NAMED_TEST = re.compile(r"`(tests/[\w/.]+)`")
PINNED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(\[[^\]]*\])?==(?P<version>\S+)((?: *;.*)?) \\$", re.M)
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
SPREAD = {"airflow", "google", "dbt"}  # namespaces that several distributions of one direct dependency fill
DEPENDENCIES = {
    "dependencies": PROJECT["dependencies"],
    **PROJECT["optional-dependencies"],
}


def relative(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


def locked(name: str) -> dict[str, str]:
    """Versions by canonical name of a lock file."""
    text = (REPOSITORY / "requirements" / name).read_text()
    return {canonicalize_name(match["name"]): match["version"] for match in PINNED.finditer(text)}


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_links_lead_somewhere(page: Path) -> None:
    broken = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    assert not broken, f"{relative(page)} links to what is not there: {broken}"


def test_decisions_are_numbered_without_gaps() -> None:
    assert [path.name[:5] for path in DECISIONS] == [f"{number:04d}-" for number in range(1, len(DECISIONS) + 1)]


@pytest.mark.parametrize("page", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_has_its_parts_on_one_screen(page: Path) -> None:
    text = page.read_text()
    assert re.findall(r"^## (.+)$", text, re.M) == DECISION_PARTS
    assert text.startswith(f"# {page.name[:4]}. ")
    assert text.count("\n") <= LONGEST_DECISION


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_tests_named_on_a_page_exist(page: Path) -> None:
    missing = [name for name in NAMED_TEST.findall(page.read_text()) if not (REPOSITORY / name).exists()]
    assert not missing, f"{relative(page)} names tests that are not there: {missing}"


@pytest.mark.parametrize(("extra", "wanted"), DEPENDENCIES.items(), ids=list(DEPENDENCIES))
def test_the_lock_holds_every_direct_dependency_above_its_floor(extra: str, wanted: list[str]) -> None:
    lock = locked("all.txt")
    for requirement in map(Requirement, wanted):
        assert requirement.specifier, f"{extra}: give {requirement.name} a floor in pyproject.toml."
        version = lock.get(canonicalize_name(requirement.name))
        assert version, f"{extra}: {requirement.name} is not in requirements/all.txt; run `make lock`."
        assert requirement.specifier.contains(version, prereleases=True), (
            f"{extra}: {requirement} is locked at {version}."
        )


@pytest.mark.parametrize("name", ["all.txt", "serving.txt"])
def test_every_line_of_a_lock_is_pinned_and_hashed(name: str) -> None:
    text = (REPOSITORY / "requirements" / name).read_text()
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.M)[1:]
    assert entries
    loose = [entry.split("\n")[0] for entry in entries if not PINNED.match(entry) or not HASH.search(entry)]
    assert not loose, f"requirements/{name}: without pin or hash: {loose}"


def test_the_lock_of_serving_is_a_slim_part_of_the_whole() -> None:
    whole, slim = locked("all.txt"), locked("serving.txt")
    assert slim.items() <= whole.items(), "requirements/serving.txt differs from all.txt; run `make lock`."
    unwanted = {"apache-airflow", "apache-airflow-core", "secantusdb", "dbt-core", "great-expectations", "kfp", "dlt"}
    assert not unwanted & slim.keys(), f"The serving image would hold {sorted(unwanted & slim.keys())}."


def test_what_is_imported_is_a_direct_dependency(library_trees: dict[str, ast.Module]) -> None:
    """A library that comes along with another one may be gone with its next release."""
    declared = {canonicalize_name(Requirement(each).name) for wanted in DEPENDENCIES.values() for each in wanted}
    providers = packages_distributions()
    ours = {"varai", "serving", "sandbox", "dags", "bench", "ml_pipelines", "tests"}
    missing = {
        f"{name}: {module}"
        for name, tree in library_trees.items()
        for module in {each.split(".")[0] for node in ast.walk(tree) for each in imported(node)}
        if module not in sys.stdlib_module_names | ours | SPREAD
        and not {canonicalize_name(each) for each in providers.get(module, [])} & declared
    }
    assert not missing, f"Add these to pyproject.toml, then `make lock`: {sorted(missing)}"


def imported(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [each.name for each in names]
        case ast.ImportFrom(module=str() as module, level=0):
            return [module]
    return []


def test_copyleft_tools_stay_in_extras_of_a_laptop() -> None:
    extras = {
        name: [canonicalize_name(Requirement(each).name) for each in wanted] for name, wanted in DEPENDENCIES.items()
    }
    assert [name for name, wanted in extras.items() if "secantusdb" in wanted] == ["sandbox"]
    assert [name for name, wanted in extras.items() if "dlt" in wanted] == ["bench"]


def test_duckdb_has_one_version_on_page_in_project_and_lock() -> None:
    page = (REPOSITORY / "docs/decisions/0005-duckdb-pin.md").read_text()
    pin = next(each for each in PROJECT["dependencies"] if each.startswith("duckdb"))
    assert f"`{pin}`" in page
    assert pin == f"duckdb=={locked('all.txt')['duckdb']}"


def test_every_target_of_make_says_what_it_does() -> None:
    text = (REPOSITORY / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):(?!=)", text, re.M))
    described = set(re.findall(r"^([a-z]+):[^=].*## \S", text, re.M))
    assert targets
    assert targets == described, f"Describe {sorted(targets - described)} with `## ...`."
    phony = {name for line in re.findall(r"^\.PHONY: (.+)$", text, re.M) for name in line.split()}
    assert phony == targets, f"Declare {sorted(phony ^ targets)} in .PHONY."


def test_continuous_integration_is_make_test() -> None:
    assert (REPOSITORY / ".ci/run").read_text().rstrip().endswith("exec make test")
