"""What of models and answers has outlived its days. A region's bucket and registry in; less of both out."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

from varai.kernel import Gone, InUse, LeaseHeld, Scope, utc_now
from varai.learning import eligibility
from varai.learning.forget import delete, forget, keys_of, models_of
from varai.learning.registered import registered_name
from varai.learning.tracking import Registry, Version
from varai.learning.turns import turn
from varai.registry import tenants
from varai.settings import Settings
from varai.stores import objects

_KEPT: Final = 5
_ORPHANED: Final = timedelta(days=1)
"""So long a bundle may lie before a version points at it; a training takes minutes."""
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


def sweep(settings: Settings, region: str) -> dict[str, int]:
    """Remove what nobody may need any more, tenant by tenant; returns how many of each.

    States of the shop go once no answer within `landing_days` was made from them; models that know somebody who asked to be
    forgotten go or are cleaned, whatever an erasure that was cut short left. Of the others stay the champion, the version a
    rollback would go to, and the last five, none of these five for more than `landing_days`.

    Raises:
        Misconfigured, Unavailable: the registry cannot be asked; states are swept then.
    """
    at, scopes = utc_now(), [settings.scope(region, one.name) for one in tenants(settings.scope(region))]
    states = sum(len(eligibility.sweep(scope, days=settings.landing_days, at=at)) for scope in scopes)
    forgotten = sum(forget(scope) for scope in scopes)
    since = at - timedelta(days=settings.landing_days)
    old = sum(_outlived(scope, model, since, at) for scope in scopes for model in models_of(scope))
    return {"states": states, "models": forgotten, "versions": old}


def _outlived(scope: Scope, model: str, since: datetime, at: datetime) -> int:
    """Delete versions that need not be kept, and bundles that no version points at; returns how many."""
    keys = keys_of(scope, model)  # before the versions: a bundle that comes meanwhile is none of these
    if not keys:
        return 0
    with suppress(LeaseHeld), turn(scope, model, "retention"):  # by a training, say: the next night will do
        return _swept(scope, model, keys, since, at)
    return 0


def _swept(scope: Scope, model: str, keys: Iterable[str], since: datetime, at: datetime) -> int:
    """What `_outlived` does within its turn."""
    registry, name, gone = Registry(scope), registered_name(scope, model), 0
    versions = registry.versions(name)
    kept = {registry.before(name, versions), *(one.number for one in versions[:_KEPT] if _trained_at(one) >= since)}
    for one in versions:
        if not one.champion and one.number not in kept:
            with suppress(Gone, InUse):  # somebody deleted or promoted it meanwhile
                delete(scope, model, one.number)
                gone += 1
    for key in set(keys) - {one.tags.get("varai.bundle") for one in versions}:
        with suppress(FileNotFoundError):  # an erasure deleted it meanwhile
            if objects(scope).modified_at(key) < at - _ORPHANED:
                objects(scope).delete(key)
                gone += 1
    return gone


def _trained_at(version: Version) -> datetime:
    """When a version was trained; one that does not say so counts as old."""
    try:
        return datetime.fromisoformat(version.tags["varai.trained_at"])
    except (KeyError, ValueError):
        return _NEVER
