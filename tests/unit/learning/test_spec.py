"""A spec is whole or refused, and every model of the folder is found by its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from varai.kernel import Misconfigured
from varai.learning.spec import MODELS, Candidate, ModelSpec, specs


def test_every_file_of_the_folder_is_a_model() -> None:
    found = specs()
    assert set(found) == {path.stem for path in MODELS.glob("*.py")} - {"__init__"}
    assert "recommender" in found
    for spec in found.values():
        assert spec.about
        assert spec.limits


@pytest.mark.parametrize(
    "breach",
    [
        lambda spec: replace(spec, name="Recommender 2"),
        lambda spec: replace(spec, metric="ndcg@11"),
        lambda spec: replace(spec, floor="ease"),
        lambda spec: replace(spec, candidates=spec.candidates[2:]),
        lambda _: Candidate("oracle"),
        lambda _: Candidate("ease", {"l2": ()}),
        lambda _: Candidate("ease", {"shrinkage": (1.0,)}),
        lambda _: Candidate("popularity", {"l2": (1.0,)}),
    ],
    ids=["name", "metric", "floor", "floor not competing", "candidate", "empty grid", "other grid", "grid of none"],
)
def test_a_spec_that_makes_no_sense_is_refused(spec: ModelSpec, breach: Callable[[ModelSpec], Any]) -> None:
    with pytest.raises(Misconfigured):
        breach(spec)


@pytest.mark.parametrize(
    "text", ["", "MODEL = 1", "from varai.learning.spec import specs\nMODEL = specs()['recommender']"]
)
def test_a_file_without_a_model_of_its_name_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "other.py").write_text(text)
    with pytest.raises(Misconfigured, match=r"other\.py"):
        specs(tmp_path)
