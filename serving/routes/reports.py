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
from serving.connections import refuse_unknown
from serving.dates import Coverage, complete_to, complete_until, today
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
        date | None,
        Query(
            alias="from",
            description="first date, in the shop's zone; the first of the period that holds the first of 30 days ending with `to`",
        ),
    ] = None,
    end: Annotated[
        date | None, Query(alias="to", description="last date, included; the latest that has begun in any of the shops")
    ] = None,
    grain: Annotated[Grain, Query(description="length of a period; weeks begin on Monday")] = "day",
    feed: Annotated[str | None, Query(max_length=63, description="only this connection of the tenant")] = None,
) -> Response:
    """Sales by period and currency, after the definitions of the shop's own reports.

    Dates are the shops' own. Every number names its definition and version. A period without sales has zeros as far as
    `covers` goes; what was before `history_from` is unknown and has no row, and a row after `covers` may lack sales that are
    not read yet. What could not be read stands in `withheld`, over the whole history and whatever dates are asked for, not in
    the figures. As CSV, `as_of` and its kin are in the
    headers `Varai-*`.
    """
    media = chosen(request, (JSON, CSV))
    for attempt in (1, 2):
        try:
            with _current(access) as snapshot:
                known = {*snapshot.coverage, *snapshot.history_from}
                refuse_unknown(access.context.tenant_scope(access.tenant), feed, known)
                coverage = {name: one for name, one in snapshot.coverage.items() if feed in (None, name)}
                asked = _asked(start, end, grain, feed, today(coverage, access.context.clock()))
                return _answer(request, access, snapshot, coverage, asked, media)
        except Gone as error:
            if attempt == 2:  # swept while it was read, and again: publications do not come that fast
                raise Problem("unavailable", error.what, headers={"Retry-After": "1"}) from error
    raise AssertionError("The loop above returns or raises.")


def _asked(start: date | None, end: date | None, grain: Grain, feed: str | None, present: date) -> Asked:
    last = end or present
    first = start or _begins(last - timedelta(days=min(_DAYS - 1, last.toordinal() - 1)), grain)
    if first > last:
        raise Problem(
            "invalid", "`from` is after `to`.", errors=[{"where": "query.from", "what": "must not be after `to`"}]
        )
    return Asked(first, last, grain, feed)


def _begins(on: date, grain: Grain) -> date:
    """The first date of the period that holds a date, so that nobody takes a part of a month for the whole of it."""
    if grain == "month":
        return on.replace(day=1)
    return on - timedelta(days=on.weekday()) if grain == "week" else on


def _answer(
    request: Request, access: Access, snapshot: Snapshot, coverage: Coverage, asked: Asked, media: str
) -> Response:
    read = repr(sorted(coverage.items()))
    dates = (asked.start, asked.end, asked.grain)
    tag = etag(__version__, access.tenant, snapshot.id, read, *dates, asked.feed, media)
    known = unchanged(request, tag)
    if known is not None:
        return known
    found = read_sales(snapshot, access.context.metrics, asked, complete_to(coverage))
    about = _about(snapshot, coverage, asked)
    if media == CSV:
        return as_csv(COLUMNS, found.rows, tag, _headers(found, about, asked))
    return as_json(_report(access, asked, found, about), tag)


def _current(access: Access) -> Snapshot:
    try:
        return access.context.reader(access.tenant).current(access.tenant)
    except Gone as error:
        raise Problem(
            "not-published", "No figures of this tenant are published yet; they follow the first run."
        ) from error


def _about(snapshot: Snapshot, coverage: Coverage, asked: Asked) -> dict[str, Any]:
    """What stands beside the figures: where they come from and what is not in them."""
    history = {feed: at for feed, at in snapshot.history_from.items() if asked.feed in (None, feed)}
    return {
        "as_of": _text(snapshot.as_of),
        "complete_until": _text(complete_until(coverage)),
        "complete_by_feed": {feed: _text(one.complete_until) for feed, one in coverage.items()},
        "history_from": _text(min(history.values(), default=None)),
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
    return {
        "tenant": access.tenant,
        "feed": asked.feed,
        "grain": asked.grain,
        "from": asked.start.isoformat(),
        "to": asked.end.isoformat(),
        "covers": _covers(found),
        **about,
        "definition": definitions(access.context.metrics),
        "rows": [{**row, **{name: format(row[name], "f") for name in AMOUNTS}} for row in found.rows],
    }


def _covers(found: Sales) -> dict[str, str | None] | None:
    if found.covers is None:
        return None
    first, last = found.covers
    return {"from": first.isoformat(), "to": last.isoformat() if last else None}


def _headers(found: Sales, about: Mapping[str, Any], asked: Asked) -> dict[str, str]:
    return {
        "Varai-As-Of": about["as_of"],
        "Varai-Complete-Until": about["complete_until"] or "",
        "Varai-Covers": "/".join(on or "" for on in (_covers(found) or {}).values()),
        "Varai-History-From": about["history_from"] or "",
        "Varai-Snapshot": about["snapshot"],
        "Varai-Withheld": orjson.dumps(about["withheld"]).decode("ascii"),
        "Content-Disposition": f'attachment; filename="sales-{asked.start}-{asked.end}-{asked.grain}.csv"',
    }


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
