"""Answers, held to the formula by an independent sum; what is shown is eligible, new to the visitor, in order and repeatable."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.serving.shelves import NOW
from varai.learning.bundle import ARRIVED_S, ATTRIBUTES, REASONS, Attribute, Bundle, mapping_version
from varai.learning.bundled import with_lists
from varai.learning.recommend import COUNTED, LISTED, Asked, recommend
from varai.learning.words import Neighbours

TINY = 1e-9
NEVER = st.just(0.0)
FLOATS = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])


@st.composite
def bundles(draw: st.DrawFn, most: int = 9) -> Bundle:
    """Any small model, equals among its weights and negative ones too; its sums are exact, so that equals stay equal."""
    n = draw(st.integers(1, most))
    near, alike = draw(neighbours(n, negative=True)), draw(neighbours(n, negative=False))
    histories = draw(st.lists(st.sets(st.integers(0, n - 1), min_size=1, max_size=4), max_size=3))
    prior = np.array(draw(st.lists(FLOATS, min_size=n, max_size=n)), np.float32)
    seconds = [int((NOW - timedelta(days=days)).timestamp()) for days in draw(ages(n))]
    none = np.zeros(0, np.int32)
    return with_lists(
        Bundle(
            region="eu",
            tenant="t",
            model="recommender",
            mapping=mapping_version(),
            snapshot_id="s",
            as_of=NOW,
            candidate="item_knn",
            floor=False,
            prior_weight=draw(st.sampled_from([0.125, 1.0])),
            alike_weight=draw(st.sampled_from([0.0, 0.25])),
            item_ids=tuple(f"shop/p{code:03}" for code in range(n)),
            created=np.array(seconds, np.int64),
            attributes={name: Attribute((), none, none) for name in ATTRIBUTES},
            prior=prior,
            popular=np.lexsort((np.arange(n), -prior)).astype(np.int32),
            near=near,
            alike=alike,
            subjects=np.array([f"{row:032x}".encode() for row in range(len(histories))], "S32"),
            starts=np.cumsum([0, *map(len, histories)], dtype=np.int64),
            history=np.array([code for own in histories for code in sorted(own)], np.int32),
            lists=np.zeros((len(histories), 0), np.int32),
            list_scores=np.zeros((len(histories), 0)),
            list_reasons=np.zeros((len(histories), 0), np.uint8),
        )
    )


def ages(n: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.sampled_from([1, 400]), min_size=n, max_size=n)


@st.composite
def neighbours(draw: st.DrawFn, n: int, *, negative: bool) -> Neighbours:
    weights = [-0.5, 0.25, 0.5, 1.0] if negative else [0.25, 0.5, 1.0]
    rows = [
        draw(st.dictionaries(st.integers(0, n - 1).filter(lambda j, i=i: j != i), st.sampled_from(weights), max_size=3))
        for i in range(n)
    ]
    longest = max(map(len, rows))
    indices, values = np.full((n, longest), -1, np.int32), np.zeros((n, longest), np.float32)
    for code, row in enumerate(rows):
        indices[code, : len(row)], values[code, : len(row)] = sorted(row), [row[j] for j in sorted(row)]
    return Neighbours(indices, values)


@dataclass(frozen=True)
class Case:
    bundle: Bundle
    eligible: Any
    asked: Asked


@st.composite
def cases(draw: st.DrawFn, explore: st.SearchStrategy[float] = NEVER) -> Case:
    bundle = draw(bundles())
    n = len(bundle)
    item = st.sampled_from([*bundle.item_ids, "shop/unknown"])
    subjects = [*(one.decode() for one in bundle.subjects), "f" * 32, None]
    asked = Asked(
        subject=draw(st.sampled_from(subjects)),
        viewed=tuple(draw(st.lists(item, max_size=4))),
        product=draw(st.none() | item),
        again=draw(st.booleans()),
        limit=draw(st.integers(1, 6)),
        explore=draw(explore),
    )
    return Case(bundle, np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n))), asked)


def weight(neighbours: Neighbours, of: int, to: int) -> float:
    found = np.flatnonzero(neighbours.indices[of] == to)
    return float(neighbours.weights[of, found[0]]) if len(found) else 0.0


def by_hand(case: Case) -> list[tuple[str, float, str]]:
    """The formula of the module's docstring, item by item in plain Python."""
    bundle, asked = case.bundle, case.asked
    known = {item: code for code, item in enumerate(bundle.item_ids)}
    row = bundle.subject(asked.subject)
    held = [] if row is None else bundle.bought(row).tolist()
    product = known.get(asked.product or "")
    viewed = {known[item] for item in asked.viewed if item in known} - {product}

    def likeness(of: int) -> float:
        return 1.0 if (bundle.near.indices[of] < 0).all() else bundle.alike_weight

    found = []
    for code, item in enumerate(bundle.item_ids):
        beside = [] if product is None else [product]
        shares = {
            "bought_together": sum(weight(bundle.near, of, code) for of in [*held, *beside]),
            "similar_to_viewed": sum(
                weight(bundle.near, of, code) + likeness(of) * weight(bundle.alike, of, code) for of in viewed
            ),
            "popular_now": bundle.prior_weight * float(bundle.prior[code]),
            "similar_attributes": sum(bundle.alike_weight * weight(bundle.alike, of, code) for of in held)
            + sum(likeness(of) * weight(bundle.alike, of, code) for of in beside),
        }
        new = bundle.created[code] >= NOW.timestamp() - ARRIVED_S
        hidden = code in viewed or code in beside or (code in held and not asked.again)
        if not case.eligible[code] or hidden or not (new or any(share > TINY for share in shares.values())):
            continue
        best = max(shares.values())
        reason = (
            next(name for name in REASONS if shares.get(name, 0.0) >= best - TINY) if best > TINY else "new_arrival"
        )
        found.append((item, sum(shares.values()), reason))
    return sorted(found, key=lambda one: (-round(one[1], 9), one[0]))[: asked.limit]


