"""Tables the demo prints: progress while it runs; at its end slices, a merchant's sales, quarantined rows and addresses."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import httpx
from rich.console import Console, Group
from rich.markup import escape
from rich.table import Table

from sandbox.stack.airflow import Run
from sandbox.stack.layout import REPOSITORY, Layout
from sandbox.stack.stored import scopes
from sandbox.world import ANCHOR
from varai.cli.tables import slices as slices_of
from varai.gate import quarantine
from varai.registry import status, tenants
from varai.registry.progress import read_progress
from varai.sources import stream_names

_STEPS = ("planned", "counted", "landing", "landed", "judged", "staged", "catalogue", "loaded", "watermark")
_MONTHS = 6
"""How many months the demo shows of a report."""
_FROM = "2026-05-01"
"""The first of as many months before the end of the simulated history."""


def slices(layout: Layout) -> list[dict[str, Any]]:
    """The most recent slice of every stream of all regions; counts are null where a stream was never read."""
    return [row for scope in scopes(layout).values() for row in status(scope, {}, stream_names)["slices"]]


def progress(layout: Layout, runs: Sequence[Run]) -> Group:
    """Where every stream and every graph is."""
    graphs = Table(title="graphs", title_justify="left")
    graphs.add_column("graph")
    graphs.add_column("state")
    for run in runs:
        graphs.add_row(run.dag_id, run.state)
    table = Table(title="streams", title_justify="left")
    for name in ("region", "stream", "step", "records"):
        table.add_column(name)
    for region, scope in scopes(layout).items():
        for name, found in sorted(read_progress(scope).items()):
            done = _STEPS.index(found["step"]) + 1 if found["step"] in _STEPS else 0
            table.add_row(
                region, name, f"{'#' * done}{'.' * (len(_STEPS) - done)} {found['step']}", f"{found['records']:,}"
            )
    return Group(table, graphs)


def slices_table(layout: Layout, region: str) -> Table:
    """What each stream of a region brought."""
    return slices_of(region, status(scopes(layout)[region], {}, stream_names)["slices"])


def sales_table(layout: Layout, region: str) -> Table:
    """A merchant's sales by month, fetched over HTTP with a token of the tenant."""
    from sandbox.stack.up import command

    tenant = tenants(scopes(layout)[region])[0].name
    token = command(layout, "varai", "token", "--region", region, "--tenant", tenant).strip().splitlines()[-1]
    url = f"{layout.url(f'serving-{region}')}/v1/reports/sales"
    asked = {"grain": "month", "from": "2000-01-01", "to": date.today().isoformat()}  # noqa: DTZ011  # any day after the last order will do
    answer = httpx.get(url, params=asked, headers={"Authorization": f"Bearer {token}"}, timeout=30, trust_env=False)
    title = f"sales of {tenant} ({region}), GET /v1/reports/sales"
    if answer.status_code != httpx.codes.OK:  # its feed failed, say: the tables above tell why
        return Table("no report", title=title, caption=f"HTTP {answer.status_code}", title_justify="left")
    return sales(title, answer.json(), simulated=_generated(layout))


def _generated(layout: Layout) -> bool:
    """Whether the shops are the generated ones, whose history ends on the same day whenever the demo runs."""
    return layout.config == REPOSITORY / "config"


def sales(title: str, found: dict[str, Any], *, simulated: bool) -> Table:
    """The last months of a report with an order, and beside them what the report says of itself."""
    since = found["history_from"][:10] if found["history_from"] else "no sale yet"
    until = found["complete_until"][:19] if found["complete_until"] else "nobody knows when"
    ends = f" (the simulated shops sold until {ANCHOR:%Y-%m-%d})" if simulated else ""
    caption = (
        f"the last months with an order{ends}; as of {found['as_of'][:19]}, complete until {until}, history from {since}; "
        f"{_withheld(found['withheld'])}"
    )
    table = Table(title=title, caption=caption, title_justify="left", caption_justify="left")
    rows = [row for row in found["rows"] if row["orders"]]
    if not rows:
        return Table("no sale was read yet", title=title, title_justify="left", min_width=60)
    names = [name for name in rows[0] if not name.endswith("_minor")]
    for name in names:
        table.add_column(name, justify="left" if name in ("period", "currency") else "right")
    for row in rows[-_MONTHS:]:
        month = {**row, "period": row["period"][:7]}
        table.add_row(*(str(month[name]) for name in names))
    return table


def _withheld(found: dict[str, Any]) -> str:
    """What is in no figure, in words: the worth of orders whose value is known stands apart from how many have none."""
    orders, unknown = found["orders"], found["unknown_value"]
    worth = ", ".join(f"{value} {currency}" for currency, value in found["value"].items())
    parts = [f"{orders - unknown} worth {worth}"] if orders > unknown else []
    parts += [f"{unknown} of unknown value"] if unknown else []
    told = f" ({', '.join(parts)})" if parts else ""
    return f"withheld over the whole history: {_many(orders, 'order')}{told} and {_many(found['returns']['count'], 'refund')} of theirs"


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def quarantine_table(layout: Layout) -> Table:
    """Three quarantined rows with their reasons."""
    table = Table(title="quarantine: three of the rows that were kept back", title_justify="left")
    for name in ("region", "row", "reasons"):
        table.add_column(name)
    shown: dict[tuple[str, ...], tuple[str, str]] = {}
    for region, scope in scopes(layout).items():
        for tenant in tenants(scope):
            for row in quarantine.list_rows(scope, tenant.name, limit=200):
                shown.setdefault(row.reasons, (region, row.key))
    for reasons, (region, key) in list(shown.items())[:3]:
        table.add_row(region, escape(key), escape(", ".join(reasons)))
    return table


def addresses_table(layout: Layout) -> Table:
    """Where people look next."""
    table = Table(title="addresses", title_justify="left")
    table.add_column("what")
    table.add_column("where", no_wrap=True)
    for name, value in told(layout).items():
        table.add_row(name, value)
    return table


def told(layout: Layout) -> dict[str, str]:
    """Addresses and the login, as `make demo`, `make up` and `make status` name them: first Airflow and how to get in."""
    password = json.loads((layout.home / "secrets" / "airflow-passwords").read_text())["admin"]
    found = {name.replace("_", " "): url for name, url in layout.addresses().items()}
    return {"airflow": found.pop("airflow"), "airflow login": f"admin / {password}", **found}


def tell_next(layout: Layout, console: Console) -> None:
    """Commands that fetch a merchant's report, as they can be pasted into a shell."""
    region = layout.regions[-1]
    tenant = tenants(scopes(layout)[region])[0].name
    home = "" if layout.home == REPOSITORY / "var" else f"VARAI_HOME={shlex.quote(str(layout.home))} "
    asked = (
        f"from={_FROM}&to={ANCHOR - timedelta(days=1):%Y-%m-%d}&grain=month" if _generated(layout) else "grain=month"
    )
    report = f"'{layout.url(f'serving-{region}')}/v1/reports/sales?{asked}'"
    signed = '-H "Authorization: Bearer $token"'
    for line in (
        "fetch the report yourself; a token is good for 15 minutes, and each call makes a new client secret:",
        f"  token=$({home}{shlex.quote(str(layout.tools / 'varai'))} token -r {region} -t {tenant})",
        f"  curl {signed} {report}",
        f"  curl {signed} -H 'Accept: text/csv' {report}",
    ):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
