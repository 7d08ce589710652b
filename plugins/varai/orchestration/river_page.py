"""The River page: per region, tenant and stream the lag, the last balance and the state with its cure. Read from the registry alone."""

from __future__ import annotations

from datetime import timedelta
from html import escape
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.exception_handlers import http_exception_handler
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from varai.kernel import VaraiError
from varai.registry import SLICE_COUNTS, phrase, status
from varai.settings import Settings, load
from varai.sources import stream_names
from varai.stores import failures_as_sentences

_STYLE = """
body{font:13px/1.4 system-ui,sans-serif;margin:24px;color:#1c2430;background:#fff}
h1{font-size:22px;margin:0 0 4px} h2{font-size:17px;margin:28px 0 8px} p{color:#566;margin:0 0 12px}
table{border-collapse:collapse;width:100%} th,td{padding:5px 6px;border-bottom:1px solid #e3e7ec;text-align:right;white-space:nowrap}
th{font-weight:600;color:#566;background:#f6f8fa} th.t,td.t{text-align:left} td.c{white-space:normal;min-width:14em}
.ok{color:#137333}.bad{color:#b3261e;font-weight:600}.wait{color:#9a6700}
@media (prefers-color-scheme:dark){body{background:#14181d;color:#e6e9ec}th{background:#1d232a;color:#9aa7b4}
th,td{border-color:#2a323b}p{color:#9aa7b4}.ok{color:#63c77c}.bad{color:#ff8a80}.wait{color:#e2b33c}}
"""
_ABOUT = (
    "<p>The last slice of each stream, that is what changed since the run before, counted in the vendor's records by the fate "
    "of their primary row. landed = published + quarantined + unchanged + superseded + unmappable + erased.</p>"
    "<p>superseded: a newer version of the record followed in the same slice. unmappable: no row could be made of it, so it is "
    "kept in quarantine. tombstoned: known here before, and deleted by the vendor. differ: what the last comparisons of all places "
    "found, of counts every night and of every row once a week.</p>"
)
_FINE = frozenset({"ok"})
_WAITING = frozenset({"backfilling", "never run", "paused", "throttled"})
_BALANCED = {
    True: "<td class='t ok'>yes</td>",
    False: "<td class='t bad'>no</td>",
    None: "<td class=t>-</td>",
}


def _signed_in() -> Any:
    """Only who is signed in to Airflow sees the page: it names tenants."""
    from airflow.api_fastapi.core_api.security import get_user

    return get_user


app = FastAPI(title="River", docs_url=None, redoc_url=None, openapi_url=None)
_LOGIN = f"../api/v2/auth/login?{urlencode({'next': '/river/'})}"
"""Airflow's own way to the login of whichever auth manager it has, and back here."""


@app.exception_handler(HTTPStatus.UNAUTHORIZED)
async def sign_in(request: Request, refusal: Exception) -> Response:
    """Bring a browser to the login and back; a program is told 401."""
    if "text/html" in request.headers.get("accept", ""):
        return RedirectResponse(_LOGIN, HTTPStatus.SEE_OTHER)
    if not isinstance(refusal, HTTPException):
        raise refusal
    return await http_exception_handler(request, refusal)


@app.get("/", response_class=HTMLResponse, dependencies=[Depends(_signed_in())])
def river() -> str:
    """The page. Third-party text cannot get here: names are slugs, and sentences are escaped."""
    return page(load())


def page(settings: Settings) -> str:
    """The page as HTML; a region whose stores do not answer is told so in its place."""
    parts = [_region(settings, name) for name in sorted(settings.regions)]
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'><title>River</title>"
        f"<style>{_STYLE}</style><h1>River</h1>{_ABOUT}"
        f"{''.join(parts)}</html>"
    )


def _region(settings: Settings, name: str) -> str:
    region = settings.region(name)
    title = f"<h2>{escape(name)} <small>({escape(region.location)}, {escape(region.regime)})</small></h2>"
    try:
        with failures_as_sentences():
            found = status(settings.scope(name), {}, stream_names)
    except VaraiError as error:
        return f"{title}<p class=bad>{escape(str(error))}</p>"
    title += "".join(
        f"<p class=bad>{escape(tenant)}: {count} erasures are overdue.</p>"
        for tenant, count in found["overdue_erasures"].items()
    )
    title += "".join(
        f"<p class=bad>{escape(tenant)}: {count} answers to people who asked for their data are overdue.</p>"
        for tenant, count in found["overdue_requests"].items()
    )
    title += "".join(
        f"<p class=bad>{escape(key)}: {count} webhooks led nowhere, see <code>varai inbox list</code>.</p>"
        for key, count in found["dead_letters"].items()
    )
    if not found["slices"]:
        return f"{title}<p>No feed is configured here yet.</p>"
    heads = "".join(f"<th class=t>{head}</th>" for head in ("tenant / feed", "stream"))
    heads += "".join(f"<th>{head.replace('_count', '')}</th>" for head in SLICE_COUNTS)
    heads += "<th class=t>balanced</th><th>differ</th><th>lag</th><th class=t>state</th><th class=t>cure</th>"
    return f"{title}<table><thead><tr>{heads}</tr></thead><tbody>{''.join(map(_row, found['slices']))}</tbody></table>"


def _row(row: dict[str, Any]) -> str:
    names = (f"{row['tenant']} / {row['feed']}", row["stream"])
    cells = "".join(f"<td class=t>{escape(name)}</td>" for name in names)
    cells += "".join(f"<td>{'-' if row[name] is None else format(row[name], ',')}</td>" for name in SLICE_COUNTS)
    balanced = _BALANCED[row["balanced"]]
    lag = "-" if row["lag_s"] is None else str(timedelta(seconds=round(row["lag_s"])))
    kind = "ok" if row["state"] in _FINE else "wait" if row["state"] in _WAITING else "bad"
    state = escape(phrase(row["state"], row["percent"]))
    cells += f"{balanced}{_differ(row['compared'])}<td>{lag}</td>"
    cells += f"<td class='t {kind}'>{state}</td><td class='t c'>{escape(row['cure'])}</td>"
    return f"<tr>{cells}</tr>"


def _differ(compared: dict[str, Any]) -> str:
    """Differences that the last comparisons found; since when is told to who points at it."""
    found = [one for one in compared.values() if one]
    if not found:
        return "<td>-</td>"
    count, at = sum(one["differences"] for one in found), max(one["at"] for one in found)
    return f"<td class={'bad' if count else 'ok'} title='compared {escape(at[:16])}'>{count:,}</td>"
