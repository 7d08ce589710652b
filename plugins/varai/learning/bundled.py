"""What training gives becomes what serving holds: a trained model in, a bundle out; personal data."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from varai.kernel import Malformed, Scope
from varai.learning.bundle import ATTRIBUTES, Attribute, Bundle, mapping_version
from varai.learning.recommend import LISTED, listed
from varai.learning.words import Codes, Items, Trained

_LEAST_PRIOR: Final = 1e-6
"""What the prior weighs where the choice gives it nothing: so much that it orders items for which nothing else speaks."""


def bundle_of(scope: Scope, trained: Trained) -> Bundle:
    """The bundle of what training chose for a tenant. Where that is the floor's own recipe, the bundle says so.

    Args:
        scope: of the tenant.
        trained: its `chosen` is served; where the floor is to be, put it there.

    Raises:
        Malformed: the scope names no tenant.
    """
    if scope.tenant is None:
        raise Malformed("A model belongs to one tenant.", "Give the scope of a tenant, not of a region.")
    fitted = trained.chosen
    items = trained.items
    subjects, n = np.array([each.encode() for each in trained.subjects], "S32"), len(items)
    empty = Bundle(
        region=scope.region,
        tenant=scope.tenant,
        model=trained.model,
        mapping=mapping_version(),
        snapshot_id=trained.snapshot_id,
        as_of=trained.as_of,
        candidate=fitted.choice.candidate,
        floor=fitted.choice == trained.floor.choice,
        prior_weight=max(float(fitted.prior_weight), _LEAST_PRIOR),
        alike_weight=float(fitted.alike_weight),
        item_ids=items.ids,
        created=np.array([-1 if at is None else int(at.timestamp()) for at in items.created_at], np.int64),
        attributes=dict(zip(ATTRIBUTES, _attributes(items), strict=True)),
        prior=fitted.prior,
        popular=np.lexsort((np.arange(n), -fitted.prior)).astype(np.int32),
        near=fitted.near,
        alike=fitted.alike,
        subjects=subjects,
        starts=trained.starts,
        history=trained.history,
        lists=np.zeros((len(subjects), 0), np.int32),
        list_scores=np.zeros((len(subjects), 0), np.float64),
        list_reasons=np.zeros((len(subjects), 0), np.uint8),
    )
    return with_lists(empty)


def with_lists(bundle: Bundle) -> Bundle:
    """The bundle with what it would show each subject, computed beforehand by the same sum as without."""
    shape = (len(bundle.subjects), LISTED)
    codes, scores, reasons = np.full(shape, -1, np.int32), np.zeros(shape, np.float64), np.zeros(shape, np.uint8)
    for row in range(len(bundle.subjects)):
        for place, (code, score, reason) in enumerate(listed(bundle, row)):
            codes[row, place], scores[row, place], reasons[row, place] = code, score, reason
    return replace(bundle, lists=codes, list_scores=scores, list_reasons=reasons)


def without(bundle: Bundle, subjects: Collection[str]) -> Bundle:
    """The bundle without these people: their pseudonyms, what they bought, and their lists. All else stays, bit for bit."""
    kept = ~np.isin(bundle.subjects, np.array([each.encode() for each in subjects], "S32"))
    counts = np.diff(bundle.starts)
    return replace(
        bundle,
        subjects=bundle.subjects[kept],
        starts=np.cumsum([0, *counts[kept]], dtype=np.int64),
        history=bundle.history[np.repeat(kept, counts)],
        lists=bundle.lists[kept],
        list_scores=bundle.list_scores[kept],
        list_reasons=bundle.list_reasons[kept],
    )


def _attributes(items: Items) -> Iterable[Attribute]:
    for single in (items.shape, items.rim, items.material):
        yield _attribute([() if word is None else (word,) for word in single])
    yield _attribute(items.colours)


def _attribute(held: Sequence[Sequence[str]]) -> Attribute:
    words = tuple(sorted(set(itertools.chain.from_iterable(held))))
    place = {word: code for code, word in enumerate(words)}
    pairs = [(item, place[word]) for item, own in enumerate(held) for word in sorted(set(own))]
    return Attribute(words, _codes(item for item, _ in pairs), _codes(word for _, word in pairs))


def _codes(codes: Iterable[int]) -> Codes:
    return np.fromiter(codes, np.int32)
