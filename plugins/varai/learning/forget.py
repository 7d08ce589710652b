"""Erasure in models: no bundle, and no parcel of a training, holds somebody who asked to be forgotten.

The ledger of a tenant in; versions that know anybody of it go, and the champion's bundle is written anew without them, since a shop
is answered from it until the next training. What a model learned from a person it forgets with that training; a version
that was cleaned goes as soon as it is no champion, so that nothing rolls back to it. Of a bundle that cannot be read nobody can
say whom it holds: it goes, also a champion's, which could not serve either.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Final

from varai.kernel import Malformed, Scope
from varai.learning import assemble, parcels
from varai.learning import bundle as bundles
from varai.learning.bundle import Bundle
from varai.learning.bundled import without
from varai.learning.parcels import Job
from varai.learning.registered import registered_name
from varai.learning.tracking import CLEANED, Registry, Version
from varai.learning.turns import turn
from varai.learning.words import Dataset, Trained
from varai.privacy import Finding, Ledger, Place, audit
from varai.settings import Settings
from varai.stores import objects

_UNREADABLE: Final = "Its bundle cannot be read, so nobody can say that who asked to be forgotten is not in it."


def places(settings: Settings, scope: Scope) -> Sequence[Place]:
    """What this room holds of a tenant's people, as erasure visits it; after the marts, which it copies."""
    return (ParcelsPlace(settings, scope), BundlesPlace(scope))


def forget(scope: Scope) -> int:
    """Free the bundles of the scope's tenant from everybody its ledger names; returns how many were deleted or written anew.

    A champion whose bundle cannot be read, and so cannot serve, is retired; a bundle of another mapping can be read.

    Raises:
        Misconfigured, Unavailable: the region has no registry, or it does not answer. Nothing is lost: call again.
        LeaseHeld: somebody else moves the champion, such as a training. Nothing is lost either.
    """
    erased, changed = Ledger(scope).subjects, 0
    for model in models_of(scope) if erased else ():
        if not keys_of(scope, model):
            continue
        with turn(scope, model, "erasure"):
            changed += _freed(scope, model, erased)
    return changed


def _freed(scope: Scope, model: str, erased: Collection[str]) -> int:
    """One model's part of `forget`; within a turn, so that no bundle goes that a training is about to register."""
    registry, name, changed = Registry(scope), registered_name(scope, model), 0
    versions = registry.versions(name)
    for version in versions:
        if CLEANED in version.tags and not version.champion:
            delete(scope, model, version.number)
            changed += 1
    for key in keys_of(scope, model):
        pointing = [one for one in versions if one.tags.get("varai.bundle") == key]
        changed += _free(scope, registry, model, key, pointing, erased)
    return changed


def delete(scope: Scope, model: str, number: int) -> None:
    """Remove a version, its run, and its bundle where no other version has the same. Raises InUse, Gone."""
    registry, name = Registry(scope), registered_name(scope, model)
    gone = registry.delete(name, number).tags.get("varai.bundle", "")
    kept = {one.tags.get("varai.bundle") for one in registry.versions(name)}
    if gone.startswith(bundles.folder(str(scope.tenant), model)) and gone not in kept:
        objects(scope).delete(gone)


def retire(scope: Scope, model: str, champion: Version, reason: str, *, actor: str = "varai") -> None:
    """Take the champion from service and delete it as `delete` does; nobody is served until another is promoted. Audited.

    Raises:
        Gone: it is not the champion any more. Malformed: without a reason.
    """
    with audit.act(scope, "model.retirement", f"{champion.name}/{champion.number}", reason, actor=actor):
        Registry(scope).retire(champion.name, champion.number)
        delete(scope, model, champion.number)


def _free(
    scope: Scope, registry: Registry, model: str, key: str, pointing: Sequence[Version], erased: Collection[str]
) -> bool:
    """One bundle without these people; whether anything had to be done."""
    known = _opened(scope, key)
    if known is not None and not _known(known, erased):
        return False
    champion = next((one for one in pointing if one.champion), None)
    if champion is not None and known is None:
        retire(scope, model, champion, _UNREADABLE)
    for one in pointing:
        if not one.champion:
            registry.delete(one.name, one.number)
    if champion is not None and known is not None:
        registry.repoint(champion, bundles.store(scope, without(known, erased)))
    objects(scope).delete(key)  # last: what a crash leaves is found again
    return True


class BundlesPlace:
    """Bundles of the tenant, the champions' and older ones, see `varai.privacy.Place`."""

    name: Final = "models"

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def find(self, subject: str) -> Iterator[Finding]:
        """Bundles that hold the subject, with how many purchases; of one that cannot be read nobody can say that it does not."""
        for model in models_of(self._scope):
            for key in keys_of(self._scope, model):
                known = _opened(self._scope, key)
                row = known.subject(subject) if known is not None else None
                if known is None or row is not None:
                    yield Finding(
                        self.name, key, len(known.bought(row)) if known is not None and row is not None else 0
                    )

    def erase(self, subject: str) -> None:
        """Free the bundles from everybody in the ledger; the registry is asked only where one holds the subject."""
        if any(self.find(subject)):
            forget(self._scope)


class ParcelsPlace:
    """What trainings at work, or killed, hand from step to step. A training that loses its parcels fails, and is done again."""

    name: Final = "training"

    def __init__(self, settings: Settings, scope: Scope) -> None:
        self._settings, self._scope = settings, scope

    def find(self, subject: str) -> Iterator[Finding]:
        """Parcels that hold the subject."""
        for key in list(objects(self._scope).list(f"{parcels.PREFIX}{self._scope.tenant}/")):
            if self._holds(key, subject):
                yield Finding(self.name, key, 1)

    def erase(self, subject: str) -> None:
        """Remove them, and this machine's copies of marts that were published before."""
        for finding in list(self.find(subject)):
            objects(self._scope).delete(finding.where)
        assemble.published(self._scope, parcels.cache_of(self._settings, self._scope.region))

    def _holds(self, key: str, subject: str) -> bool:
        path, _, name = key.removeprefix(parcels.PREFIX).removesuffix(".sealed").rpartition("/")
        read = _READERS.get(name)
        try:
            found = read(self._scope, Job.read(path)) if read else None
        except Malformed:
            return True
        return found is not None and subject in found.subjects


_READERS: Final[dict[str, Callable[[Scope, Job], Dataset | Trained | None]]] = {
    "dataset": parcels.dataset,
    "trained": parcels.trained,
}


def models_of(scope: Scope) -> list[str]:
    """Models of which the bucket holds anything of the scope's tenant, in order."""
    return sorted({key.split("/")[2] for key in objects(scope).list(f"models/{scope.tenant}/")})


def keys_of(scope: Scope, model: str) -> list[str]:
    """Keys of a model's bundles, in order."""
    return [
        key for key in objects(scope).list(bundles.folder(str(scope.tenant), model)) if key.endswith(bundles.ENDING)
    ]


def _opened(scope: Scope, key: str) -> Bundle | None:
    """The bundle at a key of ours, which names the beginning of its SHA-256; None: it cannot be read."""
    digest = key.rpartition("/")[2].removesuffix(bundles.ENDING)
    try:
        return bundles.load(scope, key, digest, any_mapping=True)  # whoever goes back a release goes back to such a one
    except (Malformed, FileNotFoundError):
        return None


def _known(bundle: Bundle, erased: Collection[str]) -> bool:
    return any(bundle.subject(subject) is not None for subject in erased)
