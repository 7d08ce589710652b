"""Train: a dataset and a spec in; the chosen recommender, the floor, and how they compare, out.

validation window -> one choice; test window, looked at once -> report; everything -> the models that are kept.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from threadpoolctl import threadpool_limits

from varai.kernel import Malformed
from varai.learning import evaluate, recommenders
from varai.learning.evaluate import Known, Window
from varai.learning.likeness import likeness
from varai.learning.recommenders import MOST_DENSE, Scorer, Sparse
from varai.learning.spec import NEIGHBOURS, ModelSpec
from varai.learning.words import Choice, Dataset, Fitted, Floats, Interval, Report, Trained, Tried

MOST_TUNED: Final = 1000
"""Subjects on whom choices are compared; the test window judges all."""


def train(data: Dataset, spec: ModelSpec) -> Trained:
    """Choose on validation, judge once on test, refit candidate and floor on everything. Deterministic by `spec.seed`.

    Args:
        data: what `assemble` gives when it is enough.

    Raises:
        Malformed: a window judges nobody, which `assemble` would have answered with TooLittle.
    """
    # Other tenants are trained beside this one: a thread each. More would wait for each other, and burn the CPU while they do.
    with threadpool_limits(1):
        return _train(data, spec)


def _train(data: Dataset, spec: ModelSpec) -> Trained:
    spans = evaluate.spans(data, spec.windows)
    validation = evaluate.window(data, spans.validation_from, spans.test_from)
    test = evaluate.window(data, spans.test_from, None)
    if not len(validation.rows) or not len(test.rows):
        raise Malformed("There is nobody to judge the model by.", "Assemble the dataset; it says what is missing.")
    alike = likeness(data.items)
    tried = _choose(spec, _Fits(validation.known, alike, spec.seed), validation)
    chosen, floor = tried[0].choice, _floor(spec, tried)
    last = _Fits(test.known, alike, spec.seed)
    judged, under = (evaluate.judge(last.scorer(choice), test) for choice in (chosen, floor))
    one, other = judged.of(spec.metric), under.of(spec.metric)
    report = Report(
        metric=spec.metric,
        candidate=judged.scores(),
        floor=under.scores(),
        difference=float(np.mean(one - other)),
        interval=evaluate.interval(one, other, spec.promote_if, spec.seed),
        floor_name=spec.floor,
        floor_choice=floor,
        chosen=chosen,
        tried=tried,
        spans=spans,
        window=evaluate.digest(data, test),
        judged=len(test.rows),
        judged_validation=len(validation.rows),
        subjects=len(data.subjects),
        purchases=len(data.item),
        items=len(data.items),
        lines=data.lines,
        left_out=data.left_out,
        seed=spec.seed,
    )
    whole = evaluate.known_until(data, int(data.at.max()) + 1)
    fits = _Fits(whole, alike, spec.seed)
    return Trained(
        model=spec.name,
        items=data.items,
        chosen=_packed(fits, chosen),
        floor=_packed(fits, floor),
        subjects=data.subjects,
        starts=whole.bought.indptr.astype(np.int64),
        history=whole.bought.indices.astype(np.int32),
        snapshot_id=data.snapshot_id,
        as_of=data.as_of,
        report=report,
    )


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two choices on one test window: mean(one - other) of the metric per subject, and its interval."""

    one: float
    other: float
    difference: float
    interval: Interval
    window: str
    judged: int


def compare(data: Dataset, spec: ModelSpec, one: Choice, other: Choice) -> Comparison:
    """Challenger against champion: both fitted by their settings to what came before the test window of this dataset.

    A champion's own weights cannot be asked: they may have seen what the window asks for.

    Raises:
        Malformed: as `train` does.
    """
    test = evaluate.window(data, evaluate.spans(data, spec.windows).test_from, None)
    if not len(test.rows):
        raise Malformed("There is nobody to judge the models by.", "Assemble the dataset; it says what is missing.")
    with threadpool_limits(1):
        fits = _Fits(test.known, likeness(data.items), spec.seed)
        first, second = (evaluate.judge(fits.scorer(choice), test).of(spec.metric) for choice in (one, other))
    return Comparison(
        one=float(np.mean(first)),
        other=float(np.mean(second)),
        difference=float(np.mean(first - second)),
        interval=evaluate.interval(first, second, spec.promote_if, spec.seed),
        window=evaluate.digest(data, test),
        judged=len(test.rows),
    )


def refit(data: Dataset, spec: ModelSpec, choice: Choice) -> Fitted:
    """One choice, fitted on the whole dataset, as `train` fits those it returns."""
    with threadpool_limits(1):
        whole = evaluate.known_until(data, int(data.at.max()) + 1)
        return _packed(_Fits(whole, likeness(data.items), spec.seed), choice)


