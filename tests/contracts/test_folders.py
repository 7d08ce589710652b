"""What each folder owes: a connector its simulator and tests, an error its runbook, a mart its words."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest
import yaml

from varai.kernel import errors

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCES = REPOSITORY / "plugins/varai/sources"
MARTS = REPOSITORY / "dbt/models/marts"
DAGS = REPOSITORY / "dags"
EXPECTATIONS = REPOSITORY / "expectations"
GRAIN = re.compile(r"\bOne row per [^.]+\.\s*$")
RUNBOOK_PARTS = ("## What it means", "## Where to look", "## What to do", "## Over when")

RULE_WORDS = {"id", "reason", "severity", "dimension", "weight", "about"}

ERRORS = [each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, errors.VaraiError)]
TYPED = [each for each in ERRORS if each is not errors.VaraiError]
VENDORS = sorted(path.parent.name for path in SOURCES.glob("*/__init__.py"))
MART_FILES = sorted(MARTS.glob("**/*.sql"))
DAG_FILES = sorted(DAGS.glob("*.py"))
SUITES = sorted(EXPECTATIONS.glob("*/*.yml"))


def relative(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


@pytest.mark.parametrize(
    ("folder", "found"),
    [
        (SOURCES, VENDORS),
        (MARTS, MART_FILES),
        (DAGS, DAG_FILES),
        (EXPECTATIONS, SUITES),
        (Path(errors.__file__), TYPED),
    ],
    ids=["sources", "marts", "dags", "expectations", "errors"],
)
def test_folders_are_not_empty(folder: Path, found: list[object]) -> None:
    """Otherwise everything below would pass on nothing."""
    assert found, f"{relative(folder)} holds nothing."


@pytest.mark.parametrize("error", TYPED, ids=lambda each: each.__name__)
def test_an_error_has_a_runbook(error: type[errors.VaraiError]) -> None:
    path = REPOSITORY / error("It happened.").runbook
    assert path.is_file(), f"Add {relative(path)}: {error.__name__} points to it."
    text = path.read_text()
    assert text.startswith(f"# {error.kind}: "), f"{relative(path)} begins with `# {error.kind}: ` and a sentence."
    missing = [part for part in RUNBOOK_PARTS if part not in text]
    assert not missing, f"{relative(path)} lacks {missing}."


@pytest.mark.parametrize("error", TYPED, ids=lambda each: each.__name__)
def test_an_error_speaks_and_has_a_kind_of_its_own(error: type[errors.VaraiError]) -> None:
    assert error.__doc__, f"{error.__name__} does not say what it stands for."
    assert [each.kind for each in TYPED].count(error.kind) == 1, f"{error.__name__} shares its kind '{error.kind}'."
    assert error.default_cure != errors.VaraiError.default_cure, f"{error.__name__} has no cure of its own."


def test_a_runbook_has_an_error() -> None:
    orphans = {path.stem for path in (REPOSITORY / "docs/runbooks").glob("*.md")} - {each.kind for each in TYPED}
    assert not orphans, f"No error points to docs/runbooks/{sorted(orphans)}."


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_connector_is_whole(vendor: str) -> None:
    package = SOURCES / vendor / "__init__.py"
    names = {name for node in ast.parse(package.read_text()).body for name in names_bound(node)}
    assert "CONNECTOR" in names, f"{relative(package)} exposes no CONNECTOR."
    # Files are dropped into a folder: their vendor is no server, and what writes them stands in for it.
    simulator = REPOSITORY / (
        "sandbox/world/files.py" if vendor == "files" else f"sandbox/vendors/{vendor}/__init__.py"
    )
    assert simulator.is_file(), f"Add {relative(simulator)}: a connector has a simulator."
    tests = REPOSITORY / "tests/unit/sources"
    found = [*tests.glob(f"{vendor}/**/test_*.py"), *tests.glob(f"test_{vendor}*.py")]
    assert found, f"Add {relative(tests)}/{vendor}/test_*.py: a connector has tests."


def names_bound(node: ast.stmt) -> list[str]:
    match node:
        case ast.Assign(targets=targets):
            return [each.id for each in targets if isinstance(each, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
        case ast.ImportFrom(names=names):
            return [each.asname or each.name for each in names]
    return []


@pytest.mark.parametrize("path", MART_FILES, ids=lambda path: path.stem)
def test_a_mart_says_its_grain_and_its_columns(path: Path) -> None:
    words = path.with_suffix(".yml")
    assert words.is_file(), f"Add {relative(words)}: a mart is described beside its SQL."
    models = {model["name"]: model for model in yaml.safe_load(words.read_text()).get("models", [])}
    assert path.stem in models, f"{relative(words)} does not describe {path.stem}."
    model = models[path.stem]
    assert GRAIN.search(model.get("description", "")), (
        f"{relative(words)}: the description ends with its grain, 'One row per ...'."
    )
    columns = model.get("columns", [])
    assert columns, f"{relative(words)} describes no column."
    silent = [column["name"] for column in columns if not column.get("description", "").strip()]
    assert not silent, f"{relative(words)}: describe {silent}."


def test_a_mart_s_words_have_a_mart() -> None:
    orphans = [relative(path) for path in MARTS.glob("**/*.yml") if not path.with_suffix(".sql").is_file()]
    assert not orphans, f"These describe no mart: {orphans}"


@pytest.mark.parametrize("path", DAG_FILES, ids=lambda path: path.stem)
def test_a_dag_file_can_be_found_and_read_alone(path: Path) -> None:
    text = path.read_text()
    assert "dag" in text.lower(), f"{relative(path)}: Airflow skips a file without the words dag and airflow."
    assert "airflow" in text.lower(), f"{relative(path)}: Airflow skips a file without the words dag and airflow."
    modules = [module for node in ast.walk(ast.parse(text)) for module in modules_imported(node)]
    siblings = {each.stem for each in DAG_FILES} | {"dags"}
    assert not siblings & {module.split(".")[0] for module in modules}, f"{relative(path)} imports another DAG file."
    beside_sdk = [module for module in modules if module.startswith("airflow") and not module.startswith("airflow.sdk")]
    assert not beside_sdk, f"{relative(path)}: import from airflow.sdk only, not {beside_sdk}."


def modules_imported(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [each.name for each in names]
        case ast.ImportFrom(module=str() as module):
            return [module]
    return []


def test_airflow_does_not_execute_the_library() -> None:
    lines = (REPOSITORY / "plugins/.airflowignore").read_text().split()
    assert "varai/" in lines, "plugins/.airflowignore holds `varai/`, or Airflow executes the library file by file."


def test_dbt_is_no_package() -> None:
    assert not list((REPOSITORY / "dbt").glob("**/__init__.py")), "dbt/ with an __init__.py would hide dbt itself."


@pytest.mark.parametrize("path", SUITES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_suite_speaks_the_vocabulary(path: Path) -> None:
    rules = yaml.safe_load(path.read_text())["rules"]
    assert rules, f"{relative(path)} holds no rule."
    for rule in rules:
        assert rule["expect"].startswith("expect_"), (
            f"{relative(path)}: {rule['expect']} is no word of Great Expectations."
        )
        missing = RULE_WORDS - rule["meta"].keys()
        assert not missing, f"{relative(path)}: rule {rule['meta'].get('id', rule['expect'])} lacks {sorted(missing)}."
    ids = [rule["meta"]["id"] for rule in rules]
    assert len(ids) == len(set(ids)), f"{relative(path)}: two rules share an id."


def test_a_simulator_does_not_stand_alone() -> None:
    simulated = {path.parent.name for path in (REPOSITORY / "sandbox/vendors").glob("*/__init__.py")}
    assert simulated <= set(VENDORS), f"No connector speaks to {sorted(simulated - set(VENDORS))}."
