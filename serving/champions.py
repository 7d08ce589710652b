"""From a request to the model that answers it: the tenant's champion, or the problem that says why there is none."""

from __future__ import annotations

from serving.auth.access import Access
from serving.problems import Problem
from varai.kernel import Gone, Misconfigured, VaraiError
from varai.learning.champions import Champion

RECOMMENDER = "recommender"


async def champion_of(access: Access, model: str = RECOMMENDER) -> Champion:
    """What answers for the tenant of a request.

    Raises:
        Problem: no model serves yet, this region has no registry, or what is needed cannot be read.
    """
    found = access.context.champions.current(access.tenant, model)
    if found is not None:
        return found
    try:
        return await access.context.loads.champion(access.tenant, model)
    except Gone as error:
        raise Problem("not-trained", f"{error.what} {error.cure}") from error
    except Misconfigured as error:
        raise Problem("no-registry", f"{error.what} {error.cure}") from error
    except VaraiError as error:
        raise Problem("unavailable", error.what, headers={"Retry-After": "5"}) from error
