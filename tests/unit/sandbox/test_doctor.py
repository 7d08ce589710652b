"""The doctor runs before there is an environment, and names each lack with its cure."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import doctor

SOURCE = Path(doctor.__file__).read_text()


def test_it_is_python_3_8_of_the_standard_library_only() -> None:
    tree = ast.parse(SOURCE, feature_version=(3, 8))
    modules = {
        alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    modules |= {
        node.module.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module
    }
    assert modules <= set(sys.stdlib_module_names)


def test_it_runs_alone_and_prints_every_look(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "VARAI_HOME": str(tmp_path), "PYTHON": sys.executable}
    done = subprocess.run(
        [sys.executable, "-I", "-S", doctor.__file__], env=environment, capture_output=True, text=True, check=False
    )
    findings = [line for line in done.stdout.splitlines() if line.startswith(("  ok  ", "  warn", "  LACK"))]
    assert len(findings) == len(doctor.LOOKS), done.stdout + done.stderr
    assert done.returncode == ("  LACK" in done.stdout)


@pytest.mark.parametrize(
    ("variables", "level"),
    [
        ({}, "ok"),
        ({"HTTPS_PROXY": "http://proxy.example:3128"}, "warn"),
        ({"HTTPS_PROXY": "http://proxy.example:3128", "NO_PROXY": "localhost, 127.0.0.1"}, "ok"),
        ({"http_proxy": "http://proxy.example:3128", "no_proxy": "*"}, "ok"),
        ({"http_proxy": "http://proxy.example:3128", "no_proxy": "localhost"}, "warn"),
    ],
)
def test_a_proxy_must_spare_this_machine(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], level: str
) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert doctor.look_at_loopback_proxy().level == level


def test_lacks_come_with_a_cure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VARAI_HOME", str(tmp_path / ("x" * 60)))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(doctor, "WANTED_PYTHON", (2, 7))
    monkeypatch.setattr(doctor, "STATE_GIB", 1e9)
    monkeypatch.setattr(doctor, "WANTED_MEMORY_GIB", 1e9)
    looks = [
        doctor.look_for_python,
        doctor.look_for_tools,
        doctor.look_at_disk,
        doctor.look_at_folders,
        doctor.look_at_memory,
    ]
    findings = [look() for look in looks]
    assert [finding.level for finding in findings] == ["lack", "lack", "lack", "lack", "warn"]
    assert all(finding.what.endswith(".") and finding.cure.endswith(".") for finding in findings)


def test_main_fails_on_a_lack_and_survives_a_look_that_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def look_at_nothing() -> doctor.Finding:
        raise OSError("no such file")

    monkeypatch.setattr(doctor, "LOOKS", (look_at_nothing, lambda: doctor.Finding("lack", "It lacks.", "Get it.")))
    assert doctor.main() == 1
    told = capsys.readouterr().out
    assert "warn" in told
    assert "cure: Get it." in told
