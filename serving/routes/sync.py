"""GET /v1/sync: how far a tenant's data have come, feed by feed and stream by stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from serving.answers import JSON, chosen
from serving.auth.access import Access, may
from serving.openapi import GUARDED, problems
from serving.schemas import StreamState, SyncStatus
from varai.kernel import Feed, Gone, Scope
from varai.registry import FeedState, feed_states, feeds, status
from varai.sources import stream_names

router = APIRouter(prefix="/v1", tags=["report"])
_STREAM = tuple(StreamState.model_fields)


@router.get("/sync", summary="How far the data have come", response_model=SyncStatus, responses=problems(*GUARDED))
def sync(request: Request, access: Annotated[Access, Depends(may("sync:read"))]) -> Response:
    """Each connection's state with its cure, and each stream's last slice: counts, whether they balance, and the lag."""
    chosen(request, (JSON,))
    scope = access.context.tenant_scope(access.tenant)
    slices = [row for row in status(scope, {}, stream_names)["slices"] if row["tenant"] == access.tenant]
    states = feed_states(scope)
    body = {
        "tenant": access.tenant,
        "snapshot": _snapshot(access),
        "feeds": [_feed(one, states.get(str(one.key)), slices) for one in _own(scope, access.tenant)],
    }
    headers = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}
    return Response(orjson.dumps(body), headers=headers, media_type=JSON)


def _own(scope: Scope, tenant: str) -> list[Feed]:
    return [one for one in feeds(scope) if one.tenant == tenant]


def _snapshot(access: Access) -> str | None:
    try:
        with access.context.reader(access.tenant).current(access.tenant) as snapshot:
            return snapshot.id
    except Gone:
        return None


def _feed(feed: Feed, state: FeedState | None, slices: list[Mapping[str, Any]]) -> dict[str, Any]:
    mine = [row for row in slices if row["feed"] == feed.name]
    kind = state.kind if state else mine[0]["state"] if mine else "never run"
    return {
        "feed": feed.name,
        "connector": feed.connector,
        "state": "paused" if feed.paused else kind,
        "percent": state.percent if state and not feed.paused else None,
        "since": state.since.isoformat() if state else None,
        "cure": state.cure if state else "",
        "streams": [{name: row[name] for name in _STREAM} for row in mine],
    }
