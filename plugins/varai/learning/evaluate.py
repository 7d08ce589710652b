"""How good a recommender would have been. Purchases parted by time in; metrics per subject and their differences out.

One global split: what came before an instant is known, what was bought for the first time after it is asked for. Subjects are
judged who have both. Never a random split: it would let the future teach the past.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from scipy import sparse
from scipy.stats import bootstrap

from varai.learning.recommenders import DAY, Scorer, Sparse
from varai.learning.spec import PromoteIf, Windows
from varai.learning.words import Codes, Dataset, Floats, Interval, Longs, Scores, Spans

TOP: Final = 10
_BLOCK: Final = 2**22


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """Purchases before `until` (seconds, exclusive): all that a fit may see. `bought` is the 0/1 matrix [s, n]."""

    until: int
    item: Codes
    at: Longs
    bought: Sparse


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """What is asked: `rows` are the subjects judged, `asked` [s, n] their first purchases in the window, 0/1."""

    known: Known
    rows: Longs
    asked: Sparse

    def sample(self, most: int, seed: int) -> Window:
        """The same question to at most so many subjects, drawn by the seed."""
        if len(self.rows) <= most:
            return self
        rows = np.sort(np.random.default_rng(seed).choice(self.rows, most, replace=False))
        return Window(self.known, rows, self.asked)


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Metrics of each subject judged, float64 [len(rows)], in the order of the window's rows; and what was shown."""

    ndcg: Any
    recall: Any
    mrr: Any
    coverage: float
    novelty: float

    def of(self, metric: str) -> Any:
        """Values of "ndcg@10", "recall@10" or "mrr@10"."""
        return getattr(self, metric.partition("@")[0])

    def scores(self) -> Scores:
        """Means over the subjects."""
        ndcg, recall, mrr = (float(np.mean(each)) if len(each) else 0.0 for each in (self.ndcg, self.recall, self.mrr))
        return Scores(ndcg, recall, mrr, self.coverage, self.novelty)


def spans(data: Dataset, windows: Windows) -> Spans:
    """Where the history is parted; `until` is the last purchase. An empty dataset has no spans: give it none."""
    last, first = int(data.at.max()), int(data.at.min())
    test = last + 1 - windows.test_days * DAY
    return Spans(_instant(first), _instant(test - windows.validation_days * DAY), _instant(test), _instant(last))


def known_until(data: Dataset, until: int) -> Known:
    """Everything bought before an instant, seconds since 1970."""
    before = data.at < until
    return Known(until, data.item[before], data.at[before], _matrix(data, before))


def window(data: Dataset, start: datetime, end: datetime | None) -> Window:
    """Ask for what was bought for the first time from `start` to before `end` (None: to the last purchase)."""
    begin = int(start.timestamp())
    known = known_until(data, begin)
    inside = (data.at >= begin) & (data.at < (int(end.timestamp()) if end else int(data.at.max()) + 1))
    bought = _matrix(data, inside)
    asked = sparse.csr_array(bought - bought.multiply(known.bought))
    asked.eliminate_zeros()
    asked.sort_indices()
    judged = (np.diff(known.bought.indptr) > 0) & (np.diff(asked.indptr) > 0)
    return Window(known, np.flatnonzero(judged), asked)


def digest(data: Dataset, asked: Window) -> str:
    """SHA-256 (hex) of who is asked for what: equal exactly when two windows put the same questions."""
    found = hashlib.sha256()
    for row in asked.rows:
        first, last = asked.asked.indptr[row : row + 2]
        wanted = ",".join(data.items.ids[code] for code in asked.asked.indices[first:last])
        found.update(f"{data.subjects[row]}:{wanted}\n".encode())
    return found.hexdigest()


