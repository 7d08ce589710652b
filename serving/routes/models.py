"""GET /v1/models: which models answer for a tenant, and how they were judged."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from serving.answers import JSON, chosen
from serving.auth.access import Access, may
from serving.champions import RECOMMENDER, champion_of
from serving.openapi import GUARDED, problems
from serving.problems import Problem
from serving.schemas import Models
from varai.learning.champions import Champion

router = APIRouter(prefix="/v1", tags=["shop"])


@router.get(
    "/models", summary="Which models answer", response_model=Models, responses=problems("no-registry", *GUARDED)
)
async def models(request: Request, access: Annotated[Access, Depends(may("recommendations:read"))]) -> Response:
    """The model that answers now, what it was trained on, and its metric beside the floor's; none before the first training."""
    chosen(request, (JSON,))
    try:
        found = [_model(await champion_of(access, RECOMMENDER))]
    except Problem as problem:
        if problem.kind != "not-trained":
            raise
        found = []
    return Response(orjson.dumps({"tenant": access.tenant, "models": found}), media_type=JSON)


def _model(champion: Champion) -> dict[str, Any]:
    version, bundle = champion.version, champion.bundle
    return {
        "model": version.model,
        "version": version.number,
        "candidate": bundle.candidate,
        "floor": bundle.floor,
        "snapshot": bundle.snapshot_id,
        "as_of": bundle.as_of.isoformat(),
        "trained_at": version.trained_at,
        "metric": version.metric,
        "metric_of_floor": version.floor,
        "decision": version.decision,
        "items": len(bundle),
        "stale": champion.stale,
    }
