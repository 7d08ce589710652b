"""A recipe is served only where it is shown to be better: than the floor, and than the champion's on the same window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from varai.kernel import Malformed
from varai.learning import promote
from varai.learning.card import card, render
from varai.learning.spec import ModelSpec, PromoteIf
from varai.learning.train import Comparison, train
from varai.learning.words import Choice, Dataset, Interval, Pointer, Report, Trained

Shop = Callable[..., Dataset]
PRESENT = Choice("item_knn", {"shrinkage": 5.0}, 14.0, 0.05, 0.1)
RULE = PromoteIf()
SIGNED = st.floats(-0.2, 0.2, allow_nan=False)


@pytest.fixture(scope="module")
def made(spec: ModelSpec, shop: Shop) -> tuple[Dataset, Trained]:
    """A shop with tastes, and what training gives."""
    data = shop(1)
    return data, train(data, spec)


def lying(low: float) -> Comparison:
    return Comparison(0.2, 0.1, low + 0.05, Interval(low, low + 0.1, 0.95, 500), "w", 50)


@given(SIGNED, SIGNED, SIGNED)
def test_the_decision_follows_the_lower_bounds_and_nothing_else(
    made: tuple[Dataset, Trained], candidate: float, against: float, beside: float
) -> None:
    report = replace(made[1].report, interval=Interval(candidate, candidate + 0.1, 0.95, 500))
    alone = promote.decide(report, RULE, None, None, None)
    assert alone.serves == ("candidate" if candidate > 0 else "floor")
    among = promote.decide(report, RULE, PRESENT, lying(against), lying(beside))
    if beside > 0:
        wanted = "candidate" if candidate > 0 and against > 0 else "champion"
    else:
        wanted = "candidate" if candidate > 0 else "floor"
    assert among.serves == wanted
    served = {"candidate": report.chosen, "champion": PRESENT, "floor": report.floor_choice}[wanted]
    assert among.choice == served
    assert among.served_value == {"candidate": report.value, "champion": 0.2, "floor": report.floor_value}[wanted]
    assert ("floor (decayed_popularity) is served" in among.sentence) == (wanted == "floor")


def test_recipes_are_compared_on_the_window_of_the_report(made: tuple[Dataset, Trained], spec: ModelSpec) -> None:
    data, trained = made
    found = promote.evaluate(data, spec, trained.report, PRESENT)
    assert found.against is not None
    assert found.against.window == trained.report.window
    with pytest.raises(Malformed, match="different windows"):
        promote.evaluate(data, spec, replace(trained.report, window="another"), PRESENT)


def test_a_recipe_that_does_not_compete_is_left_out(made: tuple[Dataset, Trained], spec: ModelSpec) -> None:
    data, trained = made
    report = trained.report
    for champion in (report.chosen, report.floor_choice, Choice("oracle", {}, None, 1.0, 0.0)):
        assert promote.evaluate(data, spec, report, champion).against is None
    dense = Choice("ease", {"l2": 999.0}, 14.0, 0.05, 0.0)
    assert promote.evaluate(data, spec, replace(report, items=20_000), dense).against is None


def test_the_winner_is_fitted_on_everything(made: tuple[Dataset, Trained], spec: ModelSpec) -> None:
    data, trained = made
    verdict = promote.evaluate(data, spec, trained.report, None)
    for choice in (trained.chosen.choice, trained.floor.choice, PRESENT):
        won = promote.winner(trained, data, spec, replace(verdict, choice=choice))
        assert won.chosen.choice == choice
        assert len(won.chosen.prior) == len(data.items)
    again = promote.winner(replace(trained, chosen=trained.floor), data, spec, verdict)
    assert again.chosen.near.weights.tobytes() == trained.chosen.near.weights.tobytes()


@given(st.sampled_from(["ease", "attributes"]), st.floats(0, 1), st.one_of(st.none(), st.floats(1, 400)))
def test_a_recipe_comes_back_from_its_text(name: str, weight: float, half_life: float | None) -> None:
    choice = Choice(name, {"l2": weight}, half_life, weight, weight)
    assert promote.recipe_of(promote.recipe_text(choice)) == choice
    assert promote.recipe_of("{}") is None
    assert promote.recipe_of("") is None


def test_a_card_says_how_it_was_judged_and_is_never_empty(made: tuple[Dataset, Trained], spec: ModelSpec) -> None:
    data, trained = made
    verdict = promote.evaluate(data, spec, trained.report, None)
    pointer = Pointer(
        "eu", "models/a/recommender/x", "0", "s1", "m", "c", "{}", "t", "1", "0", "[]", "{}", "candidate", "d"
    )
    text = card("eu.a.recommender", spec, trained.report, verdict, pointer)
    report: Report = trained.report
    for said in (
        verdict.sentence,
        f"{report.candidate.coverage:.4f}",
        "varai.snapshot: `s1`",
        spec.limits[0],
        "sealed",
    ):
        assert said in text
    assert not [subject for subject in data.subjects[1:] if subject in text]
    with pytest.raises(Malformed, match="Where it must not be trusted"):
        card("eu.a.recommender", replace(spec, limits=()), trained.report, verdict, pointer)
    with pytest.raises(Malformed, match="Empty"):
        render("x", {"Full": "said", "Empty": " \n"})