@dataclass(slots=True)
class _Fits:
    """Fits to one span of purchases; each is made once and kept."""

    known: Known
    alike: Sparse
    seed: int
    _near: dict[tuple[Any, ...], Sparse] = field(default_factory=dict)
    _together: Sparse | None = None

    @property
    def n(self) -> int:
        return int(self.alike.shape[0])

    def prior(self, half_life_days: float | None) -> Floats:
        if half_life_days is None:
            return recommenders.popularity(self.known.item, self.n)
        known = self.known
        return recommenders.decayed_popularity(known.item, known.at, known.until, half_life_days, self.n)

    def near(self, candidate: str, settings: Mapping[str, float]) -> Sparse:
        key = (candidate, *sorted(settings.items()))
        if key not in self._near:
            self._near[key] = self._fit(candidate, settings)
        return self._near[key]

    def _fit(self, candidate: str, settings: Mapping[str, float]) -> Sparse:
        if candidate == "als":
            factors = int(settings["factors"])
            return recommenders.als(self.known.bought, settings["l2"], settings["confidence"], factors, self.seed)
        if candidate not in ("ease", "item_knn"):
            return recommenders.nothing(self.n)
        if self._together is None:
            self._together = recommenders.co_counts(self.known.bought)
        if candidate == "ease":
            return recommenders.ease(self._together, settings["l2"])
        return recommenders.item_knn(self._together, settings["shrinkage"])

    def scorer(self, choice: Choice) -> Scorer:
        near = self.near(choice.candidate, choice.settings)
        return Scorer(self.prior(choice.half_life_days), near, self.alike, choice.prior_weight, choice.alike_weight)


def _choose(spec: ModelSpec, fits: _Fits, validation: Window) -> tuple[Tried, ...]:
    """Everything compared, best first; of equals the one compared first, and the simpler are compared first."""
    asked = validation.sample(MOST_TUNED, spec.seed)
    held = asked.known.bought[asked.rows]

    def value(scores: Floats) -> float:
        shown = evaluate.first_ten(evaluate.hide(scores, held))
        return float(np.mean(evaluate.measure(shown, asked).of(spec.metric)))

    many = (len(asked.rows), 1)
    tried = [Tried(choice, value(np.tile(fits.prior(choice.half_life_days), many))) for choice in _priors(spec)]
    half_life = _floor(spec, tried).half_life_days
    prior = fits.prior(half_life)
    alike = (held @ fits.alike).toarray()
    for candidate, settings in _related(spec, fits.n):
        own = alike if candidate == "attributes" else (held @ fits.near(candidate, settings)).toarray()
        weight = 1.0 if candidate == "attributes" else 0.0
        of = [
            Tried(Choice(candidate, settings, half_life, each, weight), value(own + np.float32(each) * prior))
            for each in spec.blend.prior
        ]
        best = max(of, key=lambda one: one.value).choice
        if candidate != "attributes":
            base = own + np.float32(best.prior_weight) * prior
            of += [
                Tried(
                    Choice(candidate, settings, half_life, best.prior_weight, each),
                    value(base + np.float32(each) * alike),
                )
                for each in spec.blend.alike
                if each
            ]
        tried += of
    return tuple(sorted(tried, key=lambda one: -one.value))


def _priors(spec: ModelSpec) -> Iterator[Choice]:
    for name, settings in _grid(spec):
        if name not in NEIGHBOURS:
            yield Choice(name, settings, settings.get("half_life_days"), 1.0, 0.0)


def _related(spec: ModelSpec, n: int) -> Iterator[tuple[str, Mapping[str, float]]]:
    """EASE up to MOST_DENSE items, ALS above: they model the same, and one of them is affordable."""
    left_out = "ease" if n > MOST_DENSE else "als"
    return ((name, settings) for name, settings in _grid(spec) if name in NEIGHBOURS and name != left_out)


def _grid(spec: ModelSpec) -> Iterator[tuple[str, Mapping[str, float]]]:
    for candidate in spec.candidates:
        names = sorted(candidate.grid)
        for values in itertools.product(*(candidate.grid[name] for name in names)):
            yield candidate.name, dict(zip(names, values, strict=True))


def _floor(spec: ModelSpec, tried: tuple[Tried, ...] | list[Tried]) -> Choice:
    """The floor with the settings that did best on validation: it is beaten at its best or not at all."""
    return max((one for one in tried if one.choice.candidate == spec.floor), key=lambda one: one.value).choice


def _packed(fits: _Fits, choice: Choice) -> Fitted:
    scorer = fits.scorer(choice)
    return Fitted(choice, scorer.prior, recommenders.padded(scorer.near), recommenders.padded(scorer.alike))
