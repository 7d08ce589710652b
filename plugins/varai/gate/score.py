"""Scores: which rules a row failed in, data quality from 0 to 100 out. The same formula in SQL and in Python."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from varai.gate.suite import Rule


def score(rules: Sequence[Rule], failed: Iterable[str]) -> float:
    """100 x weight of the rules kept / weight of all; `failed` holds rule ids. A row no rule speaks of keeps it."""
    broken = set(failed)
    total = sum(rule.meta.weight for rule in rules)
    return 100.0 * (total - sum(rule.meta.weight for rule in rules if rule.meta.id in broken)) / total


def score_sql(rules: Sequence[Rule], broken: Sequence[str]) -> str:
    """The same in SQL; `broken[i]` is an expression that is true where rule i is broken, and never null."""
    total = sum(rule.meta.weight for rule in rules)
    lost = " + ".join(
        f"CASE WHEN {test} THEN {rule.meta.weight} ELSE 0 END" for rule, test in zip(rules, broken, strict=True)
    )
    return f"100.0::DOUBLE * ({total} - ({lost})) / {total}"