@given(case=cases())
@settings(max_examples=150, deadline=None)
def test_answers_are_the_formula(case: Case) -> None:
    found = recommend(case.bundle, case.eligible, case.asked, 0)
    wanted = by_hand(case)
    assert [one.item for one in found] == [item for item, _, _ in wanted]
    assert [one.score for one in found] == pytest.approx([score for _, score, _ in wanted])
    assert [one.reason for one in found] == [reason for _, _, reason in wanted]


@given(case=cases())
@settings(max_examples=100, deadline=None)
def test_lists_made_beforehand_change_nothing(case: Case) -> None:
    """Without its lists a bundle gives the same answers, bit for bit, by the sum."""
    asked = replace(case.asked, viewed=(), product=None, again=False)
    assert recommend(case.bundle, case.eligible, asked, 0) == recommend(bare(case.bundle), case.eligible, asked, 0)


def bare(bundle: Bundle) -> Bundle:
    none = np.zeros((len(bundle.subjects), 0), np.int32)
    return replace(bundle, lists=none, list_scores=none.astype(float), list_reasons=none.astype(np.uint8))


@given(seed=st.integers(0, 10**6), on_sale=st.sampled_from([0.02, 0.2, 0.9]), limit=st.integers(1, 100))
@settings(max_examples=40, deadline=None)
def test_lists_that_are_full_change_nothing_either(seed: int, on_sale: float, limit: int) -> None:
    dice = np.random.default_rng(seed)
    n, k = 3 * LISTED, 20
    indices = np.sort([dice.choice(n, k, replace=False) for _ in range(n)], axis=1).astype(np.int32)
    related = Neighbours(indices, np.round(dice.normal(size=(n, k)), 1).astype(np.float32))
    histories = np.sort([dice.choice(n, 5, replace=False) for _ in range(3)], axis=1)
    made = shop(
        n,
        near=related,
        alike=related,
        alike_weight=0.3,
        subjects=np.array([f"{row:032x}".encode() for row in range(3)], "S32"),
        starts=np.array([0, 5, 10, 15], np.int64),
        history=histories.ravel().astype(np.int32),
    )
    listed, eligible = with_lists(made), dice.random(n) < on_sale
    assert (listed.lists >= 0).all()
    for row in range(3):
        asked = Asked(subject=f"{row:032x}", limit=limit)
        assert recommend(listed, eligible, asked, 0) == recommend(bare(made), eligible, asked, 0)


