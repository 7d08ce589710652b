"""What a merchant gets over HTTP, with a token of the tenant: the sales report, and what a shopper is recommended."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import httpx
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sandbox.stack.layout import REPOSITORY, Layout
from sandbox.stack.stored import scopes
from sandbox.stack.up import command
from sandbox.world import ANCHOR
from varai.kernel import Gone
from varai.marts import Reader

_SHOWN, _MONTHS = 3, 6
"""How many products and months are shown."""
LAST_DAY = ANCHOR - timedelta(days=1)
"""The last day of the simulated history."""
_FROM = "2026-05-01"
"""The first of as many months before the end of the simulated history."""
_REGULAR = """
SELECT subject, count(DISTINCT product_id) AS products
FROM fct_order_line WHERE trainable GROUP BY subject ORDER BY products DESC, subject LIMIT 1
"""
_TITLES = "SELECT feed || '/' || product_id AS id, min(product_title) AS title FROM dim_product GROUP BY 1"


@dataclass(frozen=True)
class Merchant:
    """One tenant of a region of the running stack."""

    layout: Layout
    region: str
    tenant: str

    @cached_property
    def _token(self) -> str:
        told = command(self.layout, "varai", "token", "--region", self.region, "--tenant", self.tenant)
        return told.strip().splitlines()[-1]

    def get(self, path: str, asked: Mapping[str, str | int], **headers: str) -> httpx.Response:
        """What the region's serving answers this tenant."""
        url = f"{self.layout.url(f'serving-{self.region}')}{path}"
        bearer = {"Authorization": f"Bearer {self._token}"}
        return httpx.get(url, params=asked, headers={**headers, **bearer}, timeout=30, trust_env=False)

    def regular(self) -> tuple[str, Mapping[str, str]]:
        """The pseudonym of the customer who bought most products, and the titles of products by `feed/id`; empty where none are."""
        marts = Reader(scopes(self.layout)[self.region], self.layout.home / "cache" / "marts")
        try:
            with marts.current(self.tenant) as snapshot:
                found = snapshot.query(_REGULAR).to_pylist()
                titles = {row["id"]: row["title"] for row in snapshot.query(_TITLES).to_pylist()}
        except Gone:  # nothing is published yet: what is asked for is a visitor's
            return "", {}
        return (found[0]["subject"] if found else ""), titles


def sales_table(merchant: Merchant) -> Table:
    """A merchant's sales by month."""
    asked = {"grain": "month", "from": "2000-01-01", "to": date.today().isoformat()}  # noqa: DTZ011  # any day after the last order will do
    answer = merchant.get("/v1/reports/sales", asked)
    title = f"sales of {merchant.tenant} ({merchant.region}), GET /v1/reports/sales"
    if answer.status_code != httpx.codes.OK:  # its feed failed, say: the tables above tell why
        return Table("no report", title=title, caption=f"HTTP {answer.status_code}", title_justify="left")
    return sales(title, answer.json(), simulated=generated(merchant.layout))


def generated(layout: Layout) -> bool:
    """Whether the shops are the generated ones, whose history ends on the same day whenever the demo runs."""
    return layout.config == REPOSITORY / "config"


def sales(title: str, found: dict[str, Any], *, simulated: bool) -> Table:
    """The last months of a report with an order, and beside them what the report says of itself."""
    since = found["history_from"][:10] if found["history_from"] else "no sale yet"
    until = found["complete_until"][:19] if found["complete_until"] else "nobody knows when"
    ends = f" (the simulated shops sold until {LAST_DAY:%Y-%m-%d})" if simulated else ""
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


def tell_next(merchant: Merchant, console: Console) -> None:
    """Commands that fetch the report, as they can be pasted into a shell."""
    layout, region = merchant.layout, merchant.region
    home = "" if layout.home == REPOSITORY / "var" else f"VARAI_HOME={shlex.quote(str(layout.home))} "
    asked = "grain=month"
    if generated(layout):
        asked = f"from={_FROM}&to={LAST_DAY:%Y-%m-%d}&{asked}"
    report = f"'{layout.url(f'serving-{region}')}/v1/reports/sales?{asked}'"
    signed = '-H "Authorization: Bearer $token"'
    for line in (
        "fetch the report yourself; a token is good for 15 minutes, and each call makes a new client secret:",
        f"  token=$({home}{shlex.quote(str(layout.tools / 'varai'))} token -r {region} -t {merchant.tenant})",
        f"  curl {signed} {report}",
        f"  curl {signed} -H 'Accept: text/csv' {report}",
    ):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    _tell_hook(layout, home, console)


def _tell_hook(layout: Layout, home: str, console: Console) -> None:
    """A webhook of a simulated shop of Shopify, to be sent by whoever wants to see it taken and drained."""
    found = next(
        ((seed.tenant, one) for seed in layout.settings.seeds for one in seed.feeds if one.connector == "shopify"), None
    )
    if found is None or not generated(layout):
        return
    tenant, feed = found
    told = {"topic": "products/update", "to": f"{layout.url(f'serving-{tenant.region}')}/v1/hooks/shopify/{feed.key}"}
    for line in (
        f"have the shop of {tenant.name} tell of a change, signed as Shopify signs, and see what became of it:",
        f"  curl -d {shlex.quote(json.dumps(told))} {layout.url(f'shopify-{tenant.region}')}/{tenant.name}/_webhooks",
        f"  {home}{shlex.quote(str(layout.tools / 'varai'))} inbox list -r {tenant.region} --state all",
    ):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def recommendations(merchant: Merchant) -> tuple[Table, str]:
    """Three products for the shop's most regular customer, with reasons; and the id by which the answer can be had again, if any."""
    subject, titles = merchant.regular()
    who = f"customer {subject[:8]}" if subject else "a visitor"
    title = f"recommended to {who} of {merchant.tenant} ({merchant.region}), GET /v1/recommendations"
    headers = {"Varai-Subject": subject} if subject else {}
    answer = merchant.get("/v1/recommendations", {"limit": _SHOWN, "explore": 0}, **headers)
    found = answer.json()
    if answer.status_code != httpx.codes.OK:  # too little was sold, say: the table of models tells why
        told = f"HTTP {answer.status_code}: {found['detail']}"
        return Table("nothing recommended", title=title, caption=told, title_justify="left", min_width=100), ""
    caption = (
        f"by version {found['version']}{' (the floor)' if found['floor'] else ''} of {found['model']},"
        f" made from snapshot {found['snapshot']}{'; stale' if found['stale'] else ''}"
    )
    table = Table(title=title, caption=caption, title_justify="left", caption_justify="left", min_width=100)
    for name in ("product", "title", "reason"):
        table.add_column(name)
    table.add_column("score", justify="right")
    for one in found["items"]:
        product = f"{one['feed']}/{one['product']}"
        table.add_row(escape(product), escape(titles.get(product) or "-"), one["reason"], f"{one['score']:.4f}")
    return table, str(found["answer_id"])
