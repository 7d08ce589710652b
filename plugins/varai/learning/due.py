"""Whose model is to be trained now: never trained, failed some hours ago, trained by another mapping of the fields, a week old,
someone erased, or the world moved since. Only where something is published.

Cheap questions first: a tenant's state and its manifest. Drift is measured only where the snapshot is another one and holds some days of
new sales, and is an alert too: it is logged, and stands in the tenant's state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

import structlog

from varai.kernel import Malformed, Scope, VaraiError, utc_now
from varai.learning import assemble as assembling
from varai.learning import bundle as bundles
from varai.learning import drift, states
from varai.learning.parcels import cache_of
from varai.learning.registered import registered_name
from varai.learning.spec import ModelSpec, spec_of
from varai.learning.tracking import CLEANED, Registry
from varai.learning.words import TooLittle
from varai.privacy import Ledger
from varai.settings import Settings

MOST_AGE: Final = timedelta(days=7)
_SLACK: Final = timedelta(hours=6)
"""A weekly run must find due what it trained a week ago, to the minute."""

REST: Final = timedelta(hours=4)
"""For so long one that failed, or was submitted, is left alone: snapshots change every few minutes, and causes do not."""
_UNDONE: Final[Mapping[str, str]] = {"failed": "failed", "submitted": "a run that never ended"}
_SERVING: Final = ("served", "unchanged")
"""How a training ends whose outcome is the champion; one that waits for a person (`held`) cannot replace what was cleaned."""

log = structlog.get_logger(__name__)


def due(
    settings: Settings, region: str, tenants: Iterable[str], model: str, *, force: bool = False
) -> Mapping[str, str]:
    """Tenants whose model is to be trained, each with the reason; `force` takes every tenant.

    Raises:
        Misconfigured: an unknown model.
    """
    spec, found = spec_of(settings.ml_pipelines / "models", model), {}
    for tenant in tenants:
        scope = settings.scope(region, tenant)
        reason = "asked for" if force else _found(settings, scope, spec)
        if reason:
            found[tenant] = reason
    return found


def _found(settings: Settings, scope: Scope, spec: ModelSpec) -> str:
    """The reason; of a tenant of whom it cannot be told, that: its training meets the same, and says so in its state."""
    try:
        return _reason(settings, scope, spec)
    except Exception as error:  # noqa: BLE001  # what one tenant's data bring about must not keep the region from training
        log.warning("model.due_unknown", tenant=scope.tenant, region=scope.region, kind=type(error).__name__)
        return "failed"


def _reason(settings: Settings, scope: Scope, spec: ModelSpec) -> str:
    state = states.read(scope, spec.name)  # first: what fails over and over, whatever makes it, is to rest
    if state is not None and state.kind in _UNDONE:
        return _rested(scope, state)
    snapshot = assembling.published(scope, cache_of(settings, scope.region))
    if snapshot is None:
        return ""
    if state is None:
        return "never trained"
    return _outdated(scope, state) or _changed(settings, scope, spec, state, snapshot)


def _rested(scope: Scope, state: states.State) -> str:
    """Of a training that failed, or is at work elsewhere: whether it is time to train again."""
    if utc_now() - state.at >= REST:
        return _UNDONE[state.kind]
    return "somebody asked to be forgotten" if state.kind == "failed" and _unheeded(scope, state) else ""


def _outdated(scope: Scope, state: states.State) -> str:
    """What state and ledger alone say."""
    if state.mapping != bundles.mapping_version():
        return (
            "another mapping"  # its bundle is refused wherever it is read, so nobody is answered until this is trained
        )
    if utc_now() - state.at >= MOST_AGE - _SLACK:
        return "a week old"
    return "somebody asked to be forgotten" if _unheeded(scope, state) else ""


def _unheeded(scope: Scope, state: states.State) -> bool:
    return any(entry.requested_at >= (state.heeded_at or state.at) for entry in Ledger(scope).entries())


def _changed(settings: Settings, scope: Scope, spec: ModelSpec, state: states.State, snapshot: str) -> str:
    """What champion and snapshot say."""
    try:
        if state.kind in _SERVING and Ledger(scope).contains_any() and _cleaned(scope, spec):
            return "somebody asked to be forgotten"  # entered later than dated, so that no time of ours shows it
        return "" if snapshot == state.snapshot else _moved(settings, scope, spec, state)
    except VaraiError as error:
        # Whether it moved cannot be said now; what keeps it from being said shows when it is trained, at the latest in a week.
        log.warning("drift.not_measured", tenant=scope.tenant, region=scope.region, kind=error.kind, what=error.what)
        return ""


def _cleaned(scope: Scope, spec: ModelSpec) -> bool:
    champion = Registry(scope).champion(registered_name(scope, spec.name))
    return champion is not None and CLEANED in champion.tags


def _moved(settings: Settings, scope: Scope, spec: ModelSpec, state: states.State) -> str:
    cache, rule = cache_of(settings, scope.region), drift.Rule()
    if state.kind == "too little":
        return "" if isinstance(assembling.assemble(scope, spec, cache), TooLittle) else "enough by now"
    champion = Registry(scope).champion(registered_name(scope, spec.name))
    if champion is None or state.until is None:
        return "no champion"
    try:
        served = bundles.load(scope, champion.pointer.bundle, champion.pointer.sha256)
    except (Malformed, FileNotFoundError):
        return "a champion that cannot be read"
    last = assembling.last_sale(scope, cache)
    if last is None or last - state.until < timedelta(days=rule.least_days):
        return ""
    data = assembling.assemble(scope, spec, cache)
    if isinstance(data, TooLittle):
        return "less than there was"
    found = drift.compare(data, _seconds(state.until), drift.answers_of(served), rule, spec.seed)
    if found is None or not found.alarms:
        return ""
    log.warning("model.drifted", tenant=scope.tenant, region=scope.region, model=spec.name, what=found.sentence)
    states.write(scope, spec.name, state.model_copy(update={"drift": found.sentence}))
    return found.sentence


def _seconds(at: datetime) -> int:
    return int(at.timestamp())
