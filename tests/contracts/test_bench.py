"""`make bench` runs every benchmark there is."""

from __future__ import annotations

import re

from bench.__main__ import BENCHMARKS
from tests.conftest import REPOSITORY


def test_every_module_that_judges_a_goal_is_run() -> None:
    judging = {
        path.stem
        for path in (REPOSITORY / "bench").glob("*.py")
        if path.stem != "__main__"
        and re.search(r"^def main\(\) -> int:", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert judging == set(BENCHMARKS)
    assert judging
