"""What a merchant gets over HTTP, with a token of the tenant: the sales report, and what a shopper is recommended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import httpx
from rich.markup import escape
from rich.table import Table

from sandbox.stack.layout import Layout
from sandbox.stack.stored import scopes
from sandbox.stack.up import command
from varai.kernel import Gone
from varai.marts import Reader

_SHOWN = 3
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
    return _sales(title, answer.json())


def _sales(title: str, found: dict[str, Any]) -> Table:
    withheld = found["withheld"]
    values = ", ".join(f"{value} {currency}" for currency, value in withheld["value"].items()) or "nothing"
    since = found["history_from"][:10] if found["history_from"] else "no sale yet"
    until = found["complete_until"][:19] if found["complete_until"] else "nobody knows when"
    caption = (
        f"the last months with an order; as of {found['as_of'][:19]}, complete until {until}, history from {since}; "
        f"withheld: {withheld['orders']} orders worth {values}, "
        f"{withheld['unknown_value']} of them of unknown value, and {withheld['returns']['count']} refunds of them"
    )
    table = Table(title=title, caption=caption, title_justify="left", caption_justify="left")
    rows = [row for row in found["rows"] if row["orders"]]
    if not rows:
        return Table("no sale was read yet", title=title, title_justify="left", min_width=60)
    names = [name for name in rows[0] if not name.endswith("_minor")]
    for name in names:
        table.add_column(name, justify="left" if name in ("period", "currency") else "right")
    for row in rows[-6:]:
        table.add_row(*(str(row[name]) for name in names))
    return table


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
