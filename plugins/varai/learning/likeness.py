"""Likeness of products by what they look like and cost, for those nobody bought yet. Items in, weights between items out."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Final

import numpy as np

from varai.learning.recommenders import KEEP, Sparse, cut_product
from varai.learning.words import Floats, Items

STEP_MM: Final = 4.0
"""Two frame sizes of a model differ by about this much; at one step apart two widths have nothing in common."""

STEP_PRICE: Final = float(np.log(1.5))
"""Prices that differ by half have nothing in common."""

GROUPS: Final = 6
"""shape, rim, material, colour, size, price: each counts a sixth where both items know it, nothing otherwise."""


def likeness(items: Items) -> Sparse:
    """For each item the KEEP others most alike, CSR [n, n] of 0..1 without its diagonal.

    Words count when they are equal; colours by the cosine of the two sets; width and price fall off linearly with distance
    (size in steps of STEP_MM, price in steps of STEP_PRICE of its logarithm), by interpolation between steps, scaled to length 1.
    """
    groups = (
        _sets([[] if word is None else [word] for word in items.shape]),
        _sets([[] if word is None else [word] for word in items.rim]),
        _sets([[] if word is None else [word] for word in items.material]),
        _sets(items.colours),
        _steps(items.width_mm, STEP_MM, logarithmic=False),
        _steps(items.price, STEP_PRICE, logarithmic=True),
    )
    vectors = np.hstack(groups) / np.float32(np.sqrt(GROUPS))
    return cut_product(vectors, vectors, KEEP)


def _sets(words: Sequence[Iterable[Hashable]]) -> Floats:
    """One column per word seen, rows of length 1; a row without words is 0."""
    columns = {word: place for place, word in enumerate(sorted({str(word) for row in words for word in row}))}
    found = np.zeros((len(words), len(columns)), np.float32)
    for row, held in enumerate(words):
        for word in held:
            found[row, columns[str(word)]] = 1.0
    return _unit(found)


def _steps(values: Sequence[float | None], step: float, *, logarithmic: bool) -> Floats:
    """Each value shared between the two steps beside it, rows of length 1; an unknown or impossible value gives a row of 0."""
    raw = np.array([np.nan if value is None or value <= 0 else value for value in values], np.float64)
    places = (np.log(raw) if logarithmic else raw) / step
    known = np.isfinite(places)
    if not known.any():
        return np.zeros((len(values), 0), np.float32)
    places = places - np.floor(places[known].min())
    # A hostile price may be 1e300: what lies beyond the last step is alike among itself.
    places = np.minimum(places, 200.0)
    rows, lower = np.flatnonzero(known), np.floor(places[known]).astype(np.int64)
    found = np.zeros((len(values), int(lower.max()) + 2), np.float32)
    found[rows, lower] = 1.0 - (places[known] - lower)
    found[rows, lower + 1] = places[known] - lower
    return _unit(found)


def _unit(rows: Floats) -> Floats:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(length > 0, length, 1.0), np.float32)
