"""A shop that stays as it is alarms no more often than the rule says, and one that moves alarms."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from tests.unit.learning.shops import END, Row, line
from varai.learning import drift
from varai.learning.drift import Rule
from varai.learning.words import Dataset

SINCE = int((END - timedelta(days=30)).timestamp())
Shop = Callable[..., Dataset]


def lines(seed: int, *, moved: bool = False, people: int = 120) -> list[Row]:
    """A shop whose people each like one shape; if it moved, squares were sold out in the last 30 days."""
    dice, found = random.Random(seed), []
    for number in range(people):
        likes = dice.randrange(2)
        ages = [dice.random() * 60 for _ in range(dice.randrange(3, 9))] + [61 + dice.random() * 90 for _ in range(3)]
        for age in ages:
            at = END - timedelta(days=age, minutes=1)
            sold_out = moved and age < 30
            item = 2 * dice.randrange(20) + (0 if sold_out or dice.random() < 0.15 else likes)
            found.append(
                line(
                    len(found),
                    order_id=f"o{len(found)}",
                    subject=f"{number:032x}",
                    product_id=f"p{item}",
                    processed_at=at,
                )
            )
    return found


def test_the_divergence_is_that_of_scipy_squared() -> None:
    dice = np.random.default_rng(1)
    for _ in range(50):
        p, q = dice.integers(0, 5, (2, 7)).astype(float)
        if p.sum() and q.sum():
            assert drift.divergence(p, q) == pytest.approx(jensenshannon(p, q, base=2) ** 2, abs=1e-9)


def test_without_drift_alarms_are_as_rare_as_the_rule_says(shop: Shop) -> None:
    rule, rounds = Rule(false_alarms=0.2, permutations=199), 120
    alarms = 0
    for seed in range(rounds):
        found = drift.compare(shop(lines=lines(seed)), SINCE, None, rule, seed)
        assert found is not None
        alarms += bool(found.alarms)
    # Three standard deviations above what the rule allows.
    assert alarms <= rounds * 0.2 + 3 * (rounds * 0.2 * 0.8) ** 0.5
    assert alarms  # a comparison that can never alarm would keep the rule too


def test_a_weekend_that_sells_otherwise_than_the_days_before_it_is_no_drift(shop: Shop) -> None:
    dice, rows = random.Random(1), []
    for number in range(3000):
        at = END - timedelta(days=number / 25, minutes=1)
        item = 2 * dice.randrange(20) + (at.weekday() >= 5)
        rows.append(line(number, subject=f"{number % 150:032x}", product_id=f"p{item}", processed_at=at))
    saturday = END - timedelta(days=3)
    found = drift.compare(shop(lines=rows), int(saturday.timestamp()), None, Rule(least_days=2), 1)
    assert found is not None
    assert "shape" not in found.alarms


def test_what_moved_is_named_with_how_often_it_errs(shop: Shop) -> None:
    found = drift.compare(shop(lines=lines(1, moved=True)), SINCE, lambda bought: bought, Rule(), 1)
    assert found is not None
    assert {"shape", "answers"} <= set(found.alarms)
    assert "5% alarm though nothing moved" in found.sentence
    assert found.days == pytest.approx(30, abs=0.1)


def test_too_little_after_training_says_nothing(shop: Shop) -> None:
    data = shop(lines=lines(1))
    assert drift.compare(data, int((END - timedelta(days=2)).timestamp()), None, Rule(), 1) is None
    assert drift.compare(data, int(END.timestamp()), None, Rule(), 1) is None
    assert drift.compare(shop(lines=lines(1, people=60)), SINCE, None, Rule(least_subjects=61), 1) is None
