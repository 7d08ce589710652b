"""GET /v1/reports/sales: a tenant's sales from its published snapshot, as JSON or CSV."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from serving.answers import CSV, JSON, as_csv, as_json, chosen, etag, unchanged
from serving.auth.access import Access, may
from serving.openapi import GUARDED, NOT_MODIFIED, problems
from serving.problems import Problem
from serving.sales import AMOUNTS, COLUMNS, Asked, Grain, Sales, definitions, in_major_units, read_sales
from serving.schemas import SalesReport
from varai import __version__
from varai.kernel import Gone
from varai.marts import Snapshot

router = APIRouter(prefix="/v1/reports", tags=["report"])
_DAYS = 30
_KEPT = ("order_lines", "refunds", "refund_lines", "returns")
_AS_TABLE = {
    200: {
        "content": {
            CSV: {"schema": {"type": "string"}, "example": f"{','.join(COLUMNS[:4])}\r\n2026-11-01,EUR,12,15\r\n"}
        }
    }
}


@router.get(
    "/sales",
    summary="Sales by day, week or month",
    response_model=SalesReport,
    responses=_AS_TABLE | NOT_MODIFIED | problems("not-published", *GUARDED),
)
def sales(
    request: Request,
    access: Annotated[Access, Depends(may("reports:read"))],
    start: Annotated[
        date | None, Query(alias="from", description="first date, in the shop's zone; 30 days before `to`")
    ] = None,
    end: Annotated[date | None, Query(alias="to", description="last date, included; today")] = None,
    grain: Annotated[Grain, Query(description="length of a period; weeks begin on Monday")] = "day",
    feed: Annotated[str | None, Query(max_length=63, description="only this connection of the tenant")] = None,
) -> Response:
    """Sales by period and currency, after the definitions of the shop's own reports.

    Every number names its definition and version. A period without sales has zeros; what was before `history_from` is
    unknown and has no row. What could not be read stands in `withheld`, not in the figures. As CSV, `as_of` and its kin
    are in the headers `Varai-*`.
    """
    media = chosen(request, (JSON, CSV))
    today = access.context.clock().date()
    asked = _asked(start, end, grain, feed, today)
    for attempt in (1, 2):
        try:
            return _answer(request, access, asked, today, media)
        except Gone as error:
            if attempt == 2:  # swept while it was read, and again: publications do not come that fast
                raise Problem("unavailable", error.what, headers={"Retry-After": "1"}) from error
    raise AssertionError("The loop above returns or raises.")


def _asked(start: date | None, end: date | None, grain: Grain, feed: str | None, today: date) -> Asked:
    last = end or today
    first = start or max(date.min, last - timedelta(days=min(_DAYS - 1, last.toordinal() - 1)))
    if first > last:
        raise Problem(
            "invalid", "`from` is after `to`.", errors=[{"where": "query.from", "what": "must not be after `to`"}]
        )
    return Asked(first, last, grain, feed)


def _answer(request: Request, access: Access, asked: Asked, today: date, media: str) -> Response:
    with _current(access) as snapshot:
        tag = etag(
            __version__, access.tenant, snapshot.id, asked.start, asked.end, asked.grain, asked.feed, today, media
        )
        known = unchanged(request, tag)
        if known is not None:
            return known
        found = read_sales(snapshot, access.context.metrics, asked, today)
        about = _about(snapshot, asked)
        if media == CSV:
            return as_csv(COLUMNS, found.rows, tag, _headers(about, asked))
        return as_json(_report(access, asked, found, about), tag)


def _current(access: Access) -> Snapshot:
    try:
        return access.context.reader(access.tenant).current(access.tenant)
    except Gone as error:
        raise Problem(
            "not-published", "No figures of this tenant are published yet; they follow the first run."
        ) from error


def _about(snapshot: Snapshot, asked: Asked) -> dict[str, Any]:
    """What stands beside the figures: where they come from and what is not in them."""
    history = {feed: at for feed, at in snapshot.history_from.items() if asked.feed in (None, feed)}
    return {
        "as_of": _text(snapshot.as_of),
        "history_from": _text(min(history.values())) if history else None,
        "history_by_feed": {feed: _text(at) for feed, at in history.items()},
        "snapshot": snapshot.id,
        "withheld": _withheld(snapshot.facts.get("withheld", {})),
    }


def _withheld(fact: Mapping[str, Any]) -> dict[str, Any]:
    kept = {kind: {"count": fact.get(kind, {}).get("count", 0), **_worth(fact.get(kind, {}))} for kind in _KEPT}
    return {"orders": fact.get("orders", 0), **_worth(fact), **kept, "unmappable": fact.get("unmappable", 0)}


def _worth(fact: Mapping[str, Any]) -> dict[str, Any]:
    values = fact.get("value_minor", {})
    return {
        "value_minor": dict(values),
        "value": {currency: format(in_major_units(minor, currency), "f") for currency, minor in values.items()},
        "unknown_value": fact.get("unknown_value", 0),
    }


def _report(access: Access, asked: Asked, found: Sales, about: Mapping[str, Any]) -> dict[str, Any]:
    covers = {"from": found.covers[0].isoformat(), "to": found.covers[1].isoformat()} if found.covers else None
    return {
        "tenant": access.tenant,
        "feed": asked.feed,
        "grain": asked.grain,
        "from": asked.start.isoformat(),
        "to": asked.end.isoformat(),
        "covers": covers,
        **about,
        "definition": definitions(access.context.metrics),
        "rows": [{**row, **{name: format(row[name], "f") for name in AMOUNTS}} for row in found.rows],
    }


def _headers(about: Mapping[str, Any], asked: Asked) -> dict[str, str]:
    return {
        "Varai-As-Of": about["as_of"],
        "Varai-History-From": about["history_from"] or "",
        "Varai-Snapshot": about["snapshot"],
        "Varai-Withheld": orjson.dumps(about["withheld"]).decode("ascii"),
        "Content-Disposition": f'attachment; filename="sales-{asked.start}-{asked.end}-{asked.grain}.csv"',
    }


def _text(at: datetime) -> str:
    return at.isoformat()
