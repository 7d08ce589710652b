"""POST /v1/events: what visitors did, kept where they agreed to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from serving.answers import JSON, chosen
from serving.auth.access import Access, may
from serving.bodies import read_json
from serving.connections import refuse_unknown
from serving.openapi import GUARDED, problems
from serving.problems import Problem
from serving.schemas import EventBatch, EventsTaken
from varai.kernel import Scope
from varai.landing import Event, LandedEvents, land_events

router = APIRouter(prefix="/v1", tags=["shop"])
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_AHEAD: Final = timedelta(days=1)
"""So far may a shop's clock be wrong."""
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
    batch = _batch(await read_json(request), access.context.clock())
    counters, agreed = access.context.counters, [one for one in batch.events if one.consent]
    events = [Event(one.id, one.kind, one.feed, one.product, one.subject, one.at) for one in agreed]
    scope = access.context.tenant_scope(access.tenant)
    done = await run_in_threadpool(_land, scope, events, access.context.clock())
    fates = {
        "landed": done.landed,
        "duplicate": done.duplicate,
        "without_consent": len(batch.events) - len(agreed),
        "withheld": done.withheld,
    }
    for fate, count in fates.items():
        counters.events(fate, count)
    return Response(orjson.dumps({"tenant": access.tenant, **fates}), media_type=JSON)


def _land(scope: Scope, events: list[Event], now: datetime) -> LandedEvents:
    for feed in dict.fromkeys(one.feed for one in events):
        refuse_unknown(scope, feed, where="body.events.feed")
    return land_events(scope, events, now)


def _batch(body: bytes, now: datetime) -> EventBatch:
    """The batch; raises Problem, naming what is wrong in it and quoting nothing."""
    batch = _read(body)
    wrong = [number for number, one in enumerate(batch.events) if not _EARLIEST <= one.at <= now + _AHEAD]
    if wrong:
        what = "must be from the year 2000 until a day from now"
        errors = [{"where": f"body.events.{number}.at", "what": what} for number in wrong[:20]]
        raise Problem("invalid", "Correct the members named in `errors`.", errors=errors)
    return batch


def _read(body: bytes) -> EventBatch:
    try:
        return EventBatch.model_validate_json(body)
    except ValidationError as error:
        told = error.errors(include_url=False, include_context=False, include_input=False)
        errors = [{"where": ".".join(map(str, ("body", *one["loc"]))), "what": one["msg"]} for one in told[:20]]
        raise Problem("invalid", "Correct the members named in `errors`.", errors=errors) from error
