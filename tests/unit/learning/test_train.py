"""Training finds taste where there is some, claims none where there is none, and never looks ahead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from tests.unit.learning.shops import END, sales
from varai.kernel import Malformed
from varai.learning import evaluate
from varai.learning import train as training
from varai.learning.recommenders import MOST_DENSE
from varai.learning.spec import NEIGHBOURS, ModelSpec, Windows
from varai.learning.train import compare, train
from varai.learning.words import Dataset, Fitted, Trained

Shop = Callable[..., Dataset]


@pytest.fixture(scope="module")
def data(shop: Shop) -> Dataset:
    return shop()


@pytest.fixture(scope="module")
def trained(data: Dataset, spec: ModelSpec) -> Trained:
    return train(data, spec)


def test_taste_is_found_and_beats_the_floor(trained: Trained, spec: ModelSpec) -> None:
    report = trained.report
    assert report.chosen.candidate in NEIGHBOURS
    assert report.interval.low > spec.promote_if.lower_bound_above
    assert report.interval.low <= report.difference <= report.interval.high
    assert report.value - report.floor_value == pytest.approx(report.difference)
    assert report.floor_choice.candidate == spec.floor
    assert [one.value for one in report.tried] == sorted((one.value for one in report.tried), reverse=True)
    assert report.tried[0].choice == report.chosen


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_without_taste_nothing_is_claimed(shop: Shop, spec: ModelSpec, seed: int) -> None:
    assert train(shop(seed, taste=False), spec).report.interval.low <= 0


def test_the_same_dataset_gives_the_same_model_bit_for_bit(data: Dataset, trained: Trained, spec: ModelSpec) -> None:
    again = train(data, spec)
    assert again.report == trained.report
    for one, other in ((again.chosen, trained.chosen), (again.floor, trained.floor)):
        for name in ("near", "alike"):
            assert getattr(one, name).indices.tobytes() == getattr(other, name).indices.tobytes()
            assert getattr(one, name).weights.tobytes() == getattr(other, name).weights.tobytes()
        assert one.prior.tobytes() == other.prior.tobytes()


def test_what_is_chosen_does_not_depend_on_the_test_window(shop: Shop, trained: Trained, spec: ModelSpec) -> None:
    """The last forty days are bought anew by other tastes: nothing that validation compared may move."""
    lines = sales(1, taste=True)
    edge = trained.report.spans.test_from
    moved = [
        one | {"product_id": f"p{(int(one['product_id'][1:]) * 7 + 3) % 40}"} if one["processed_at"] >= edge else one
        for one in lines
    ]
    found = train(shop(lines=moved), spec).report
    assert found.tried == trained.report.tried
    assert found.candidate != trained.report.candidate


def test_what_is_kept_is_fitted_to_everything(data: Dataset, trained: Trained) -> None:
    expected: dict[int, set[int]] = {}
    for subject, item in zip(data.subject, data.item, strict=True):
        expected.setdefault(int(subject), set()).add(int(item))
    found = {u: trained.history[trained.starts[u] : trained.starts[u + 1]].tolist() for u in range(len(data.subjects))}
    assert found == {u: sorted(codes) for u, codes in expected.items()}
    assert list(trained.subjects) == sorted(trained.subjects)
    whole = evaluate.known_until(data, int(data.at.max()) + 1)
    fits = training._Fits(whole, training.likeness(data.items), trained.report.seed)
    scorer = fits.scorer(trained.report.chosen)
    scores = scorer.prior_weight * scorer.prior + (whole.bought @ scorer.near).toarray()
    scores += scorer.alike_weight * (whole.bought @ scorer.alike).toarray()
    for u in (0, 5, 77):
        assert np.allclose(score(trained.chosen, found[u]), scores[u], atol=1e-5)


def score(fitted: Fitted, history: list[int]) -> Any:
    """The one form, as words.Fitted states it, with numpy alone."""
    total = fitted.prior_weight * fitted.prior.astype(np.float64)
    for weight, near in ((1.0, fitted.near), (fitted.alike_weight, fitted.alike)):
        for item in history:
            codes = near.indices[item]
            total[codes[codes >= 0]] += weight * near.weights[item][codes >= 0]
    return total


def test_the_floor_is_a_popularity_alone(trained: Trained) -> None:
    assert trained.floor.near.indices.shape[1] == 0
    assert (trained.floor.prior_weight, trained.floor.alike_weight) == (1.0, 0.0)
    assert trained.floor.prior.max() == 1.0


def test_products_nobody_bought_are_among_the_items_and_like_others(trained: Trained) -> None:
    place = trained.items.ids.index("shop/p41")
    assert place not in set(trained.history.tolist())
    assert (trained.chosen.alike.indices[place] >= 0).any()


def test_ease_gives_way_to_als_above_what_a_matrix_can_hold(spec: ModelSpec) -> None:
    small = {name for name, _ in training._related(spec, MOST_DENSE)}
    large = {name for name, _ in training._related(spec, MOST_DENSE + 1)}
    assert (small - large, large - small) == ({"ease"}, {"als"})


def test_als_is_trained_where_it_competes(
    shop: Shop, spec: ModelSpec, trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "MOST_DENSE", 10)
    report = train(shop(), spec).report
    best = max(one.value for one in report.tried if one.choice.candidate == "als")
    assert best > max(one.value for one in report.tried if one.choice.candidate == spec.floor)
    assert not [one for one in report.tried if one.choice.candidate == "ease"]


def test_challenger_and_champion_are_asked_the_same(data: Dataset, spec: ModelSpec, trained: Trained) -> None:
    report = trained.report
    found = compare(data, spec, report.chosen, report.floor_choice)
    assert (found.difference, found.interval, found.window) == (report.difference, report.interval, report.window)
    assert (found.one, found.other, found.judged) == (report.value, report.floor_value, report.judged)
    itself = compare(data, spec, report.chosen, report.chosen)
    assert (itself.difference, itself.interval.low, itself.interval.high) == (0.0, 0.0, 0.0)


def test_nobody_to_judge_is_refused(data: Dataset, spec: ModelSpec) -> None:
    with pytest.raises(Malformed):
        train(data, replace(spec, windows=Windows(validation_days=400, test_days=400)))


def test_a_report_names_nobody(data: Dataset, trained: Trained) -> None:
    text = repr(asdict(trained.report))
    assert not [subject for subject in data.subjects if subject in text]
    assert trained.report.spans.until < END + timedelta(seconds=1)
