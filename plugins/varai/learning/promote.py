"""What is served next: recipes compete on one frozen test window, and the winner is fitted on everything.

A recipe is a `Choice`. Data are always the newest: a champion's recipe that stays is fitted anew, so that new products and
people come in and erased people go. A recipe replaces the champion's only where it is better, and any must beat the floor.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from varai.kernel import Malformed
from varai.learning.recommenders import MOST_DENSE
from varai.learning.spec import ModelSpec, PromoteIf
from varai.learning.train import Comparison, compare, refit
from varai.learning.words import Choice, Dataset, Interval, Report, Trained

_CHOICE = TypeAdapter(Choice)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be served, and why.

    Attributes:
        serves: the candidate of this training, the recipe that the champion has already, or the floor.
        choice: the recipe of what is served.
        value, floor_value: the metric on the test window of the best recipe that is no floor, and of the floor; `difference`
            is the mean of their differences per subject, with its interval.
        against: candidate against the champion's recipe; None where there was nothing to compare.
        sentence: the decision as a person reads it.
    """

    serves: Literal["candidate", "champion", "floor"]
    choice: Choice
    value: float
    floor_value: float
    difference: float
    interval: Interval
    against: Comparison | None
    sentence: str

    @property
    def served_value(self) -> float:
        """The metric of what is served."""
        return self.floor_value if self.serves == "floor" else self.value


def evaluate(data: Dataset, spec: ModelSpec, report: Report, champion: Choice | None) -> Verdict:
    """Compare the trained candidate with the champion's recipe and the floor, on the test window the report speaks of.

    Args:
        champion: recipe of the present champion; None: there is none, or its recipe is not one of this spec.

    Raises:
        Malformed: the dataset's test window is not the report's.
    """
    present = champion if champion and _competes(champion, spec, report) else None
    against = compare(data, spec, report.chosen, present) if present else None
    beside = compare(data, spec, present, report.floor_choice) if present else None
    for one in (against, beside):
        if one is not None and one.window != report.window:
            raise Malformed(
                "The recipes were judged on different windows, so they cannot be compared.", "Assemble and train again."
            )
    return decide(report, spec.promote_if, present, against, beside)


def decide(
    report: Report, rule: PromoteIf, present: Choice | None, against: Comparison | None, beside: Comparison | None
) -> Verdict:
    """The decision alone.

    Args:
        present: the champion's recipe, where it differs from candidate and floor.
        against: candidate - present. beside: present - floor; both there exactly when `present` is.
    """
    bound = rule.lower_bound_above
    candidate = Verdict(
        "candidate", report.chosen, report.value, report.floor_value, report.difference, report.interval, against, ""
    )
    worthy = report.interval.low > bound and report.chosen.candidate != report.floor_name
    if present is not None and against is not None and beside is not None and beside.interval.low > bound:
        stays = replace(
            candidate,
            serves="champion",
            choice=present,
            value=beside.one,
            floor_value=beside.other,
            difference=beside.difference,
            interval=beside.interval,
        )
        if not (worthy and against.interval.low > bound):
            return _told(stays, report, f"the champion's recipe ({present.candidate}) stays, on newer data")
        return _told(
            candidate,
            report,
            f"the candidate ({report.chosen.candidate}) replaces the champion's recipe ({present.candidate})",
        )
    if worthy:
        return _told(candidate, report, f"the candidate ({report.chosen.candidate}) beats the floor")
    floor = replace(candidate, serves="floor", choice=report.floor_choice)
    return _told(floor, report, f"the floor ({report.floor_name}) is served, as nothing is shown to be better")


def winner(trained: Trained, data: Dataset, spec: ModelSpec, verdict: Verdict) -> Trained:
    """What was trained, with the verdict's recipe, fitted on everything, as `chosen`."""
    for known in (trained.chosen, trained.floor):
        if known.choice == verdict.choice:
            return replace(trained, chosen=known)
    return replace(trained, chosen=refit(data, spec, verdict.choice))


def recipe_text(choice: Choice) -> str:
    """A recipe as JSON, equal for equal recipes."""
    return _CHOICE.dump_json(choice).decode()


def recipe_of(text: str) -> Choice | None:
    """The recipe of a text; None for one of another release."""
    try:
        return _CHOICE.validate_json(text)
    except ValidationError:
        return None


def _competes(choice: Choice, spec: ModelSpec, report: Report) -> bool:
    """Whether a champion's recipe is one to compare: of this spec, affordable, and neither the candidate nor a floor."""
    return (
        choice != report.chosen
        and choice.candidate != report.floor_name
        and spec.candidate(choice.candidate) is not None
        and not (choice.candidate == "ease" and report.items > MOST_DENSE)
    )


def _told(verdict: Verdict, report: Report, what: str) -> Verdict:
    interval = verdict.interval
    figures = (
        f"{report.metric} {verdict.value:.4f} against the floor's {verdict.floor_value:.4f}, difference {verdict.difference:+.4f}"
        f" [{interval.low:+.4f}, {interval.high:+.4f}] at {interval.confidence:.0%}"
    )
    if verdict.against is not None:
        rival = verdict.against
        figures += (
            f"; {report.chosen.candidate} against the champion's recipe {rival.difference:+.4f}"
            f" [{rival.interval.low:+.4f}, {rival.interval.high:+.4f}]"
        )
    sentence = f"{what}: {figures}, {report.judged:,} subjects judged."
    return replace(verdict, sentence=sentence[0].upper() + sentence[1:])
