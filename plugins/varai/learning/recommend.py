"""Answers a model gives: a bundle, what may be shown, and what is asked in; items in order, each with its reason, out. Pure.

Equal arguments give equal answers, bit for bit: sums run in a fixed order, equals are broken by item id, chance is seeded.

The score of item i, as in training but that items of a visit count too:

    prior_weight * prior[i] + sum over j bought of (near[j, i] + alike_weight * alike[j, i])
                            + sum over j viewed, and the product beside it, of (near[j, i] + w(j) * alike[j, i])

where w(j) is alike_weight, or 1 for an item that nobody bought yet: of it only its attributes are known. Shown is only what
something speaks for, and new arrivals. The score of a new arrival that is explored is its prior's part alone.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from varai.learning.bundle import REASONS, Booleans, Bundle, Doubles, Rows
from varai.learning.words import Codes

COUNTED: Final = 50
"""Viewed items that count: the last ones."""

LISTED: Final = 50
"""Items precomputed per subject."""

_TOGETHER, _VIEWED, _POPULAR, _ALIKE, _NEW = range(len(REASONS))
_TRIES: Final = 4
_BEHIND: Final = 10


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked. Items the bundle does not know have no effect.

    Attributes:
        subject: pseudonym of a customer; None: a visitor.
        viewed: item ids, the latest last; each counts once, and only the last COUNTED.
        product: item id of the page this is for.
        similar: only what looks and costs like `product`.
        again: also what the subject has bought.
        limit: items at most, positive.
        filters: of attributes and prices; they are applied to what is eligible before anything is ranked.
        explore: share of the answer given to new arrivals by chance, 0..1.
    """

    subject: str | None = None
    viewed: tuple[str, ...] = ()
    product: str | None = None
    similar: bool = False
    again: bool = False
    limit: int = 10
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    explore: float = 0.0


class Shown(NamedTuple):
    """An item of an answer: its id, its score, one of REASONS, and whether chance put it there."""

    item: str
    score: float
    reason: str
    explored: bool

    def told(self) -> dict[str, Any]:
        """As a shop is told, and told again: feed and product apart."""
        feed, _, product = self.item.partition("/")
        return {"feed": feed, "product": product, "score": self.score, "reason": self.reason, "explored": self.explored}


Answer = tuple[Shown, ...]
"""Ranked items by score from above, then by id; after them the explored ones, in the same order."""


_Ranked = list[tuple[int, float, int]]
"""Codes, scores and places in REASONS, in order."""


@dataclass(frozen=True, slots=True, eq=False)
class Visit:
    """What is known of the visit, as item codes: `viewed` distinct and at most COUNTED, the latest last; `product` one or none."""

    viewed: Codes
    product: Codes

    def __len__(self) -> int:
        return len(self.viewed) + len(self.product)


def visit(bundle: Bundle, asked: Asked) -> Visit:
    """The items asked by that the bundle knows."""
    if asked.product is None and not asked.viewed:
        return _NOWHERE
    product = bundle.codes.get(asked.product) if asked.product is not None else None
    latest: dict[int, None] = {}
    for item in reversed(asked.viewed):
        code = bundle.codes.get(item)
        if code is not None and code != product and len(latest) < COUNTED:
            latest.setdefault(code)
    return Visit(_codes(reversed(latest)), _codes(() if product is None else (product,)))


def recommend(bundle: Bundle, eligible: Booleans, asked: Asked, seed: int, here: Visit | None = None) -> Answer:
    """What to show.

    Args:
        eligible: [n], what may be shown: live, in stock, within the filters.
        seed: of what is explored.
        here: `visit(bundle, asked)`, from whoever needs it too.
    """
    row, here = bundle.subject(asked.subject), visit(bundle, asked) if here is None else here
    if asked.similar:
        return _shown(bundle, _alike(bundle, eligible, here.product, asked.limit), explored=False)
    found = _found(bundle, eligible, asked, row, here)
    chosen = _explored(bundle, eligible, asked, row, here, found, seed) if asked.explore else []
    taken = {code for code, _, _ in chosen}
    found = [one for one in found if one[0] not in taken][: asked.limit - len(chosen)]
    return _shown(bundle, found, explored=False) + _shown(bundle, chosen, explored=True)


def listed(bundle: Bundle, row: int) -> _Ranked:
    """What a bundle keeps in `lists` for a subject: the best LISTED, were everything on sale."""
    return _ranked(bundle, np.ones(len(bundle), np.bool_), Asked(), row, _NOWHERE, LISTED)


def _found(bundle: Bundle, eligible: Booleans, asked: Asked, row: int | None, here: Visit) -> _Ranked:
    """The best by score, and some more to explore. Of what was computed beforehand where that reaches, else by the sum."""
    most = asked.limit + _BEHIND if asked.explore else asked.limit
    if not len(here) and row is None:
        codes = bundle.popular_shown
        scores = bundle.prior_part
        return [
            (code, float(scores[code]), _POPULAR if scores[code] > 0 else _NEW)
            for code in codes[eligible[codes]][:most].tolist()
        ]
    codes = bundle.lists[row] if row is not None else _NONE
    if len(codes) and not len(here) and not asked.again:
        places = np.flatnonzero(eligible[codes] & (codes >= 0))[:most]
        # A list that is not full holds everything there is for this subject.
        if len(places) >= asked.limit or codes[-1] < 0:
            own, reasons = bundle.list_scores[row, places], bundle.list_reasons[row, places]
            return list(zip(codes[places].tolist(), own.tolist(), reasons.tolist(), strict=True))
    return _ranked(bundle, eligible, asked, row, here, most)


