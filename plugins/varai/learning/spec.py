"""A model as data: what it learns from, which candidates compete, by which metric, and what it takes to be promoted."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from varai.kernel import Misconfigured

NEIGHBOURS: Final = ("attributes", "item_knn", "ease", "als")
"""Candidates that relate items to items; each is blended with the floor's prior."""

GRIDS: Final[Mapping[str, frozenset[str]]] = {
    "popularity": frozenset(),
    "decayed_popularity": frozenset({"half_life_days"}),
    "attributes": frozenset(),
    "item_knn": frozenset({"shrinkage"}),
    "ease": frozenset({"l2"}),
    "als": frozenset({"l2", "confidence", "factors"}),
}
"""Every candidate with the names of its hyperparameters."""

METRICS: Final = ("ndcg@10", "recall@10", "mrr@10")
MODELS: Final = Path(__file__).resolve().parents[3] / "ml_pipelines" / "models"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way of recommending, with the values of each hyperparameter that validation may choose from."""

    name: str
    grid: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = GRIDS.get(self.name)
        if known is None:
            raise Misconfigured(f"There is no candidate '{self.name}'.", f"Name one of {', '.join(GRIDS)}.")
        if set(self.grid) != known or not all(self.grid.values()):
            needed = ", ".join(sorted(known)) or "no hyperparameter"
            raise Misconfigured(
                f"The grid of '{self.name}' is not whole.", f"Give values for {needed}, and nothing else."
            )


@dataclass(frozen=True, slots=True)
class Blend:
    """Weights that validation may give to the floor's prior and to likeness of attributes; neighbours weigh 1."""

    prior: tuple[float, ...] = (0.02, 0.1, 0.2, 0.4)
    alike: tuple[float, ...] = (0.0, 0.05, 0.2)


@dataclass(frozen=True, slots=True)
class PromoteIf:
    """Promote where the lower end of the paired bootstrap's two-sided interval over subjects lies above a bound.

    Attributes:
        lower_bound_above: in units of the metric, candidate - floor.
        confidence: of the two-sided interval; 0.95 cuts 2.5 % off either end.
        resamples: of the bootstrap.
    """

    lower_bound_above: float = 0.0
    confidence: float = 0.95
    resamples: int = 2000


@dataclass(frozen=True, slots=True)
class Least:
    """With fewer than these nothing is trained: subjects and purchases in all, subjects judged in either window."""

    subjects: int = 50
    purchases: int = 500
    judged: int = 30


@dataclass(frozen=True, slots=True)
class Windows:
    """The last days of the history: `test_days` end at the last purchase, `validation_days` lie before them."""

    validation_days: int = 28
    test_days: int = 28


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model of one kind of entity; frozen data, no code.

    Attributes:
        name: how it is registered, `{region}.{tenant}.{name}`.
        about: what it is for, sentences for the model card.
        marts: what it reads, of a tenant's published snapshot.
        entity: what it ranks.
        features: columns of the marts it learns from; target: what is predicted.
        limits: where it must not be trusted, for the model card.
        candidates: what competes; the floor is one of them.
        metric: what is compared, per subject. floor: what must be beaten.
        seed: of everything random.
    """

    name: str
    about: str
    marts: tuple[str, ...]
    entity: str
    features: tuple[str, ...]
    target: str
    limits: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    metric: str = "ndcg@10"
    floor: str = "decayed_popularity"
    blend: Blend = Blend()
    promote_if: PromoteIf = PromoteIf()
    least: Least = Least()
    windows: Windows = Windows()
    seed: int = 20261101

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise Misconfigured(f"'{self.name}' is no name of a model.", "Use lower-case letters, digits and _.")
        if self.metric not in METRICS:
            raise Misconfigured(f"There is no metric '{self.metric}'.", f"Name one of {', '.join(METRICS)}.")
        if self.floor not in {each.name for each in self.candidates} - set(NEIGHBOURS):
            raise Misconfigured(
                f"The floor '{self.floor}' is no popularity among the candidates.",
                "Add it to the candidates, or name popularity or decayed_popularity.",
            )

    def candidate(self, name: str) -> Candidate | None:
        """The candidate of this name, if it competes."""
        return next((each for each in self.candidates if each.name == name), None)


def specs(folder: Path = MODELS) -> Mapping[str, ModelSpec]:
    """Every model of a folder by name: each `<name>.py` exposes `MODEL`. Runs the files; give it only our own folder.

    Raises:
        Misconfigured: a file holds no MODEL, or one of another name; the sentence names the file.
    """
    found: dict[str, ModelSpec] = {}
    for path in sorted(folder.glob("*.py")):
        if path.stem == "__init__":
            continue
        model = _model_of(path)
        if not isinstance(model, ModelSpec) or model.name != path.stem:
            raise Misconfigured(
                f"{path} holds no model of its name.", f"Let it expose MODEL, a ModelSpec named '{path.stem}'."
            )
        found[model.name] = model
    return found


def spec_of(folder: Path, name: str) -> ModelSpec:
    """One model of a folder. Raises Misconfigured, naming those there are."""
    known = specs(folder)
    if name not in known:
        raise Misconfigured(f"There is no model '{name}'.", f"Name one of {', '.join(known)}.")
    return known[name]


def _model_of(path: Path) -> object:
    located = importlib.util.spec_from_file_location(f"model_{path.stem}", path)
    if located is None or located.loader is None:
        return None
    module = importlib.util.module_from_spec(located)
    located.loader.exec_module(module)
    return getattr(module, "MODEL", None)