def judge(scorer: Scorer, asked: Window) -> Judged:
    """Rank for each subject all items not bought before, and compare the first ten with what is asked for."""
    n = asked.asked.shape[1]
    step, found = max(1, _BLOCK // max(1, n)), []
    for first in range(0, len(asked.rows), step):
        rows = asked.rows[first : first + step]
        held = asked.known.bought[rows]
        scores = scorer.prior_weight * scorer.prior + (held @ scorer.near).toarray()
        if scorer.alike_weight:
            scores += scorer.alike_weight * (held @ scorer.alike).toarray()
        found.append(first_ten(hide(scores, held)))
    shown = np.concatenate([np.zeros((0, min(TOP, n)), np.int64), *found])
    return measure(shown, asked)


def hide(scores: Floats, held: Sparse) -> Floats:
    """The scores [rows, n] with -inf for what the subjects have bought already; changes its argument."""
    scores[np.repeat(np.arange(held.shape[0]), np.diff(held.indptr)), held.indices] = -np.inf
    return scores


def first_ten(scores: Floats) -> Longs:
    """Codes of each row's TOP best, by score from above, then by code; -1 where the score is -inf. [rows, min(TOP, n)]."""
    n = scores.shape[1]
    keep = min(TOP, n)
    best = np.argpartition(scores, n - keep, axis=1)[:, n - keep :]
    bound = np.take_along_axis(scores, best, 1).min(axis=1, initial=np.inf)
    # A partition chooses among equals as it likes; where equals stand on both sides of the border, the row is sorted whole.
    for row in np.flatnonzero((scores >= bound[:, None]).sum(axis=1) > keep):
        best[row] = np.argsort(-scores[row], kind="stable")[:keep]
    values = np.take_along_axis(scores, best, 1)
    order = np.lexsort((best, -values))
    best, values = np.take_along_axis(best, order, 1), np.take_along_axis(values, order, 1)
    return np.where(np.isneginf(values), -1, best)


def measure(shown: Longs, asked: Window) -> Judged:
    """NDCG, recall and reciprocal rank at 10 with binary relevance, of lists [len(rows), <= TOP] of codes; -1 is no item.

    NDCG: Jarvelin and Kekalainen 2002 with gain 1 and discount 1 / log2(rank + 1), divided by the best that is possible;
    recall: hits / what is asked for; MRR: 1 / rank of the first hit, 0 without one; novelty: Vargas and Castells 2011.
    """
    n, many = asked.asked.shape[1], np.diff(asked.asked.indptr)[asked.rows]
    # Sorted (row, item) pairs as single numbers: one search finds every hit, without a dense matrix.
    wanted = np.concatenate([[-1], _pairs(asked.asked, n)])
    pairs = np.where(shown >= 0, asked.rows[:, None] * n + shown, -2)
    place = np.searchsorted(wanted, pairs, side="right") - 1
    hits = (wanted[place] == pairs) & (shown >= 0)
    discount = 1.0 / np.log2(np.arange(2, TOP + 2))
    ideal = np.cumsum(discount)[np.minimum(many, TOP) - 1]
    first = hits.argmax(axis=1) if hits.shape[1] else np.zeros(len(hits), np.int64)
    seen = shown[shown >= 0]
    buyers = np.maximum(np.bincount(asked.known.bought.indices, minlength=n), 1) / max(1, asked.known.bought.shape[0])
    return Judged(
        ndcg=(hits * discount[: hits.shape[1]]).sum(axis=1) / ideal,
        recall=hits.sum(axis=1) / np.maximum(many, 1),
        mrr=np.where(hits.any(axis=1), 1.0 / (first + 1), 0.0),
        coverage=len(np.unique(seen)) / max(1, n),
        novelty=float(np.mean(-np.log2(buyers[seen]))) if len(seen) else 0.0,
    )


def interval(one: Any, other: Any, rule: PromoteIf, seed: int) -> Interval:
    """Paired bootstrap over subjects (percentile) of mean(one - other); both float [subjects], at least one subject.

    The percentile interval, as its memory does not grow with the square of the subjects as that of BCa does; of a mean over
    at least `Least.judged` subjects the two hardly differ.
    """
    difference = np.asarray(one, np.float64) - np.asarray(other, np.float64)
    if len(difference) < 2 or np.ptp(difference) == 0.0:
        point = float(difference.mean())
        return Interval(point, point, rule.confidence, rule.resamples)
    found = bootstrap(
        (one, other),
        lambda a, b, axis: np.mean(a - b, axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=rule.resamples,
        batch=max(1, _BLOCK // len(difference)),
        confidence_level=rule.confidence,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Interval(float(found.low), float(found.high), rule.confidence, rule.resamples)


def _matrix(data: Dataset, where: Any) -> Sparse:
    shape = (len(data.subjects), len(data.items))
    places = (data.subject[where], data.item[where])
    found = sparse.csr_array((np.ones(len(places[0]), np.float32), places), shape=shape)
    found.sum_duplicates()
    found.data[:] = 1.0
    found.sort_indices()
    return found


def _pairs(matrix: Sparse, n: int) -> Any:
    rows = np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr))
    return rows * n + matrix.indices


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
