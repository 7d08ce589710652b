"""Has the world moved since a champion was trained? Purchases before and after that instant in; what differs beyond chance out.

Units are subjects within a window: their purchases stand or fall together. Every feature is counted into categories, and the
distance of two windows is the Jensen-Shannon divergence of their shares (bits, 0..1; Lin 1991). Thresholds are no rules of thumb:
labels of the units are permuted, and a distance alarms where it is larger than all but the rule's share of the permuted ones. With
m features each is tested at `false_alarms / m` (Bonferroni), so that without any drift a comparison alarms with at most the
probability `false_alarms`, whatever the shop's size. Both windows cover the same days of the week, since a weekend sells otherwise
than the days before it though nothing moved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from varai.learning.bundle import Bundle
from varai.learning.recommend import Asked, recommend
from varai.learning.recommenders import DAY
from varai.learning.words import Dataset, Items

Counts = npt.NDArray[np.float64]
Predict = Callable[[tuple[str, ...]], Sequence[str]]
"""Item ids that a model shows to somebody who bought these items; the first ten count."""

_WEEK: Final = 7 * DAY
_BINS: Final = 8
_FREQUENT: Final = 30
_UNITS: Final = 600
_UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class Rule:
    """When to compare, and how often a comparison may alarm though nothing moved.

    Attributes:
        false_alarms: of a whole comparison, 0..1.
        permutations: per feature; 1 / (permutations + 1) must lie below false_alarms / features.
        least_days, most_days: of a window; the least is less than the week after which a model is trained whatever moved.
        least_subjects: in either window.
    """

    false_alarms: float = 0.05
    permutations: int = 999
    least_days: int = 3
    most_days: int = 56
    least_subjects: int = 40


@dataclass(frozen=True, slots=True)
class Moved:
    """One feature of a comparison: its distance, the threshold it was held against, bits; and whether it alarms."""

    feature: str
    distance: float
    threshold: float
    alarms: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """Two windows of equal length, one before and one after the instant, whole weeks apart.

    Attributes:
        features: sorted by distance over threshold, the furthest first. subjects: in either window.
    """

    days: float
    subjects: tuple[int, int]
    features: tuple[Moved, ...]
    rule: Rule

    @property
    def alarms(self) -> tuple[str, ...]:
        """Features that moved."""
        return tuple(one.feature for one in self.features if one.alarms)

    @property
    def sentence(self) -> str:
        """What moved, as a person reads it; empty where nothing did."""
        if not self.alarms:
            return ""
        told = ", ".join(
            f"{one.feature} by {one.distance:.3f} bits (threshold {one.threshold:.3f})"
            for one in self.features
            if one.alarms
        )
        return f"Within {self.days:.0f} days moved: {told}. Of such comparisons {self.rule.false_alarms:.0%} alarm though nothing moved."


def compare(data: Dataset, since: int, predict: Predict | None, rule: Rule, seed: int) -> Compared | None:
    """Compare the days since an instant with the same weekdays before it. None while either window holds too little to say.

    Args:
        since: seconds since 1970, when the champion's data ended.
        predict: the champion, for drift of its answers; None leaves them out.
    """
    last = int(data.at.max()) + 1
    length = min(last - since, rule.most_days * DAY)
    if length < rule.least_days * DAY:
        return None
    apart = -(-(last - since) // _WEEK) * _WEEK
    windows = ((last - length - apart, last - apart), (last - length, last))
    rows = [np.flatnonzero((data.at >= start) & (data.at < end)) for start, end in windows]
    sizes = tuple(len(np.unique(data.subject[found])) for found in rows)
    if min(sizes) < rule.least_subjects:
        return None
    units, labels = _units(data, rows)
    counted = _features(data, units) | ({"answers": _answers(data, units, predict, seed)} if predict else {})
    dice = np.random.default_rng(seed)
    shuffled = np.stack([dice.permutation(labels) for _ in range(rule.permutations)])
    level = rule.false_alarms / len(counted)
    found = [_moved(name, counts, labels, shuffled, level) for name, counts in counted.items()]
    found.sort(key=lambda one: -one.distance / max(one.threshold, 1e-12))
    return Compared(length / DAY, (sizes[0], sizes[1]), tuple(found), rule)


def answers_of(bundle: Bundle) -> Predict:
    """How a bundle answers a visitor who views what somebody bought; everything counts as on sale."""
    everything = np.ones(len(bundle), np.bool_)

    def predict(viewed: tuple[str, ...]) -> list[str]:
        return [one.item for one in recommend(bundle, everything, Asked(viewed=viewed), seed=0)]

    return predict


def divergence(first: Counts, second: Counts) -> Counts:
    """Jensen-Shannon divergence of the shares in the last axis, bits; 0 where either side is empty."""
    p, q = (each / np.maximum(each.sum(axis=-1, keepdims=True), 1e-12) for each in (first, second))
    middle = (p + q) / 2
    found = (_relative(p, middle) + _relative(q, middle)) / 2
    return np.where((first.sum(axis=-1) > 0) & (second.sum(axis=-1) > 0), np.maximum(found, 0.0), 0.0)


def _relative(p: Counts, m: Counts) -> Counts:
    ratio = np.divide(p, m, out=np.ones_like(p), where=m > 0)
    return np.asarray(np.sum(p * np.log2(np.where(ratio > 0, ratio, 1.0)), axis=-1), np.float64)


def _moved(name: str, counts: Counts, labels: Any, shuffled: Any, level: float) -> Moved:
    whole = counts.sum(axis=0)
    after = labels.astype(np.float64) @ counts
    distance = float(divergence(whole - after, after))
    permuted = shuffled.astype(np.float64) @ counts
    by_chance = np.sort(divergence(whole - permuted, permuted))
    # Alarm where at most `level` of all labellings, the true one among them, reach the distance.
    allowed = int(np.floor(level * (len(by_chance) + 1))) - 1
    threshold = float(by_chance[len(by_chance) - 1 - allowed]) if allowed >= 0 else float("inf")
    return Moved(name, distance, threshold, distance > threshold)


def _units(data: Dataset, rows: Sequence[Any]) -> tuple[list[Any], Any]:
    """Purchases (places in the dataset) of each subject in each window, with 0 for the window before and 1 for that after."""
    units, labels = [], []
    for label, found in enumerate(rows):
        order = found[np.argsort(data.subject[found], kind="stable")]
        parts = np.split(order, np.flatnonzero(np.diff(data.subject[order])) + 1)
        units += parts
        labels += [label] * len(parts)
    return units, np.array(labels)


def _features(data: Dataset, units: Sequence[Any]) -> dict[str, Counts]:
    items = data.items
    words: Mapping[str, Sequence[str]] = {
        "shape": [word or _UNKNOWN for word in items.shape],
        "rim": [word or _UNKNOWN for word in items.rim],
        "material": [word or _UNKNOWN for word in items.material],
        "colour": [colours[0] if colours else _UNKNOWN for colours in items.colours],
        "price": _binned(items.price),
        "width": _binned(items.width_mm),
        "products": _frequent(items, data.item[np.concatenate(list(units))]),
    }
    return {
        name: _counted([[of[code] for code in data.item[unit]] for unit in units])
        for name, of in words.items()
        if len(set(of)) > 1
    }


def _answers(data: Dataset, units: Sequence[Any], predict: Predict, seed: int) -> Counts:
    """Counts of the products that the champion shows to each unit; of very many units to a sample, the others count nothing."""
    chosen = np.random.default_rng(seed).permutation(len(units))[:_UNITS]
    shown: list[list[str]] = [[] for _ in units]
    for place in chosen:
        bought = tuple(dict.fromkeys(data.items.ids[code] for code in data.item[units[place]]))
        shown[place] = list(predict(bought))[:10]
    frequent = _most([item for row in shown for item in row])
    return _counted([[item if item in frequent else "other" for item in row] for row in shown])


def _frequent(items: Items, bought: Any) -> list[str]:
    frequent = _most([items.ids[code] for code in bought])
    return [item if item in frequent else "other" for item in items.ids]


def _most(names: Sequence[str]) -> frozenset[str]:
    found, counts = np.unique(np.array(names, dtype=np.str_), return_counts=True)
    return frozenset(found[np.argsort(-counts, kind="stable")[:_FREQUENT]].tolist())


def _binned(values: Sequence[float | None]) -> list[str]:
    known = np.array([value for value in values if value is not None], np.float64)
    if not len(known):
        return [_UNKNOWN] * len(values)
    edges = np.unique(np.quantile(known, np.linspace(0, 1, _BINS + 1)[1:-1]))
    return [_UNKNOWN if value is None else str(int(np.searchsorted(edges, value))) for value in values]


def _counted(rows: Sequence[Sequence[str]]) -> Counts:
    """How often each category occurs in each row, [rows, categories]."""
    categories = {name: place for place, name in enumerate(sorted({name for row in rows for name in row}))}
    places = [categories[name] for row in rows for name in row]
    numbers = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    shape = (len(rows), max(1, len(categories)))
    return np.asarray(sparse.csr_array((np.ones(len(places)), (numbers, places)), shape=shape).toarray())
