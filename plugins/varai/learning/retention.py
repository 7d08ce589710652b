"""What of models and answers has outlived its days. A region's bucket and registry in; less of both out."""

from __future__ import annotations

from varai.kernel import utc_now
from varai.learning import eligibility
from varai.learning.forget import forget
from varai.registry import tenants
from varai.settings import Settings


def sweep(settings: Settings, region: str) -> dict[str, int]:
    """Remove what nobody may need any more, tenant by tenant; returns how many of each.

    States of the shop go once no answer within `landing_days` was made from them; models that know somebody who asked to be
    forgotten go or are cleaned, whatever an erasure that was cut short left.

    Raises:
        Misconfigured, Unavailable: the registry cannot be asked; states are swept then.
    """
    at, scopes = utc_now(), [settings.scope(region, one.name) for one in tenants(settings.scope(region))]
    states = sum(len(eligibility.sweep(scope, days=settings.landing_days, at=at)) for scope in scopes)
    return {"states": states, "models": sum(forget(scope) for scope in scopes)}
