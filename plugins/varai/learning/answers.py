"""Answers that can be given again: what an answer is made from, sealed into its id, and the id back into the same answer.

An `answer_id` is base64url of what the tenant's key seals (AES-GCM, bound to purpose and region): version, bundle, what was on sale,
what was asked and the seed. Only the tenant's key opens it; it names a customer by pseudonym and tells nobody.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from varai.kernel import Gone, Malformed, Scope
from varai.learning import eligibility
from varai.learning.bundle import Bundle, key_of, load
from varai.learning.eligibility import Eligibility
from varai.learning.recommend import Answer, Asked, recommend, visit
from varai.privacy import Ledger
from varai.privacy.keys import sealing_key, tenant_of

_FORM: Final = 1
LONGEST_ID: Final = 8192


class _Recipe(msgspec.Struct, array_like=True):
    form: int
    model: str
    version: str
    bundle_id: str
    digest: str
    seed: int
    subject: str | None
    viewed: list[int]
    product: int | None
    similar: bool
    again: bool
    limit: int
    filters: dict[str, tuple[str, ...]]
    explore: float


@dataclass(frozen=True, slots=True)
class Given:
    """An answer with the id by which it can be given again."""

    items: Answer
    answer_id: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """An answer given again, and what it was made from.

    Attributes:
        model, version, bundle_id, snapshot_id: of what answered.
        digest: of what was on sale.
        asked: with viewed items as far as they counted.
        seed: of what was explored.
        items: equal to those of the first time, bit for bit.
    """

    model: str
    version: str
    bundle_id: str
    snapshot_id: str
    digest: str
    asked: Asked
    seed: int
    items: Answer


class Answers:
    """Gives answers of one version of a model to one tenant; made once per version, as it holds the tenant's key.

    Raises Misconfigured when the key cannot be read.
    """

    def __init__(self, scope: Scope, model: str, version: str, bundle_id: str) -> None:
        self._key, self._bound = sealing_key(scope, tenant_of(scope)), _bound(scope)
        self._names = (_FORM, model, version, bundle_id)

    def give(self, bundle: Bundle, eligible: Eligibility, asked: Asked, seed: int | None = None) -> Given:
        """What to show, with the id of this answer. Without a seed one is drawn.

        Raises:
            Malformed: a filter that there is not.
        """
        seed = secrets.randbits(63) if seed is None else seed
        here = visit(bundle, asked)
        items = recommend(bundle, eligible.within(bundle, asked.filters), asked, seed, here)
        recipe = _Recipe(
            *self._names,
            digest=eligible.digest,
            seed=seed,
            subject=asked.subject,
            viewed=here.viewed.tolist(),
            product=int(here.product[0]) if len(here.product) else None,
            similar=asked.similar,
            again=asked.again,
            limit=asked.limit,
            filters=dict(asked.filters),
            explore=asked.explore,
        )
        sealed = self._key.encrypt(msgspec.msgpack.encode(recipe), self._bound)
        return Given(items, base64.urlsafe_b64encode(sealed).decode("ascii").rstrip("="))


def owner(scopes: Iterable[Scope], answer_id: str) -> Scope:
    """Of these scopes of tenants the one that was answered; an id does not say whose it is, it is whose key opens it.

    Raises:
        Malformed: it is no answer's id, or none of theirs.
    """
    sealed = _sealed(answer_id)
    for scope in scopes:
        try:
            _opened(scope, sealed)
        except Malformed:
            continue
        return scope
    raise _strange()


def replay(scope: Scope, answer_id: str) -> Replayed:
    """Give an answer again, from the model and the state of the shop that it was made from.

    Args:
        scope: of the tenant that was answered.
        answer_id: as the answer had it.

    Raises:
        Malformed: it is no answer's id of this tenant, or what it was made from is damaged.
        Gone: the model or the state of the shop was removed since, or its customer asked to be forgotten.
        Misconfigured: the scope names no tenant.
    """
    recipe = _opened(scope, _sealed(answer_id))
    tenant = tenant_of(scope)
    if recipe.subject in Ledger(scope).subjects:
        raise Gone(
            "The customer of this answer asked to be forgotten, so it can be given no more.",
            "Replay an answer of another customer, or of a visitor.",
        )
    try:
        bundle = load(scope, key_of(tenant, recipe.model, recipe.bundle_id), recipe.bundle_id)
    except FileNotFoundError as error:
        raise Gone(
            f"Version {recipe.version} of {recipe.model} (bundle {recipe.bundle_id}), which gave this answer, was deleted.",
            "Replay an answer of a version that `varai models list` shows.",
        ) from error
    try:
        state = eligibility.recall(scope, recipe.digest)
    except FileNotFoundError as error:
        raise Gone(
            f"What was on sale when this answer was given ({recipe.digest}) was swept.",
            "Replay answers within their retention, or set VARAI_LANDING_DAYS higher for those to come.",
        ) from error
    asked = _asked(bundle, recipe)
    eligible = eligibility.lay(state, bundle)
    items = recommend(bundle, eligible.within(bundle, asked.filters), asked, recipe.seed)
    names = (recipe.model, recipe.version, recipe.bundle_id, bundle.snapshot_id, recipe.digest)
    return Replayed(*names, asked=asked, seed=recipe.seed, items=items)


def _sealed(answer_id: str) -> bytes:
    try:
        if not 0 < len(answer_id) <= LONGEST_ID:
            raise ValueError
        return base64.b64decode(answer_id + "=" * (-len(answer_id) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error) as error:
        raise Malformed(
            "This is no `answer_id`: it is not base64url.", "Pass `answer_id` of an answer whole."
        ) from error


def _bound(scope: Scope) -> bytes:
    """What an id is bound to beside the key: in a region whose keys were copied from another it still opens nothing."""
    return f"answer/{scope.region}/{tenant_of(scope)}".encode()


def _opened(scope: Scope, sealed: bytes) -> _Recipe:
    import tink

    try:
        opened = sealing_key(scope, tenant_of(scope)).decrypt(sealed, _bound(scope))
        recipe = msgspec.msgpack.decode(opened, type=_Recipe)
        if recipe.form != _FORM:
            raise ValueError
    except (ValueError, tink.TinkError, msgspec.DecodeError) as error:
        raise _strange() from error
    return recipe


def _strange() -> Malformed:
    return Malformed(
        "This answer was not given by the region and tenant that were asked, or its id was altered.",
        "Pass `answer_id` of an answer as it is, and look in the region and tenant that gave it.",
    )


def _asked(bundle: Bundle, recipe: _Recipe) -> Asked:
    try:
        viewed = tuple(bundle.item_ids[code] for code in recipe.viewed)
        product = None if recipe.product is None else bundle.item_ids[recipe.product]
    except IndexError as error:
        raise Malformed(
            "This answer was made from another model than it says.", "Look for the model's backup."
        ) from error
    plain: Mapping[str, Any] = {
        name: getattr(recipe, name) for name in ("subject", "similar", "again", "limit", "filters", "explore")
    }
    return Asked(viewed=viewed, product=product, **plain)
