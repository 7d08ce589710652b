"""What may be shown now, and what could be then: the tenant's catalogue in; a yes or no per item of a bundle out.

Each state is kept in the region's bucket by its digest, `eligibility/{tenant}/{digest}.json`, so that an answer can be
recomputed with what was on sale when it was given. It holds public facts alone.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

import numpy as np

from varai.catalogue import sellable
from varai.kernel import Malformed, Scope
from varai.learning.bundle import ATTRIBUTES, Booleans, Bundle
from varai.learning.words import Longs
from varai.stores import objects

PRICES: Final = ("price_from", "price_to")
FILTERS: Final = (*ATTRIBUTES, "feed", *PRICES)
"""Words of which an item must have one, by attribute or feed; and bounds of the price, both included, as decimal text."""

_DEAREST: Final = Decimal(10) ** 12
"""The highest price decimal(18,6) can hold, and so the farthest bound that matters."""


_STAMP: Final = timedelta(days=1)
"""A state that is served on says so once a day."""
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class OnSale:
    """What a tenant sells: item ids, sorted, each with its lowest price in millionths of the major unit; -1: not known."""

    tenant: str
    prices: tuple[tuple[str, int], ...]

    @cached_property
    def digest(self) -> str:
        """32 hex digits; equal exactly for equal states."""
        return hashlib.sha256(json.dumps([self.tenant, self.prices]).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True, eq=False)
class Eligibility:
    """`OnSale`, laid beside the items of a bundle.

    Attributes:
        digest: of the state.
        mask: [n], what is on sale.
        prices: int64 [n], millionths of the major unit; -1 where it is not known or not on sale.
    """

    digest: str
    mask: Booleans
    prices: Longs

    def within(self, bundle: Bundle, filters: Mapping[str, Sequence[str]]) -> Booleans:
        """What is on sale and passes the filters, see FILTERS: of each filter one value has to fit. [n]

        Raises:
            Malformed: there is no such filter, or a bound is no number.
        """
        found = self.mask
        for name, wanted in filters.items():
            if name not in FILTERS:
                raise Malformed(f"Items cannot be filtered by {name}.", f"Use {', '.join(FILTERS)}.")
            found = found & (self._priced(name, wanted) if name in PRICES else _worded(bundle, name, wanted))
        return found

    def _priced(self, name: str, wanted: Sequence[str]) -> Booleans:
        try:
            bound = int(max(-_DEAREST, min(Decimal(wanted[0]), _DEAREST)).scaleb(6))
        except (ArithmeticError, ValueError, IndexError) as error:
            raise Malformed(f"`{name}` is no price.", "Write a decimal number of major units.") from error
        known = self.prices >= 0
        return known & ((self.prices >= bound) if name == PRICES[0] else (self.prices <= bound))


def on_sale(scope: Scope, at: datetime) -> OnSale:
    """What the scope's tenant sells now. Raises Misconfigured for the scope of a region, and what the store raises."""
    found = sorted(sellable(scope, at).items())
    return OnSale(str(scope.tenant), tuple((item, -1 if price is None else price) for item, price in found))


def lay(state: OnSale, bundle: Bundle) -> Eligibility:
    """A state beside a bundle's items; what the bundle does not know stays out, and so does another tenant's state.

    Raises:
        Malformed: state and bundle are not of one tenant.
    """
    if state.tenant != bundle.tenant:
        raise Malformed("A model was laid beside another tenant's catalogue.", "Read the tenant's own.")
    places = {item: code for code, item in enumerate(bundle.item_ids)}
    mask, prices = np.zeros(len(bundle), np.bool_), np.full(len(bundle), -1, np.int64)
    for item, price in state.prices:
        code = places.get(item)
        if code is not None:
            mask[code], prices[code] = True, min(price, np.iinfo(np.int64).max)
    mask.flags.writeable = prices.flags.writeable = False
    return Eligibility(state.digest, mask, prices)


def keep(scope: Scope, state: OnSale, at: datetime) -> None:
    """Write a state to the bucket, unless it was seen within a day. Raises DiskFull."""
    key = _key(state.tenant, state.digest)
    found = objects(scope).get(key)
    if found is None or _seen_at(found[0]) < at - _STAMP:
        body = {"seen_at": at.isoformat(), "tenant": state.tenant, "prices": state.prices}
        objects(scope).write(key, json.dumps(body).encode())


def recall(scope: Scope, digest: str) -> OnSale:
    """The state of the scope's tenant with this digest.

    Raises:
        FileNotFoundError: it was never kept, or was swept. Malformed: it is not what was kept.
    """
    raw = objects(scope).read(_key(str(scope.tenant), digest))
    try:
        body: Any = json.loads(raw)
        state = OnSale(body["tenant"], tuple((str(item), int(price)) for item, price in body["prices"]))
    except (ValueError, TypeError, KeyError) as error:
        raise Malformed(f"What was on sale ({digest}) cannot be read.", "Restore it from its backup.") from error
    if state.digest != digest or state.tenant != scope.tenant:
        raise Malformed(f"What was on sale ({digest}) is not what was kept.", "Restore it from its backup.")
    return state


def sweep(scope: Scope, *, days: int, at: datetime) -> list[str]:
    """Remove states of the scope's tenant that were last seen more than so many days ago; returns their keys, in order.

    An answer that was made from one of them can be replayed no more.
    """
    store, gone = objects(scope), []
    for key in list(store.list(f"eligibility/{scope.tenant}/")):
        if _seen_at(store.read(key)) < at - timedelta(days=days) - _STAMP:
            store.delete(key)
            gone.append(key)
    return gone


def _seen_at(raw: bytes) -> datetime:
    """When a state was last seen, to the day; one that cannot be read never was."""
    try:
        return datetime.fromisoformat(json.loads(raw)["seen_at"])
    except (ValueError, TypeError, KeyError):
        return _NEVER


def _key(tenant: str, digest: str) -> str:
    return f"eligibility/{tenant}/{digest}.json"


def _worded(bundle: Bundle, name: str, wanted: Sequence[str]) -> Booleans:
    found = np.zeros(len(bundle), np.bool_)
    if name == "feed":
        for feed in wanted:
            first, last = (
                bisect_left(bundle.item_ids, f"{feed}{end}") for end in "/0"
            )  # ids are sorted; "0" follows "/"
            found[first:last] = True
        return found
    attribute = bundle.attributes[name]
    for word in wanted:
        if word in attribute.words:
            found[attribute.items[attribute.held == attribute.words.index(word)]] = True
    return found
