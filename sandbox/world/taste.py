"""Who buys what: the latent law a recommender can learn.

Utility of a frame for a person = shape + material + the best colour - squared distance from the liked price + fame.
A choice is drawn with probability proportional to exp(utility), so that likes show and surprises happen.
"""

from __future__ import annotations

import math
from bisect import bisect
from datetime import datetime
from itertools import accumulate
from random import Random

from sandbox.world.frames import Product, Variant
from sandbox.world.people import Person

_TRIES = 12


def utility(person: Person, product: Product) -> float:
    """How much a person likes a frame, on a log scale."""
    taste = person.taste
    colour = max(taste[variant.colour] for variant in product.variants)
    price = 1.5 * (math.log(product.base_price) - person.price) ** 2
    return 1.4 * (taste[product.shape] + taste[product.material]) + 0.7 * colour - price + 0.5 * math.log(product.fame)


class Chooser:
    """Draws products for people; keeps each person's weights once computed."""

    def __init__(self, products: list[Product]) -> None:
        self._by_kind = {kind: [p for p in products if p.kind == kind] for kind in ("sun", "optical")}
        self._weights: dict[tuple[int, str], list[float]] = {}

    def choose(self, person: Person, kind: str, when: datetime, rng: Random) -> Product:
        """A frame of this kind that was on sale at that time."""
        shelf = self._by_kind[kind]
        weights = self._weights.get((person.id, kind))
        if weights is None:
            weights = list(accumulate(math.exp(utility(person, product)) for product in shelf))
            self._weights[person.id, kind] = weights
        for _ in range(_TRIES):
            product = shelf[min(bisect(weights, rng.random() * weights[-1]), len(shelf) - 1)]
            if product.created < when:
                return product
        return min(shelf, key=lambda product: product.created)


def choose_variant(person: Person, product: Product, rng: Random) -> Variant:
    """Colour by taste, size by the width of the face."""
    weights = [math.exp(1.2 * person.taste[v.colour] - misfit(person, v) / 4) for v in product.variants]
    return rng.choices(product.variants, weights)[0]


def misfit(person: Person, variant: Variant) -> float:
    """Millimetres between the frame's width and the face's; wide misfits come back as returns."""
    return abs(variant.frame_width - person.face_mm)
