"""Metrics equal their definitions; a window asks only of the future, and what was known stays what was known."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy import sparse
from sklearn.metrics import ndcg_score

from tests.unit.learning.shops import END, Row, line, sales
from varai.learning import evaluate
from varai.learning.recommenders import Scorer, nothing
from varai.learning.spec import PromoteIf, Windows
from varai.learning.words import Dataset

Shop = Callable[..., Dataset]
WINDOWS = Windows(validation_days=40, test_days=40)


@given(
    npst.arrays(
        np.float32, st.tuples(st.integers(0, 6), st.integers(1, 30)), elements=st.sampled_from([-np.inf, 0.0, 1.0, 2.0])
    )
)
@settings(deadline=None)
def test_the_first_ten_are_by_score_then_by_code(scores: Any) -> None:
    expected = []
    for row in scores:
        order = sorted(range(len(row)), key=lambda code: (-row[code], code))[:10]
        expected.append([code if row[code] > -np.inf else -1 for code in order])
    assert evaluate.first_ten(scores).tolist() == expected


@st.composite
def questions(draw: Any) -> tuple[Any, evaluate.Window]:
    """Lists shown to subjects, and what is asked; some subjects are not judged."""
    n, s = draw(st.integers(1, 25)), draw(st.integers(1, 6))
    asked = draw(npst.arrays(np.float32, (s, n), elements=st.sampled_from([0.0, 0.0, 1.0])))
    known = draw(npst.arrays(np.float32, (s, n), elements=st.sampled_from([0.0, 1.0])))
    rows = np.flatnonzero((asked.sum(axis=1) > 0) & draw(npst.arrays(bool, s)))
    shown = np.full((len(rows), min(10, n)), -1)
    for row in range(len(rows)):
        codes = draw(st.permutations(range(n)))[: draw(st.integers(0, min(10, n)))]
        shown[row, : len(codes)] = codes
    before = evaluate.Known(0, np.zeros(0, np.int32), np.zeros(0, np.int64), sparse.csr_array(known))
    return shown, evaluate.Window(before, rows, sparse.csr_array(asked))


@given(questions())
@settings(deadline=None)
def test_metrics_are_their_definitions(question: tuple[Any, evaluate.Window]) -> None:
    shown, asked = question
    found = evaluate.measure(shown, asked)
    truth = asked.asked.toarray()
    buyers = asked.known.bought.toarray().sum(axis=0)
    novelty = []
    for place, row in enumerate(asked.rows):
        wanted = {code for code in range(truth.shape[1]) if truth[row, code]}
        listed = [code for code in shown[place] if code >= 0]
        gain = sum(1 / math.log2(rank + 2) for rank, code in enumerate(listed) if code in wanted)
        ideal = sum(1 / math.log2(rank + 2) for rank in range(min(10, len(wanted))))
        ranks = [rank + 1 for rank, code in enumerate(listed) if code in wanted]
        assert found.ndcg[place] == pytest.approx(gain / ideal)
        assert found.recall[place] == pytest.approx(len(ranks) / len(wanted))
        assert found.mrr[place] == pytest.approx(1 / ranks[0] if ranks else 0.0)
        novelty += [-math.log2(max(1, buyers[code]) / len(truth)) for code in listed]
    assert found.coverage == pytest.approx(len({code for code in shown.ravel() if code >= 0}) / truth.shape[1])
    assert found.novelty == pytest.approx(np.mean(novelty) if novelty else 0.0)


def test_ndcg_agrees_with_scikit_learn() -> None:
    dice = np.random.default_rng(2)
    scores = dice.permuted(np.tile(np.arange(40, dtype=np.float32), (30, 1)), axis=1)
    truth = (dice.random((30, 40)) < 0.2).astype(np.float32)
    truth[:, 0] = 1.0
    empty = evaluate.Known(
        0, np.zeros(0, np.int32), np.zeros(0, np.int64), sparse.csr_array((30, 40), dtype=np.float32)
    )
    found = evaluate.measure(evaluate.first_ten(scores), evaluate.Window(empty, np.arange(30), sparse.csr_array(truth)))
    assert found.scores().ndcg == pytest.approx(ndcg_score(truth, scores, k=10))


def test_a_window_asks_for_first_purchases_and_knows_only_what_came_before(shop: Shop) -> None:
    data = shop()
    spans = evaluate.spans(data, WINDOWS)
    assert spans.until - spans.test_from == timedelta(days=40) - timedelta(seconds=1)
    for start, end in ((spans.validation_from, spans.test_from), (spans.test_from, None)):
        found = evaluate.window(data, start, end)
        last = end.timestamp() if end else math.inf
        before: dict[int, set[int]] = {}
        inside: dict[int, set[int]] = {}
        for subject, item, at in zip(data.subject, data.item, data.at, strict=True):
            if at < start.timestamp():
                before.setdefault(int(subject), set()).add(int(item))
            elif at < last:
                inside.setdefault(int(subject), set()).add(int(item))
        expected = {who: inside[who] - before[who] for who in before if inside.get(who, set()) - before[who]}
        assert {int(row): set(found.asked[[row]].indices.tolist()) for row in found.rows} == expected
        assert {who: set(found.known.bought[[who]].indices.tolist()) for who in before} == before
        assert found.known.at.max() < found.known.until == start.timestamp()


def test_nothing_bought_before_is_shown_again(shop: Shop) -> None:
    data = shop()
    asked = evaluate.window(data, evaluate.spans(data, WINDOWS).test_from, None)
    shown: list[Any] = []
    n = len(data.items)
    prior = np.linspace(1, 0, n, dtype=np.float32)
    judged = evaluate.judge(Scorer(prior, nothing(n), nothing(n), 1.0, 0.0), asked)
    for row in asked.rows:
        bought = set(asked.known.bought[[row]].indices.tolist())
        shown.append([code for code in range(n) if code not in bought][:10])
    assert (judged.ndcg == evaluate.measure(np.array(shown), asked).ndcg).all()


def test_windows_that_ask_the_same_have_the_same_digest(shop: Shop) -> None:
    lines = sales(1, taste=True)
    start = END - timedelta(days=40)
    one = shop(lines=lines)
    later: list[Row] = [
        *lines,
        line(99999, subject=f"{0:032x}", product_id="p41", processed_at=END - timedelta(days=1)),
    ]
    other = shop(lines=later)
    same = shop(lines=list(reversed(lines)))
    digests = [evaluate.digest(data, evaluate.window(data, start, None)) for data in (one, same, other)]
    assert digests[0] == digests[1] != digests[2]


values = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=60)


@given(values, st.integers(0, 5))
@settings(deadline=None, max_examples=40)
def test_an_interval_holds_the_difference_and_turns_with_it(pairs: list[tuple[float, float]], seed: int) -> None:
    one, other = (np.array(column) for column in zip(*pairs, strict=True))
    rule = PromoteIf(resamples=400, confidence=0.95)
    found, turned = evaluate.interval(one, other, rule, seed), evaluate.interval(other, one, rule, seed)
    assert found.low - 1e-9 <= float(np.mean(one - other)) <= found.high + 1e-9 or len(pairs) < 8
    assert (found.low, found.high) == pytest.approx((-turned.high, -turned.low), abs=1e-9)
    assert evaluate.interval(one, one, rule, seed).low == evaluate.interval(one, one, rule, seed).high == 0.0


def test_the_interval_is_that_of_the_normal_law_where_subjects_are_many() -> None:
    dice = np.random.default_rng(8)
    one, other = dice.random(4000), dice.random(4000)
    found = evaluate.interval(one, other, PromoteIf(resamples=4000), 1)
    error = float(np.std(one - other)) / math.sqrt(4000)
    middle = float(np.mean(one - other))
    assert found.low == pytest.approx(middle - 1.96 * error, abs=0.15 * error)
    assert found.high == pytest.approx(middle + 1.96 * error, abs=0.15 * error)
