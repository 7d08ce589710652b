"""`varai quarantine`: what was kept back, why, and judging it again."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from varai.cli.arguments import DryRun, Json, MaybeFeed, Region, Tenant, chosen_feeds, holder, tenant_scope
from varai.cli.tables import wide_console
from varai.gate import quarantine
from varai.river import remap
from varai.settings import load

app = typer.Typer(no_args_is_help=True, help="Look at rows that were kept back, and judge them again.")
_SHOWN = 400


@app.command("list")
def list_rows(
    region: Region,
    tenant: Tenant,
    entity: Annotated[str | None, typer.Option("--entity", help="Only rows of this entity.")] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Only rows with this reason.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000)] = 50,
    as_json: Json = False,
) -> None:
    """Quarantined rows with their reasons."""
    found = quarantine.list_rows(tenant_scope(load(), region, tenant), tenant, entity, reason, None)
    rows = found[:limit]
    if as_json:
        typer.echo(json.dumps([{"key": row.key, "reasons": row.reasons, "flags": row.flags} for row in rows], indent=1))
        return
    table = Table()
    for name in ("key", "reasons"):
        table.add_column(name)
    for row in rows:
        table.add_row(escape(row.key), escape(", ".join(row.reasons)))
    wide_console().print(table)
    more = "" if len(rows) == len(found) else f" of {len(found)}; --limit {len(found)} lists all"
    typer.echo(f"{len(rows)} rows{more}.")


@app.command("show")
def show(
    region: Region, key: Annotated[str, typer.Argument(help="As `list` gives it: tenant/entity/batch/id.")]
) -> None:
    """Every column of one row. Third-party text is shown as data, cut to a readable length."""
    row = quarantine.show(load().scope(region, key.split("/", 1)[0]), key)
    typer.echo(json.dumps({name: _readable(name, value) for name, value in row.items()}, indent=1, default=str))


@app.command("replay")
def replay(region: Region, tenant: Tenant, feed: MaybeFeed = None, dry_run: DryRun = False) -> None:
    """Judge what is landed again, with the suites and mapping of today."""
    settings = load()
    for key in chosen_feeds(settings, region, tenant, feed):
        if dry_run:
            for line in remap.planned(settings, region, key):
                typer.echo(f"would judge {line} again")
            continue
        for ref in remap.remap_feed(settings, region, key, holder=holder()):
            typer.echo(f"{key}/{ref.stream}: batch {ref.batch_id} judged again")


def _readable(name: str, value: Any) -> Any:
    if name == "line" and value is not None:
        return f"({len(value)} characters as the vendor sent them, kept from view: nobody could tell what is personal in them)"
    return f"{value[:_SHOWN]}... ({len(value)} characters)" if isinstance(value, str) and len(value) > _SHOWN else value
