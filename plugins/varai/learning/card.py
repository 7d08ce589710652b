"""The model card: what a version is for, what it learned from, how it was judged and where it must not be trusted. Markdown.

Generated from spec, report and verdict, so that it cannot say anything else than they do. After Mitchell et al. 2019, "Model
Cards for Model Reporting".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from varai.kernel import Malformed
from varai.learning.promote import Verdict
from varai.learning.spec import ModelSpec
from varai.learning.words import Choice, Pointer, Report, Scores

_TRIED = 10


def card(name: str, spec: ModelSpec, report: Report, verdict: Verdict, pointer: Pointer) -> str:
    """The card of a version of the registered model `name`. Raises Malformed, naming a section that would be empty."""
    return render(
        name,
        {
            "What it is for": spec.about,
            "What it predicts": spec.target,
            "What it learned from": _learned(spec, report),
            "What was left out": _left_out(report),
            "What was compared": _compared(report),
            "How it was judged": _judged(report),
            "What was decided": verdict.sentence,
            "Where it must not be trusted": _list(spec.limits),
            "Privacy": (
                "It was made from personal data and inherits their class: the bundle is sealed with the tenant's key and stays "
                "in the tenant's region. Here stand figures over all subjects judged, and a pointer."
            ),
            "Where it comes from": _list(f"{key}: `{value}`" for key, value in sorted(pointer.tags().items())),
        },
    )


def render(title: str, sections: Mapping[str, str]) -> str:
    """Markdown of a title and its sections, in order. Raises Malformed for one that says nothing."""
    empty = [name for name, text in sections.items() if not text.strip()]
    if empty:
        raise Malformed(
            f"The card of {title} would have nothing under '{empty[0]}'.", "Say it in ml_pipelines/models/<name>.py."
        )
    parts = [f"# {title}"] + [f"## {name}\n{text.strip()}" for name, text in sections.items()]
    return "\n\n".join(parts) + "\n"


def _learned(spec: ModelSpec, report: Report) -> str:
    spans = report.spans
    return _list(
        [
            f"marts {', '.join(spec.marts)}: {', '.join(spec.features)}",
            f"{report.purchases:,} purchases of {report.items:,} products by {report.subjects:,} subjects",
            f"from {spans.first:%Y-%m-%d} to {spans.until:%Y-%m-%d}",
            f"chosen on what was bought from {spans.validation_from:%Y-%m-%d}",
            f"judged on what was bought from {spans.test_from:%Y-%m-%d}",
        ]
    )


def _left_out(report: Report) -> str:
    taught = report.lines - sum(report.left_out.values())
    return _list(
        [f"{count:,} order lines: {reason}" for reason, count in report.left_out.items()]
        + [f"{taught:,} of {report.lines:,} order lines taught it something"]
    )


def _compared(report: Report) -> str:
    rows = [f"| {_recipe(one.choice)} | {one.value:.4f} |" for one in report.tried[:_TRIED]]
    head = f"| recipe, best first | {report.metric} on validation |\n|---|---|"
    return "\n".join([head, *rows, "", f"{len(report.tried)} were compared, on {report.judged_validation:,} subjects."])


def _judged(report: Report) -> str:
    rows = [
        _row(_recipe(report.chosen), report.candidate),
        _row(f"floor: {_recipe(report.floor_choice)}", report.floor),
    ]
    interval = report.interval
    told = (
        f"{report.metric}: difference {report.difference:+.4f}, {interval.confidence:.0%} interval "
        f"[{interval.low:+.4f}, {interval.high:+.4f}] by a paired bootstrap ({interval.resamples:,} resamples) over "
        f"{report.judged:,} subjects. The test window was looked at once; its digest is `{report.window[:16]}`."
    )
    head = "| | NDCG@10 | recall@10 | MRR@10 | coverage | novelty, bits |\n|---|---|---|---|---|---|"
    return "\n".join([head, *rows, "", told])


def _row(name: str, scores: Scores) -> str:
    figures = (scores.ndcg, scores.recall, scores.mrr, scores.coverage)
    return f"| {name} | {' | '.join(f'{figure:.4f}' for figure in figures)} | {scores.novelty:.2f} |"


def _recipe(choice: Choice) -> str:
    settings = [f"{key} {value:g}" for key, value in choice.settings.items() if key != "half_life_days"]
    if choice.half_life_days:
        settings.append(f"half-life {choice.half_life_days:g} days")
    settings += [f"prior {choice.prior_weight:g}", f"likeness {choice.alike_weight:g}"]
    return f"{choice.candidate} ({', '.join(settings)})"


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
