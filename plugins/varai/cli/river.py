"""Commands that move data: run, backfill, remap, transform, status, migrate; and accepting a slice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from varai.cli import tables
from varai.cli.arguments import (
    DryRun,
    Json,
    MaybeFeed,
    MaybeRegion,
    MaybeTenant,
    Region,
    Tenant,
    chosen_feeds,
    chosen_regions,
    holder,
    instant,
    operator,
)
from varai.kernel import FeedKey, Misconfigured, Window, utc_now
from varai.registry import RunRecord
from varai.registry import status as region_status
from varai.registry.slices import StreamKey
from varai.river import accept, feeds, migrate, remap, run, transform
from varai.settings import load
from varai.sources import stream_names

_BEGINNING = "1970-01-01"
slices = typer.Typer(no_args_is_help=True, help="Look after single slices.")
Streams = Annotated[list[str] | None, typer.Option("--stream", help="Only this stream; may be given more than once.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to the root."""
    for command in (
        run_command,
        backfill,
        remap_command,
        transform_command,
        status,
        migrate_command,
    ):
        app.command(command.__name__.removesuffix("_command"))(command)


def _told(key: StreamKey, step: str, records: int) -> None:
    if step != "landing":
        Console(stderr=True).print(
            f"{key.tenant}/{key.feed}/{key.stream}: {step} {records or ''}", style="dim", highlight=False
        )


def _finish(record: RunRecord) -> None:
    console = Console()
    console.print(
        f"Run {record.run_id}: {len(record.batches)} slices staged, {len(record.settled)} watermarks moved.",
        highlight=False,
    )
    for name, sentence in record.failures.items():
        console.print(f"[red]{name}[/]: {escape(sentence)}", highlight=False, soft_wrap=True)
    if record.failures:
        raise typer.Exit(1)


def run_command(
    region: MaybeRegion = None, tenant: MaybeTenant = None, feed: MaybeFeed = None, stream: Streams = None
) -> None:
    """Bring feeds up to date without Airflow: land, map, judge, publish, load, settle."""
    settings = load()
    failed = False
    for name in chosen_regions(settings, region):
        keys = chosen_feeds(settings, name, tenant, feed, strict=region is not None)
        record = run.run_feeds(settings, name, keys, streams=stream, progress=_told)
        try:
            _finish(record)
        except typer.Exit:
            failed = True
    if failed:
        raise typer.Exit(1)


def backfill(
    region: Region,
    tenant: Tenant,
    feed: MaybeFeed = None,
    start: Annotated[str | None, typer.Option("--from", help="Beginning of the window (ISO 8601).")] = None,
    end: Annotated[str | None, typer.Option("--to", help="End of the window; now when left out.")] = None,
    stream: Streams = None,
    dry_run: DryRun = False,
) -> None:
    """Read a window of the past again. The watermark never moves backwards."""
    settings = load()
    window = _window(start, end)
    keys = chosen_feeds(settings, region, tenant, feed)
    if dry_run:
        for key in keys:
            for name, planned in feeds.next_windows(settings, region, key, streams=stream).items():
                begins = f"starts at {planned.start}" if planned.start else "reads it whole"
                typer.echo(f"would read {key}/{name} from {window.start} to {window.end} (its next run {begins})")
        return
    _finish(run.run_feeds(settings, region, keys, streams=stream, window=window, progress=_told))


def _window(start: str | None, end: str | None) -> Window:
    until = instant(end) if end else utc_now().replace(microsecond=0)
    since = instant(start or _BEGINNING)
    if since >= until:
        raise Misconfigured(f"--from {since} is not before --to {until}.", "Give a beginning that lies before the end.")
    return Window(start=since, end=until)


def remap_command(
    region: Region, tenant: Tenant, feed: MaybeFeed = None, stream: Streams = None, dry_run: DryRun = False
) -> None:
    """Map and judge what is landed again, without asking the vendor."""
    settings = load()
    for key in chosen_feeds(settings, region, tenant, feed):
        if dry_run:
            for line in remap.planned(settings, region, key, streams=stream):
                typer.echo(f"would map {line} again")
            continue
        for ref in remap.remap_feed(settings, region, key, holder=holder(), streams=stream, progress=_told):
            typer.echo(f"{key}/{ref.stream}: batch {ref.batch_id}, {ref.records} records mapped again")


def transform_command(region: MaybeRegion = None) -> None:
    """Build the marts and publish snapshots of the tenants that changed."""
    settings = load()
    for name in chosen_regions(settings, region):
        report = transform.transform(settings, name, holder=holder())
        typer.echo(f"{name}: {report.sentence}")


def status(as_json: Json = False, region: MaybeRegion = None) -> None:
    """How far every stream is, whether it balances, and what to do where it does not. Exit code 1 when a day set by law has passed."""
    settings = load()
    regions = {
        name: region_status(settings.scope(name), settings.addresses, stream_names)
        for name in chosen_regions(settings, region)
    }
    if as_json:
        typer.echo(json.dumps({"regions": regions}, indent=1))
        _alarmed(regions)
        return
    console = tables.wide_console()
    for name, found in regions.items():
        console.print(tables.slices(name, found["slices"]))
        for told in tables.alarms(found):
            console.print(told, highlight=False, soft_wrap=True)
    _alarmed(regions)


def _alarmed(regions: Mapping[str, Mapping[str, Any]]) -> None:
    """End with 1 where a day set by law has passed."""
    if any(found["overdue_erasures"] or found["overdue_requests"] for found in regions.values()):
        raise typer.Exit(1)


def migrate_command(dry_run: DryRun = False) -> None:
    """Create or update indexes, tables and the seeds of the registry. Safe to repeat."""
    settings = load()
    for name in sorted(settings.regions):
        changes = migrate.migrate(settings, name, dry_run=dry_run, holder=holder())
        for line in changes:
            typer.echo(f"{name}: {'would ' if dry_run else ''}{line}")
        if not changes:
            typer.echo(f"{name}: all is in place")


@slices.command("accept")
def accept_slice(
    region: Region,
    tenant: Tenant,
    stream: Annotated[str, typer.Option("--stream", help="Stream whose unfinished slice may pass.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the audit.")],
    feed: Annotated[str, typer.Option("--feed", "-f")] = "shop",
) -> None:
    """Let a slice pass that differs from what the vendor counts, once the difference is shown and confirmed."""
    settings, key = load(), FeedKey(tenant, feed)
    what = accept.doubted(settings, region, key, stream)
    typer.confirm(f"{key}/{stream}: {what}. Accept?", abort=True)
    sentence = accept.accept_slice(
        settings, region, key, stream, what=what, reason=reason, by=operator(), holder=holder()
    )
    typer.echo(sentence)
