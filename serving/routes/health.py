"""Whether the process lives, and whether it can answer."""

from __future__ import annotations

import orjson
import pymongo
import structlog
from fastapi import APIRouter, Request
from fastapi.responses import Response
from pymongo.errors import PyMongoError

from serving.context import context_of
from serving.openapi import problems
from serving.problems import Problem
from serving.schemas import Health
from varai.kernel import VaraiError
from varai.stores import documents

router = APIRouter(prefix="/health", tags=["operations"])
log = structlog.get_logger(__name__)
_PATIENCE_S = 2.0


@router.get("/live", summary="The process lives", response_model=Health)
async def live(request: Request) -> Response:
    """The process answers."""
    return _said("alive", context_of(request).region)


@router.get("/ready", summary="The process can answer", response_model=Health, responses=problems("unavailable"))
def ready(request: Request) -> Response:
    """The registry answers and the region's keys can be read."""
    context = context_of(request)
    try:
        with pymongo.timeout(_PATIENCE_S):
            documents(context.scope).command("ping")
            context.tokens.ring()
    except (PyMongoError, VaraiError) as error:
        log.warning("not.ready", kind=type(error).__name__)
        raise Problem(
            "unavailable", "The registry or the keys of this region cannot be read.", headers={"Retry-After": "5"}
        ) from error
    return _said("ready", context.region)


def _said(status: str, region: str) -> Response:
    return Response(orjson.dumps({"status": status, "region": region}), media_type="application/json")
