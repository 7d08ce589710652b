"""`varai feeds`: which feeds there are, connecting them, what their vendors let us read, and pausing them."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from varai.cli.arguments import (
    Json,
    MaybeFeed,
    MaybeRegion,
    MaybeTenant,
    Region,
    Tenant,
    chosen_feeds,
    chosen_regions,
    operator,
)
from varai.cli.previews import preview_table
from varai.cli.tables import wide_console
from varai.kernel import FeedKey, VaraiError
from varai.registry import feed as one_feed
from varai.registry import feed_states, feeds, phrase, put_feed
from varai.river.connect import authorise_at, connect_feed
from varai.river.feeds import check_feed
from varai.river.preview import preview as preview_feed
from varai.settings import load

app = typer.Typer(no_args_is_help=True, help="Look after connections to vendors.")


@app.command("list")
def list_feeds(region: MaybeRegion = None, tenant: MaybeTenant = None, as_json: Json = False) -> None:
    """Feeds with their state."""
    settings = load()
    rows: list[dict[str, Any]] = []
    for name in chosen_regions(settings, region):
        scope = settings.scope(name, tenant)
        states = feed_states(scope)
        for one in feeds(scope):
            state = states.get(str(one.key))
            kind = "paused" if one.paused else state.kind if state else "never run"
            rows.append(
                {
                    "region": name,
                    "tenant": one.tenant,
                    "feed": one.name,
                    "connector": one.connector,
                    "state": kind,
                    "percent": state.percent if state and not one.paused else None,
                    "cure": state.cure if state else "",
                }
            )
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    table = Table()
    for column in ("region", "tenant", "feed", "connector", "state", "cure"):
        table.add_column(column)
    for row in rows:
        cells = (
            row["region"],
            row["tenant"],
            row["feed"],
            row["connector"],
            phrase(row["state"], row["percent"]),
            row["cure"],
        )
        table.add_row(*map(escape, cells))
    wide_console().print(table)


@app.command("connect")
def connect(
    region: Region,
    tenant: Tenant,
    feed: str = typer.Option("shop", "--feed", "-f"),
    answer: Annotated[
        str | None,
        typer.Option(
            "--answer",
            help="The address that the merchant was sent to; - to be asked for it, or to read it from a pipe.",
        ),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option("--without", help="A scope that the vendor has not granted the app; may be repeated."),
    ] = None,
) -> None:
    """Print the address at which a merchant lets us in; with the address that they were sent to afterwards, take their answer."""
    settings, key = load(), FeedKey(tenant, feed)
    if answer is None:
        typer.echo(authorise_at(settings, region, key, without=without or ()))
        typer.echo("Let the merchant agree there within the hour, then run this again with --answer -", err=True)
        return
    if answer == "-":
        answer = typer.prompt("The address that the merchant was sent to", err=True)
    given = connect_feed(settings, region, key, answer, actor=operator())
    console = Console()
    console.print(
        f"[bold]{region} {key}[/]: connected, {len(given.granted)} scopes granted", highlight=False, soft_wrap=True
    )
    for problem in given.problems:
        console.print(f"  [red]{escape(problem)}[/]", highlight=False, soft_wrap=True)
    if given.problems:
        raise typer.Exit(1)


@app.command("check")
def check(region: MaybeRegion = None, tenant: MaybeTenant = None, feed: MaybeFeed = None) -> None:
    """Ask each vendor: scopes granted against needed, earliest visible order, API version, rate tier, clock skew."""
    settings = load()
    console = Console()
    bad = False
    for name in chosen_regions(settings, region):
        for key in chosen_feeds(settings, name, tenant, feed, strict=region is not None):
            try:
                report = check_feed(settings, name, key)
            except VaraiError as error:  # the next feed may be well
                bad = True
                console.print(f"[bold]{name} {key}[/]: [red]{escape(str(error))}[/]", highlight=False, soft_wrap=True)
                continue
            history = report.history_from.date().isoformat() if report.history_from else "no order yet"
            console.print(
                f"[bold]{name} {key}[/]: API {escape(report.api_version)}, {escape(report.rate_tier)}, "
                f"clock skew {report.clock_skew_s:+.1f} s, history from {history}, {len(report.scopes_granted)} scopes granted",
                highlight=False,
                soft_wrap=True,
            )
            for problem in report.problems:
                bad = True
                console.print(f"  [red]{escape(problem)}[/]", highlight=False, soft_wrap=True)
    if bad:
        raise typer.Exit(1)


@app.command("preview")
def preview(
    region: Region,
    tenant: Tenant,
    feed: str = typer.Option("shop", "--feed", "-f"),
    rows: Annotated[int, typer.Option("--rows", min=1, max=1_000, help="Rows of each stream.")] = 3,
) -> None:
    """Show what the first rows of each stream would become, and what would be quarantined. Writes nothing."""
    for one in preview_feed(load(), region, FeedKey(tenant, feed), rows=rows):
        wide_console().print(preview_table(one))


@app.command("pause")
def pause(region: Region, tenant: Tenant, feed: str = typer.Option("shop", "--feed", "-f")) -> None:
    """Leave a feed out of every run until it is resumed."""
    _set_paused(region, FeedKey(tenant, feed), paused=True)


@app.command("resume")
def resume(region: Region, tenant: Tenant, feed: str = typer.Option("shop", "--feed", "-f")) -> None:
    """Take a paused feed up again."""
    _set_paused(region, FeedKey(tenant, feed), paused=False)


def _set_paused(region: str, key: FeedKey, *, paused: bool) -> None:
    scope = load().scope(region, key.tenant)
    put_feed(scope, one_feed(scope, key).model_copy(update={"paused": paused}))
    typer.echo(f"{key} is {'paused' if paused else 'running'}.")
