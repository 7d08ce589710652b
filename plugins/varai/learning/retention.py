"""What of models and answers has outlived its days. A region's bucket and registry in; less of both out."""

from __future__ import annotations

from varai.kernel import utc_now
from varai.learning import eligibility
from varai.registry import tenants
from varai.settings import Settings


def sweep(settings: Settings, region: str) -> dict[str, int]:
    """Remove what nobody may need any more, tenant by tenant; returns how many of each.

    States of the shop go once no answer within `landing_days` was made from them.
    """
    at, gone = utc_now(), {"states": 0}
    for tenant in tenants(settings.scope(region)):
        scope = settings.scope(region, tenant.name)
        gone["states"] += len(eligibility.sweep(scope, days=settings.landing_days, at=at))
    return gone