@given(case=cases(explore=st.sampled_from([0.1, 0.5, 1.0])), seed=st.integers(0, 2**63 - 1))
@settings(max_examples=150, deadline=None)
def test_whatever_chance_draws_may_be_shown_and_is_new(case: Case, seed: int) -> None:
    bundle, asked = case.bundle, case.asked
    found = recommend(bundle, case.eligible, asked, seed)
    assert found == recommend(bundle, case.eligible, asked, seed)
    shown = [bundle.codes[one.item] for one in found]
    assert len(set(shown)) == len(shown) <= asked.limit
    assert all(case.eligible[code] for code in shown)
    assert not {one.item for one in found} & {*asked.viewed, asked.product}
    row = bundle.subject(asked.subject)
    if row is not None and not asked.again:
        assert not set(shown) & set(bundle.bought(row).tolist())
    ranked = [one for one in found if not one.explored]
    assert found[: len(ranked)] == tuple(ranked), "Explored items stand last."
    assert ranked == sorted(ranked, key=lambda one: (-one.score, one.item))
    everything = recommend(bundle, case.eligible, replace(asked, explore=0.0), seed)
    assert len(found) >= len(everything), "Exploring never makes an answer shorter."


@given(case=cases(), seed=st.integers(0, 2**63 - 1))
@settings(max_examples=100, deadline=None)
def test_without_exploring_the_seed_does_not_matter(case: Case, seed: int) -> None:
    assert recommend(case.bundle, case.eligible, case.asked, seed) == recommend(
        case.bundle, case.eligible, case.asked, 0
    )


def shop(n: int, **given: Any) -> Bundle:
    """A model in which nothing is related and the first items are the most popular."""
    none = np.zeros(0, np.int32)
    loose = Neighbours(np.zeros((n, 0), np.int32), np.zeros((n, 0), np.float32))
    made = Bundle(
        **dict.fromkeys(("region", "tenant", "model", "mapping", "snapshot_id", "candidate"), "x"),
        as_of=NOW,
        floor=False,
        prior_weight=1.0,
        alike_weight=0.0,
        item_ids=tuple(f"shop/p{code:05}" for code in range(n)),
        created=np.full(n, -1, np.int64),
        attributes={},
        prior=np.linspace(1, 0.1, n, dtype=np.float32),
        popular=np.arange(n, dtype=np.int32),
        near=loose,
        alike=loose,
        subjects=np.zeros(0, "S32"),
        starts=np.zeros(1, np.int64),
        history=none,
        lists=np.zeros((0, 0), np.int32),
        list_scores=np.zeros((0, 0)),
        list_reasons=np.zeros((0, 0), np.uint8),
    )
    return replace(made, **given)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.25, 1.0])
def test_the_share_of_chance_is_what_was_asked(share: float) -> None:
    """Over many seeds, to within three standard errors; a share of a slot is a slot now and then."""
    bundle = shop(200, created=np.full(200, int(NOW.timestamp()), np.int64))
    eligible, asked = np.ones(200, np.bool_), Asked(limit=10, explore=share)
    answers = [recommend(bundle, eligible, asked, seed * 0x9E3779B97F4A7C15 % 2**63) for seed in range(600)]
    drawn = Counter(one.item for answer in answers for one in answer if one.explored)
    explored = sum(drawn.values()) / 6000
    assert abs(explored - share) <= 3 * np.sqrt(0.25 / 600) / 10 + 1e-9
    if share == 1.0:
        assert len(drawn) == 200, "Every new arrival gets its turn."
        assert max(drawn.values()) < 4 * 6000 / 200


