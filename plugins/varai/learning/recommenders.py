"""The candidates. A matrix of who bought what in; a prior over items or weights between items out.

All reduce to the one form of `varai.learning.words.Fitted`: a prior of n items and sparse n x n matrices of at most `KEEP`
weights per row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.linalg.lapack import spotrf, spotri

from varai.kernel import Malformed
from varai.learning.words import Floats, Neighbours

Ints = npt.NDArray[np.integer[Any]]
Sparse = Any
"""A scipy.sparse.csr_array of float32, indices sorted."""

KEEP: Final = 100
"""Weights kept per item: the largest by size, negative ones too, for they say what does not go together."""

MOST_DENSE: Final = 10_000
"""Items up to which EASE inverts its matrix: 400 MB of float32 at most. ALS does the work above."""

DAY: Final = 86_400
_TILE: Final = 256
_BLOCK: Final = 2**22
_ROUNDS: Final = 8
_STEPS: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class Scorer:
    """The one form while it is judged. `prior` is float32 [n] with maximum 1 (or all 0); matrices are n x n."""

    prior: Floats
    near: Sparse
    alike: Sparse
    prior_weight: float
    alike_weight: float


def popularity(item: Ints, n_items: int) -> Floats:
    """Share of purchases by item, scaled so that the best has 1. `item` holds one code per purchase."""
    return _scaled(np.bincount(item, minlength=n_items))


def decayed_popularity(item: Ints, at: Ints, now: int, half_life_days: float, n_items: int) -> Floats:
    """Popularity in which a purchase counts half after each `half_life_days`; instants are seconds since 1970."""
    weights = np.exp2(-(now - at) / (half_life_days * DAY))
    return _scaled(np.bincount(item, weights=weights, minlength=n_items))


def co_counts(bought: Sparse) -> Sparse:
    """Subjects who bought both, for each pair of items: XtX of the 0/1 matrix [subjects, n], CSR [n, n]."""
    return _sorted(sparse.csr_array(bought.T @ bought))


def item_knn(together: Sparse, shrinkage: float) -> Sparse:
    """Cosine between items with shrinkage: c(i, j) / (sqrt(c(i, i) c(j, j)) + shrinkage), without the diagonal.

    Formula: Sarwar et al. 2001, "Item-based collaborative filtering recommendation algorithms", with the shrinkage of
    Koren and Bell, "Advances in collaborative filtering" (Recommender Systems Handbook), section 5.2.

    Args:
        together: `co_counts`.
        shrinkage: pulls pairs with little evidence towards 0; not negative.
    """
    norm = np.sqrt(together.diagonal().astype(np.float64))
    rows = np.repeat(np.arange(together.shape[0]), np.diff(together.indptr))
    below = norm[rows] * norm[together.indices] + shrinkage
    weights = together.copy()
    weights.data = np.where(rows == together.indices, 0.0, together.data / np.maximum(below, 1e-12)).astype(np.float32)
    return cut(weights, KEEP)


def ease(together: Sparse, l2: float) -> Sparse:
    """EASE: B = I - P / diag(P), with P = (XtX + l2 I)^-1; B has a zero diagonal and predicts X by X B.

    Formula: Steck 2019, "Embarrassingly shallow autoencoders for sparse data", equation 8. One Cholesky inversion in
    float32: n^3 floating-point operations, n^2 * 4 bytes.

    Args:
        together: `co_counts` of at most MOST_DENSE items.
        l2: strength of the regularisation; positive.

    Raises:
        Malformed: the matrix is not positive definite, which only a broken XtX can be.
    """
    gram = together.toarray().astype(np.float32, copy=False).T
    size = np.arange(len(gram))
    gram[size, size] += np.float32(l2)
    factor, failed = spotrf(gram, lower=1, overwrite_a=1)
    inverse, failed_too = spotri(factor, lower=1, overwrite_c=1)
    if failed or failed_too:
        raise Malformed("The matrix of purchases cannot be inverted.", "Check that the counts of pairs are counts.")
    # LAPACK fills one triangle, column by column: seen row by row that is the upper one, which is copied down.
    whole = inverse.T
    for first in range(0, len(whole), _TILE):
        last = first + _TILE
        corner = whole[first:last, first:last]
        whole[first:last, first:last] = np.triu(corner) + np.triu(corner, 1).T
        whole[last:, first:last] = whole[first:last, last:].T
    whole /= -np.diag(whole)
    whole[size, size] = 0.0
    return cut(whole, KEEP)


def als(bought: Sparse, l2: float, confidence: float, factors: int, seed: int) -> Sparse:
    """Implicit ALS folded into weights between items: W = c Y (YtY + l2 I)^-1 Yt, without the diagonal.

    Alternates x_u = (YtY + Yt (C_u - I) Y + l2 I)^-1 Yt C_u p_u for subjects and items (Hu, Koren and Volinsky 2008,
    equation 4) by `_STEPS` conjugate-gradient steps each (Takacs, Pilaszy and Tikk 2011); a subject's later history is folded
    in without C_u - I, so that scores stay sums over items.

    Args:
        bought: 0/1 matrix [subjects, n].
        confidence: what a purchase weighs beyond the 1 of everything else.
        factors: length of the vectors.
        seed: of the first item vectors.
    """
    dice = np.random.default_rng(seed)
    columns = _sorted(sparse.csr_array(bought.T))
    items = (dice.standard_normal((bought.shape[1], factors)) / factors).astype(np.float32)
    subjects = np.zeros((bought.shape[0], factors), np.float32)
    for _ in range(_ROUNDS):
        subjects = _solve(bought, subjects, items, l2, confidence)
        items = _solve(columns, items, subjects, l2, confidence)
    inner = np.linalg.inv(items.T @ items + np.float32(l2) * np.eye(factors, dtype=np.float32))
    folded = np.asarray((1.0 + confidence) * (items @ inner), np.float32)
    return cut_product(folded, items, KEEP)


def _solve(bought: Sparse, start: Floats, fixed: Floats, l2: float, confidence: float) -> Floats:
    """Conjugate gradients on all rows at once; `start` [rows, f] is the first guess, `fixed` [columns, f] the other side."""
    gram = fixed.T @ fixed + np.float32(l2) * np.eye(fixed.shape[1], dtype=np.float32)
    rows = np.repeat(np.arange(bought.shape[0]), np.diff(bought.indptr))
    seen = bought.copy()

    def times(x: Floats) -> Floats:
        seen.data = confidence * np.einsum("ij,ij->i", x[rows], fixed[bought.indices])
        return np.asarray(x @ gram + seen @ fixed, np.float32)

    x = start.copy()
    residual = np.asarray((1.0 + confidence) * (bought @ fixed), np.float32) - times(x)
    step, squared = residual.copy(), np.einsum("ij,ij->i", residual, residual)
    for _ in range(_STEPS):
        image = times(step)
        length = squared / np.maximum(np.einsum("ij,ij->i", step, image), 1e-12)
        x += length[:, None] * step
        residual -= length[:, None] * image
        after = np.einsum("ij,ij->i", residual, residual)
        step = residual + (after / np.maximum(squared, 1e-12))[:, None] * step
        squared = after
    return x.astype(np.float32)


def cut_product(left: Floats, right: Floats, keep: int) -> Sparse:
    """`cut` of left @ right.T without its diagonal, made row by row in blocks so that it is never whole in memory."""
    n, parts = len(left), []
    step = max(1, _BLOCK // max(1, n))
    for first in range(0, n, step):
        block = left[first : first + step] @ right.T
        block[np.arange(len(block)), np.arange(first, first + len(block))] = 0.0
        parts.append(cut(block, keep))
    return _sorted(sparse.csr_array(sparse.vstack(parts, format="csr"))) if parts else nothing(n)


def cut(weights: Any, keep: int) -> Sparse:
    """The `keep` weights of each row that are largest by size, zeros left out; of equals those of the lower column.

    Args:
        weights: a dense array or CSR matrix [rows, n].

    Raises:
        Malformed: a weight is not finite.
    """
    rows, n = weights.shape
    counts, columns, values = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0, np.float32)]
    step = max(1, _BLOCK // max(1, n))
    for first in range(0, rows, step):
        block = weights[first : first + step]
        block = block if isinstance(block, np.ndarray) else block.toarray()
        if not np.isfinite(block).all():
            raise Malformed(
                "A weight between items is not a finite number.", "Raise l2 or shrinkage in the model's grid."
            )
        chosen = _largest(np.abs(block), keep)
        counts.append(chosen.sum(axis=1))
        columns.append(np.nonzero(chosen)[1])
        values.append(block[chosen])
    ends = np.concatenate([[0], np.cumsum(np.concatenate(counts))]).astype(np.int32)
    data = np.concatenate(values).astype(np.float32)
    return sparse.csr_array((data, np.concatenate(columns).astype(np.int32), ends), shape=(rows, n))


def nothing(n_items: int) -> Sparse:
    """No weights at all, CSR [n, n]."""
    return sparse.csr_array((n_items, n_items), dtype=np.float32)


def padded(matrix: Sparse) -> Neighbours:
    """A sparse n x n matrix as arrays that numpy alone can read; K is the length of its longest row."""
    lengths = np.diff(matrix.indptr)
    longest = int(lengths.max(initial=0))
    filled = np.arange(longest) < lengths[:, None]
    indices = np.full(filled.shape, -1, np.int32)
    weights = np.zeros(filled.shape, np.float32)
    indices[filled], weights[filled] = matrix.indices, matrix.data
    return Neighbours(indices, weights)


def _largest(sizes: Floats, keep: int) -> Any:
    """True at the `keep` largest of each row that are not 0; of equals at the first."""
    n = sizes.shape[1]
    if n <= keep:
        return sizes > 0
    bound = np.partition(sizes, n - keep, axis=1)[:, n - keep, None]
    chosen = sizes >= bound
    for row in np.flatnonzero(chosen.sum(axis=1) > keep):
        equal = np.flatnonzero(sizes[row] == bound[row])
        chosen[row, equal[len(equal) + keep - chosen[row].sum() :]] = False
    return chosen & (sizes > 0)


def _scaled(counts: npt.NDArray[Any]) -> Floats:
    most = counts.max(initial=0.0)
    return np.asarray(counts / most if most > 0 else counts, np.float32)


def _sorted(matrix: Sparse) -> Sparse:
    matrix.sort_indices()
    return matrix
