"""Tables the demo prints of what the stack holds: progress while it runs; at its end slices, quarantined rows and addresses."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group
from rich.markup import escape
from rich.table import Table

from sandbox.stack.airflow import Run
from sandbox.stack.layout import Layout
from sandbox.stack.merchant import Merchant
from sandbox.stack.stored import scopes
from sandbox.stack.up import command
from varai.cli.tables import slices as slices_of
from varai.gate import quarantine
from varai.registry import status, tenants
from varai.registry.progress import read_progress
from varai.sources import stream_names

_STEPS = ("planned", "counted", "landing", "landed", "judged", "staged", "catalogue", "loaded", "watermark")


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


def champions(layout: Layout) -> list[dict[str, Any]]:
    """What every tenant is served, and how it came to be: `varai models list`, less versions that are no champions."""
    rows: list[dict[str, Any]] = json.loads(command(layout, "varai", "models", "list", "--json"))
    return [row for row in rows if row["champion"] is not False]


def merchant(layout: Layout, region: str, served: Sequence[Mapping[str, Any]]) -> Merchant:
    """The region's first shop of this demo that has a champion; where none has, its first."""
    known = sorted(seed.tenant.name for seed in layout.settings.seeds if seed.tenant.region == region)
    having = {row["tenant"] for row in served if row["region"] == region and row["champion"]}
    return Merchant(layout, region, next((name for name in known if name in having), known[0]))


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
