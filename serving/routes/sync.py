"""GET /v1/sync: how far a tenant's data have come, feed by feed and stream by stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from serving.answers import JSON, chosen
from serving.auth.access import Access, may
from serving.openapi import GUARDED, problems
from serving.schemas import StreamState, SyncStatus
from varai.kernel import Gone
from varai.registry import stream_rows
from varai.sources import stream_names

router = APIRouter(prefix="/v1", tags=["report"])
_STREAM = tuple(StreamState.model_fields)
_OF_FEED = ("feed", "connector", "state", "percent", "since", "cure", "snapshot_compared")


@router.get("/sync", summary="How far the data have come", response_model=SyncStatus, responses=problems(*GUARDED))
def sync(request: Request, access: Annotated[Access, Depends(may("sync:read"))]) -> Response:
    """Each connection's state with its cure; each stream's last slice, as of when it is in sync, what the last comparisons found,
    how long changes take to get here, and whether that is what is promised.
    """
    chosen(request, (JSON,))
    rows = stream_rows(access.context.tenant_scope(access.tenant), stream_names)
    feeds = groupby((row for row in rows if row["connector"] is not None), itemgetter("feed"))
    snapshot, history = _snapshot(access)
    body = {
        "tenant": access.tenant,
        "snapshot": snapshot,
        "feeds": [_feed(list(streams), history.get(name)) for name, streams in feeds],
    }
    headers = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}
    return Response(orjson.dumps(body), headers=headers, media_type=JSON)


def _snapshot(access: Access) -> tuple[str | None, Mapping[str, datetime]]:
    """The current snapshot, and by feed the earliest sale it knows."""
    try:
        with access.context.reader(access.tenant).current(access.tenant) as snapshot:
            return snapshot.id, snapshot.history_from
    except Gone:
        return None, {}


def _feed(streams: Sequence[Mapping[str, Any]], history_from: datetime | None) -> dict[str, Any]:
    """A feed from its streams' rows, which all say the same of it, but that those never read say so where nothing is known."""
    row = next((row for row in streams if row["state"] != "never run"), streams[0])
    return {name: row[name] for name in _OF_FEED} | {
        "history_from": history_from,
        "streams": [{name: stream[name] for name in _STREAM} for stream in streams],
    }
