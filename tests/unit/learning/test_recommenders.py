"""Each candidate equals its formula, written down a second time without sparse matrices or float32."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy import sparse

from varai.kernel import Malformed
from varai.learning import recommenders as r

bought = npst.arrays(
    np.float32, st.tuples(st.integers(1, 30), st.integers(1, 20)), elements=st.sampled_from([0.0, 1.0])
)


def csr(dense: Any) -> Any:
    return sparse.csr_array(dense)


@given(bought, st.floats(0.5, 500))
@settings(deadline=None)
def test_ease_is_its_closed_form(x: Any, l2: float) -> None:
    inverse = np.linalg.inv(x.T.astype(np.float64) @ x + l2 * np.eye(x.shape[1]))
    expected = -inverse / np.diag(inverse)
    np.fill_diagonal(expected, 0.0)
    found = r.ease(r.co_counts(csr(x)), l2).toarray()
    assert np.allclose(found, expected, atol=1e-4)


def test_ease_is_whole_beyond_one_tile() -> None:
    """Both triangles and all tiles: more items than two tiles hold."""
    x = (np.random.default_rng(3).random((900, 600)) < 0.02).astype(np.float32)
    inverse = np.linalg.inv(x.T.astype(np.float64) @ x + 50 * np.eye(600))
    expected = -inverse / np.diag(inverse)
    np.fill_diagonal(expected, 0.0)
    found = r.ease(r.co_counts(csr(x)), 50.0)
    assert np.diff(found.indptr).max() <= r.KEEP
    kept = found.toarray() != 0
    assert np.allclose(found.toarray()[kept], expected[kept], atol=1e-5)
    assert np.abs(expected[~kept]).max() <= np.abs(expected).max()
    for row in range(600):
        least_kept = np.abs(expected[row][kept[row]]).min()
        assert np.abs(expected[row][~kept[row]]).max() <= least_kept + 1e-5


@given(bought, st.floats(0, 50))
@settings(deadline=None)
def test_item_knn_is_the_shrunk_cosine(x: Any, shrinkage: float) -> None:
    n = x.shape[1]
    expected = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            both = float((x[:, i] * x[:, j]).sum())
            below = float(np.sqrt(x[:, i].sum() * x[:, j].sum())) + shrinkage
            expected[i, j] = 0.0 if i == j or not both else both / below
    assert np.allclose(r.item_knn(r.co_counts(csr(x)), shrinkage).toarray(), expected, atol=1e-6)


def test_als_finds_what_is_bought_together() -> None:
    dice = np.random.default_rng(5)
    x = np.zeros((200, 30), np.float32)
    for person in range(200):
        x[person, dice.choice(15, 6, replace=False) + 15 * (person % 2)] = 1.0
    weights = r.als(csr(x), 1.0, 20.0, 8, 1).toarray()
    own = np.add.outer(np.arange(30) // 15, np.arange(30) // 15) != 1
    np.fill_diagonal(own, False)
    across = np.add.outer(np.arange(30) // 15, np.arange(30) // 15) == 1
    assert weights[own].mean() > 10 * abs(weights[across].mean())
    assert np.diag(weights).any() == np.False_
    assert (r.als(csr(x), 1.0, 20.0, 8, 1) != r.als(csr(x), 1.0, 20.0, 8, 1)).nnz == 0


def test_a_conjugate_gradient_solves_the_equation_of_als() -> None:
    """With as many steps as factors it is exact; ours are few, from a warm start: so ask often."""
    dice = np.random.default_rng(6)
    x = (dice.random((12, 9)) < 0.4).astype(np.float32)
    y = dice.standard_normal((9, 3)).astype(np.float32)
    found = np.zeros((12, 3), np.float32)
    for _ in range(5):
        found = r._solve(csr(x), found, y, 2.0, 7.0)
    for row in range(12):
        weights = 1.0 + 7.0 * x[row]
        expected = np.linalg.solve((y.T * weights) @ y + 2.0 * np.eye(3), (y.T * weights) @ x[row])
        assert np.allclose(found[row], expected, atol=1e-4)


@given(
    npst.arrays(np.float32, st.tuples(st.integers(1, 8), st.integers(1, 12)), elements=st.sampled_from([-2.0, -1.0, 0.0, 1.0, 2.0])),
    st.integers(1, 12),
)  # fmt: skip
@settings(deadline=None)
def test_cut_keeps_the_largest_and_of_equals_the_first(dense: Any, keep: int) -> None:
    expected = np.zeros_like(dense)
    for row in range(len(dense)):
        for column in sorted(range(dense.shape[1]), key=lambda c: (-abs(dense[row, c]), c))[:keep]:
            expected[row, column] = dense[row, column]
    assert (r.cut(dense, keep).toarray() == expected).all()
    found = r.cut(csr(dense), keep)
    assert (found.toarray() == expected).all()
    packed = r.padded(found)
    again = np.zeros_like(dense)
    for row, (codes, weights) in enumerate(zip(packed.indices, packed.weights, strict=True)):
        assert list(codes[codes >= 0]) == sorted(codes[codes >= 0])
        again[row, codes[codes >= 0]] = weights[codes >= 0]
        assert not weights[codes < 0].any()
    assert (again == expected).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_weight_that_is_no_number_is_refused(bad: float) -> None:
    with pytest.raises(Malformed):
        r.cut(np.array([[1.0, bad]], np.float32), 1)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 400)), min_size=1, max_size=60), st.floats(1, 400))
@settings(deadline=None)
def test_decay_halves_a_purchase_with_every_half_life(bought: list[tuple[int, int]], half_life: float) -> None:
    item, days = (np.array(column) for column in zip(*bought, strict=True))
    expected = np.zeros(7)
    for one, ago in bought:
        expected[one] += 0.5 ** (ago / half_life)
    found = r.decayed_popularity(item, -days * r.DAY, 0, half_life, 7)
    assert np.allclose(found, expected / expected.max(), atol=1e-6)
    counts = np.bincount(item, minlength=7)
    assert np.allclose(r.popularity(item, 7), counts / counts.max())


def test_nobody_bought_anything() -> None:
    empty = sparse.csr_array((3, 4), dtype=np.float32)
    assert not r.popularity(np.zeros(0, np.int64), 4).any()
    assert r.ease(r.co_counts(empty), 1.0).nnz == r.item_knn(r.co_counts(empty), 0.0).nnz == 0
    assert r.padded(r.nothing(4)).indices.shape == (4, 0)
