"""Figures for operators."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

from serving.context import context_of

router = APIRouter(tags=["operations"])


@router.get("/metrics", summary="Figures for Prometheus", response_class=PlainTextResponse)
async def figures(request: Request) -> Response:
    """Requests by route and status, their times, and tokens by outcome, in Prometheus' text format."""
    return Response(context_of(request).counters.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})