def test_only_the_last_viewed_count_and_each_once() -> None:
    near = Neighbours(np.array([[1], *[[-1]] * 119], np.int32), np.array([[1.0], *[[0.0]] * 119], np.float32))
    bundle = shop(120, near=near)
    eligible = np.ones(120, np.bool_)
    first, others = bundle.item_ids[0], bundle.item_ids[2 : 2 + COUNTED]

    def shown(viewed: tuple[str, ...]) -> str:
        return recommend(bundle, eligible, Asked(viewed=viewed), 0)[0].reason

    assert shown((first, *others[1:])) == "similar_to_viewed"
    assert shown((first, *others)) == "popular_now", "It has fallen out of the last that count."
    assert shown((first, *others, first)) == "similar_to_viewed", "Viewed again, it is the latest."
    assert shown((first, *others[1:] * 200)) == "similar_to_viewed", "Repeats do not push it out."
    assert shown((first, *[f"shop/unknown{number}" for number in range(10_000)])) == "similar_to_viewed"
    double = recommend(bundle, eligible, Asked(viewed=(first, first, first)), 0)
    assert double == recommend(bundle, eligible, Asked(viewed=(first,)), 0)


def test_a_product_nobody_bought_is_known_by_its_attributes() -> None:
    alike = Neighbours(np.array([[2], [2], [-1]], np.int32), np.array([[0.5], [0.5], [0.0]], np.float32))
    near = Neighbours(np.array([[-1], [2], [1]], np.int32), np.array([[0.0], [0.4], [0.4]], np.float32))
    bundle = shop(3, prior=np.zeros(3, np.float32), near=near, alike=alike)
    cold = recommend(bundle, np.ones(3, np.bool_), Asked(product="shop/p00000"), 0)
    assert [(one.item, one.score, one.reason) for one in cold] == [("shop/p00002", 0.5, "similar_attributes")]
    bought = recommend(bundle, np.ones(3, np.bool_), Asked(product="shop/p00001"), 0)
    assert [(one.item, one.reason) for one in bought] == [("shop/p00002", "bought_together")]


def test_similar_is_by_attributes_alone() -> None:
    alike = Neighbours(
        np.array([[1, 2], [-1, -1], [-1, -1]], np.int32), np.array([[0.2, 0.9], [0, 0], [0, 0]], np.float32)
    )
    near = Neighbours(np.array([[1], [-1], [-1]], np.int32), np.array([[5.0], [0.0], [0.0]], np.float32))
    bundle = shop(3, near=near, alike=alike)
    found = recommend(bundle, np.ones(3, np.bool_), Asked(product="shop/p00000", similar=True), 0)
    assert [one.item for one in found] == ["shop/p00002", "shop/p00001"]
    assert {one.reason for one in found} == {"similar_attributes"}
    assert recommend(bundle, np.ones(3, np.bool_), Asked(product="shop/unknown", similar=True), 0) == ()


def test_a_bare_id_names_a_product_of_one_feed_alone() -> None:
    bundle = shop(3, item_ids=("a/1", "b/1", "b/2"))
    assert bundle.codes.get("2") == 2
    assert "1" not in bundle.codes
    assert (bundle.codes["a/1"], bundle.codes["b/1"]) == (0, 1)


@pytest.mark.parametrize("asked", ["", "é" * 32, "f" * 33, "\x00", "0" * 31])
def test_a_strange_pseudonym_is_nobody(asked: str) -> None:
    bundle = shop(1, subjects=np.array([b"0" * 32], "S32"), starts=np.zeros(2, np.int64))
    assert bundle.subject(asked) is None
    assert bundle.subject("0" * 32) == 0
