"""POST /v1/events: what visitors did, kept where they agreed to it."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from serving.answers import JSON, chosen
from serving.auth.access import Access, may
from serving.bodies import read_json
from serving.openapi import GUARDED, problems
from serving.problems import Problem
from serving.schemas import EventBatch, EventsTaken
from varai.landing import Event, land_events

router = APIRouter(prefix="/v1", tags=["shop"])
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {JSON: {"schema": {"$ref": "#/components/schemas/EventBatch"}}},
    }
}


@router.post(
    "/events",
    summary="Tell what visitors did",
    response_model=EventsTaken,
    responses=problems("too-large", "unsupported-media", *GUARDED),
    openapi_extra=_BODY,
)
async def take_events(request: Request, access: Annotated[Access, Depends(may("events:write", "events"))]) -> Response:
    """Keep a batch of events. Sent again, it changes nothing: each `id` is kept once.

    An event without the visitor's consent is counted and dropped. A customer is named by pseudonym; nothing else that says who
    a person is belongs here, and members that are not described are refused.
    """
    chosen(request, (JSON,))
    batch = _batch(await read_json(request))
    counters, agreed = access.context.counters, [one for one in batch.events if one.consent]
    events = [Event(one.id, one.kind, one.feed, one.product, one.subject, one.at) for one in agreed]
    scope = access.context.tenant_scope(access.tenant)
    done = await run_in_threadpool(land_events, scope, events, access.context.clock())
    fates = {
        "landed": done.landed,
        "duplicate": done.duplicate,
        "without_consent": len(batch.events) - len(agreed),
        "withheld": done.withheld,
    }
    for fate, count in fates.items():
        counters.events(fate, count)
    return Response(orjson.dumps({"tenant": access.tenant, **fates}), media_type=JSON)


def _batch(body: bytes) -> EventBatch:
    try:
        return EventBatch.model_validate_json(body)
    except ValidationError as error:
        told = error.errors(include_url=False, include_context=False, include_input=False)
        errors = [{"where": ".".join(map(str, ("body", *one["loc"]))), "what": one["msg"]} for one in told[:20]]
        raise Problem("invalid", "Correct the members named in `errors`.", errors=errors) from error
