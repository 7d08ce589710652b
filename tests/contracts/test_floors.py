"""The floors hold, and each contract that says so fails when it is breached."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = {
    "varai": "plugins/varai",
    "serving": "serving",
    "ml_pipelines": "ml_pipelines",
    "sandbox": "sandbox",
    "dags": "dags",
}
CONTRACTS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]

# Breaches per contract: files they are planted in (made where absent), each with the line that breaches.
BREACHES: dict[str, list[dict[str, str]]] = {
    "floors": [
        {"plugins/varai/kernel/breach.py": "import varai.settings"},
        {"plugins/varai/registry/breach.py": "import varai.gate"},
        {"plugins/varai/catalogue/breach.py": "import varai.warehouse"},
        {"plugins/varai/river/breach.py": "def lazily() -> None:\n    import varai.cli"},
        {"plugins/varai/learning/breach.py": "import varai", "plugins/varai/river/breach.py": "import varai.learning"},
        {"serving/breach.py": "import sandbox"},
        {"sandbox/breach.py": "import dags"},
        {"plugins/varai/learning/breach.py": "import ml_pipelines"},
    ],
    "airflow": [
        {"plugins/varai/river/breach.py": "from airflow.sdk import task"},
        {"sandbox/breach.py": "import airflow"},
    ],
    "great-expectations": [{"plugins/varai/gate/breach.py": "def lazily() -> None:\n    import great_expectations"}],
    "dbt": [{"plugins/varai/marts/breach.py": "from dbt.cli.main import dbtRunner"}],
    "kfp": [{"plugins/varai/learning/breach.py": "from kfp import dsl"}, {"dags/breach.py": "import kfp"}],
    "mlflow": [{"plugins/varai/learning/breach.py": "def lazily() -> None:\n    import mlflow"}],
    "answering": [
        {"serving/breach.py": "import varai.learning.train"},
        {"serving/breach.py": "import varai.learning.spec", "plugins/varai/learning/spec.py": "import scipy.sparse"},
    ],
    "serving": [
        {"serving/breach.py": "def lazily() -> None:\n    from varai.gate import document"},
        {"serving/breach.py": "import varai.marts", "plugins/varai/marts/__init__.py": "import varai.warehouse"},
    ],
    "learning": [{"plugins/varai/learning/breach.py": "import varai.warehouse"}],
    "gate": [
        {"plugins/varai/gate/__init__.py": "from varai.gate import document"},
        {
            "plugins/varai/gate/__init__.py": "import varai.gate.breach",
            "plugins/varai/gate/breach.py": "import varai.gate.document",
        },
    ],
    "simulators": [{"sandbox/vendors/breach.py": "import varai.kernel"}],
    "vendors": [{"plugins/varai/sources/lens_shop/__init__.py": "import varai.sources.shopify"}],
}


def lint_imports(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run import-linter on a tree, whatever is installed elsewhere."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache", *arguments],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tree), str(tree / "plugins")]), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def copy_sources(tree: Path) -> Path:
    """Copy what import-linter reads: the Python files of the packages and pyproject.toml."""
    shutil.copy(REPOSITORY / "pyproject.toml", tree)
    for folder in PACKAGES.values():
        for source in (REPOSITORY / folder).rglob("*.py"):
            target = tree / source.relative_to(REPOSITORY)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    return tree


def plant(tree: Path, file: str, line: str) -> None:
    path = tree / file
    for folder in [path.parent, *path.parent.parents]:
        if folder in (tree, tree / "plugins", tree / "dags"):
            break
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "__init__.py").touch()
    before = path.read_text() if path.exists() else ""
    path.write_text(f"{before}\n{line}\n")


def test_the_tree_keeps_every_contract() -> None:
    report = lint_imports(REPOSITORY)
    assert report.returncode == 0, report.stdout + report.stderr
    assert f"{len(CONTRACTS)} kept, 0 broken" in report.stdout


def test_every_contract_has_a_breach() -> None:
    assert {contract["id"] for contract in CONTRACTS} == set(BREACHES)


@pytest.mark.parametrize(
    ("contract", "breach"),
    [
        pytest.param(name, breach, id=f"{name}-{i}")
        for name, breaches in BREACHES.items()
        for i, breach in enumerate(breaches)
    ],
)
def test_a_planted_breach_breaks_its_contract(tmp_path: Path, contract: str, breach: dict[str, str]) -> None:
    tree = copy_sources(tmp_path)
    for file, line in breach.items():
        plant(tree, file, line)
    report = lint_imports(tree, "--contract", contract)
    title = next(each["name"] for each in CONTRACTS if each["id"] == contract)
    assert report.returncode == 1, report.stdout + report.stderr
    assert f"{title} BROKEN" in report.stdout, report.stdout + report.stderr


def test_every_room_has_a_floor() -> None:
    """A room that no layer names would be free of all floors."""
    floors = {name.strip(" ()") for layer in CONTRACTS[0]["layers"] for name in layer.split("|")}
    rooms = {f"varai.{path.stem}" for path in (REPOSITORY / "plugins/varai").iterdir() if room(path)}
    assert rooms, "plugins/varai holds no room."
    assert rooms <= floors, f"Give {sorted(rooms - floors)} a floor in [tool.importlinter] of pyproject.toml."


def room(path: Path) -> bool:
    if path.is_dir():
        return any(path.glob("*.py"))
    return path.suffix == ".py" and path.stem != "__init__"


def test_the_kernel_imports_the_standard_library_and_pydantic_only() -> None:
    allowed = {*sys.stdlib_module_names, "pydantic", "pydantic_core"}
    files = list((REPOSITORY / "plugins/varai/kernel").glob("**/*.py"))
    assert files
    for path in files:
        for module in imported_modules(path):
            top = module.split(".")[0]
            assert top in allowed or module.startswith("varai.kernel"), (
                f"{path.relative_to(REPOSITORY)} imports {module}."
            )


def imported_modules(path: Path) -> list[str]:
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append(node.module)
    return found