def _ranked(bundle: Bundle, eligible: Booleans, asked: Asked, row: int | None, here: Visit, most: int) -> _Ranked:
    held = bundle.bought(row) if row is not None else _NONE
    parts = _parts(bundle, held, here)
    total, speaks = bundle.prior_part.copy(), bundle.speaks
    for _, part in parts:
        total += part
        speaks = speaks | (part > 0)
    allowed = eligible & speaks
    for known in (here.viewed, here.product, _NONE if asked.again else held):
        if len(known):
            allowed[known] = False
    codes, scores = _best(allowed.nonzero()[0], total, most)
    named = sorted([*parts, (_POPULAR, bundle.prior_part)], key=_first)
    shares = zip(*(part[codes].tolist() for _, part in named), strict=True)
    reasons = [_reason(named, own) for own in shares]
    return list(zip(codes.tolist(), scores.tolist(), reasons, strict=True))


def _reason(named: list[tuple[int, Doubles]], shares: tuple[float, ...]) -> int:
    """What speaks most for an item, of equals the first; new arrivals are what nothing else speaks for."""
    most = max(shares)
    return named[shares.index(most)][0] if most > 0 else _NEW


def _parts(bundle: Bundle, held: Codes, here: Visit) -> list[tuple[int, Doubles]]:
    """What history and visit add to the scores, [n] each, with the reason it stands for."""
    found = []
    both = np.concatenate([held, here.product]) if len(held) and len(here.product) else held
    both = both if len(both) else here.product
    if len(both):
        found.append((_TOGETHER, _sum(bundle.near_rows, both)))
    if len(here.viewed):
        like = _sum(bundle.alike_rows, here.viewed, bundle.visited_weight[here.viewed])
        found.append((_VIEWED, _sum(bundle.near_rows, here.viewed) + like))
    if len(both) and (bundle.alike_weight or len(here.product)):
        weights = np.full(len(both), bundle.alike_weight)
        weights[len(held) :] = bundle.visited_weight[here.product]
        found.append((_ALIKE, _sum(bundle.alike_rows, both, weights)))
    return found


def _alike(bundle: Bundle, eligible: Booleans, product: Codes, limit: int) -> _Ranked:
    like = _sum(bundle.alike_rows, product)
    allowed = eligible & (like > 0)
    allowed[product] = False
    codes, scores = _best(allowed.nonzero()[0], like, limit)
    return [(code, score, _ALIKE) for code, score in zip(codes.tolist(), scores.tolist(), strict=True)]


def _best(codes: npt.NDArray[np.intp], scores: Doubles, limit: int) -> tuple[npt.NDArray[np.intp], Doubles]:
    """Of these codes, which ascend, the `limit` with the highest scores, from above; of equals the lower code first."""
    own = scores[codes]
    if len(codes) > limit:
        sorted_part = own.copy()
        sorted_part.partition(len(own) - limit)
        inside = own >= sorted_part[len(own) - limit]
        codes, own = codes[inside], own[inside]
    order = (-own).argsort(kind="stable")[:limit]
    return codes[order], own[order]


def _sum(rows: Rows, codes: Codes, weights: Doubles | None = None) -> Doubles:
    """Sum of the rows of these items, [n]; added one by one in their order, so that it is the same on every machine."""
    values = rows.weights[codes]
    if weights is not None:
        values *= weights[:, None]
    # What fills a row up is counted into the place before the first, and left there.
    found = np.bincount(rows.places[codes].ravel(), values.ravel(), minlength=len(rows.places) + 1)
    return np.asarray(found[1:], np.float64)


def _explored(
    bundle: Bundle, eligible: Booleans, asked: Asked, row: int | None, here: Visit, found: _Ranked, seed: int
) -> _Ranked:
    """Drawn by the seed, and new to the visitor: first new arrivals, then what ranks behind the answer."""
    chance = _draws(seed)
    wanted = min(asked.limit, int(asked.limit * asked.explore + next(chance)))
    if not wanted:
        return []
    known = {code for code, _, _ in found[: asked.limit - wanted]} | set(here.viewed.tolist() + here.product.tolist())
    if row is not None and not asked.again:
        known.update(bundle.bought(row).tolist())
    pool = bundle.arrival_codes[eligible[bundle.arrival_codes]]
    drawn: dict[int, tuple[int, float, int]] = {}
    for _ in range(_TRIES * wanted if len(pool) else 0):
        code = int(pool[int(next(chance) * len(pool))])
        if code not in known and len(drawn) < wanted:
            drawn[code] = (code, float(bundle.prior_part[code]), _NEW)
    behind = [one for one in found[asked.limit :] if one[0] not in drawn]
    while len(drawn) < wanted and behind:
        one = behind.pop(int(next(chance) * len(behind)))
        drawn[one[0]] = one
    return sorted(drawn.values(), key=lambda one: (-one[1], one[0]))


def _draws(seed: int) -> Iterator[float]:
    """Numbers in 0..1 (1 excluded), the same on every machine: Knuth's MMIX generator, its upper 53 bits.

    The generators of the standard library cost more to seed than an answer does to make.
    """
    while True:
        seed = (seed * 6364136223846793005 + 1442695040888963407) % 2**64
        yield (seed >> 11) / 2**53


def _shown(bundle: Bundle, ranked: _Ranked, *, explored: bool) -> Answer:
    return tuple(Shown(bundle.item_ids[code], score, REASONS[reason], explored) for code, score, reason in ranked)


def _codes(codes: Iterable[int]) -> Codes:
    return np.fromiter(codes, np.int32)


_first = operator.itemgetter(0)
_NONE: Final = np.zeros(0, np.int32)
_NOWHERE: Final = Visit(_NONE, _NONE)
