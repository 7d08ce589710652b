"""Whether a bundle agrees with itself: lengths, orders, codes in range, finite numbers. A bundle in; ValueError or nothing out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from varai.learning.words import Neighbours

if TYPE_CHECKING:
    from varai.learning.bundle import Bundle

_PSEUDONYM: Final = re.compile(rb"[0-9a-f]{32}")
_REASONS: Final = 5


def check(bundle: Bundle) -> None:
    """Pass a bundle that can be served whatever is asked of it.

    Raises:
        ValueError: naming what is wrong, without a value of it.
    """
    n = len(bundle)
    _need(list(bundle.item_ids) == sorted(set(bundle.item_ids)), "items are not sorted")
    _need(bundle.as_of.tzinfo is not None, "the snapshot's instant has no zone")
    _need(np.isfinite([bundle.prior_weight, bundle.alike_weight]).all(), "a weight is no number")
    _need(bundle.prior_weight > 0, "the prior weighs nothing, so that most items have no order")
    _need(len(bundle.created) == len(bundle.prior) == n, "items are not whole")
    _need(np.isfinite(bundle.prior).all(), "the prior is no number")
    _need(np.array_equal(np.sort(bundle.popular), np.arange(n)), "the popular are not all items")
    for neighbours in (bundle.near, bundle.alike):
        _neighbours(neighbours, n)
    for attribute in bundle.attributes.values():
        _need(all(isinstance(word, str) for word in attribute.words), "a word is no text")
        _need(len(attribute.items) == len(attribute.held), "words are not whole")
        _codes(attribute.items, n, least=0)
        _codes(attribute.held, len(attribute.words), least=0)
    _subjects(bundle, n)


def _subjects(bundle: Bundle, n: int) -> None:
    s = len(bundle.subjects)
    names = bundle.subjects.tolist()
    _need(all(_PSEUDONYM.fullmatch(name) for name in names), "a subject is no pseudonym")
    _need(names == sorted(set(names)), "subjects are not sorted")
    _need(len(bundle.starts) == s + 1 and bundle.starts[0] == 0, "histories are not whole")
    _need(bundle.starts[-1] == len(bundle.history) and (np.diff(bundle.starts) >= 0).all(), "histories are not whole")
    _codes(bundle.history, n, least=0)
    shape = bundle.lists.shape
    _need(shape[0] == s and bundle.list_scores.shape == bundle.list_reasons.shape == shape, "lists are not whole")
    _codes(bundle.lists, n, least=-1)
    _need(np.isfinite(bundle.list_scores).all(), "a score is no number")
    _codes(bundle.list_reasons, _REASONS, least=0)


def _neighbours(neighbours: Neighbours, n: int) -> None:
    shape = neighbours.indices.shape
    _need(shape[0] == n and neighbours.weights.shape == shape, "neighbours are not whole")
    _codes(neighbours.indices, n, least=-1)
    _need(np.isfinite(neighbours.weights).all(), "a weight is no number")


def _codes(codes: Any, n: int, *, least: int) -> None:
    _need(codes.size == 0 or (int(codes.min()) >= least and int(codes.max()) < n), "a code is out of range")


def _need(holds: Any, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)
