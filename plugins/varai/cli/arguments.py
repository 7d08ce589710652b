"""Options that many commands share, and the small parsers behind them."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import Annotated

import typer

from varai.kernel import FeedKey, Misconfigured, Scope
from varai.registry import feeds, tenants, this_process
from varai.settings import Settings

Region = Annotated[str, typer.Option("--region", "-r", help="Region, as config/regions.toml names it.")]
MaybeRegion = Annotated[str | None, typer.Option("--region", "-r", help="Only this region.")]
MaybeTenant = Annotated[str | None, typer.Option("--tenant", "-t", help="Only this tenant.")]
MaybeFeed = Annotated[str | None, typer.Option("--feed", "-f", help="Only this feed of the tenant.")]
Tenant = Annotated[str, typer.Option("--tenant", "-t", help="Tenant.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and change nothing.")]


def holder() -> str:
    """Who takes leases when this command runs."""
    return f"varai of {getpass.getuser()} {this_process()}"


def operator() -> str:
    """Who is asking, for the audit."""
    return getpass.getuser()


def instant(text: str) -> datetime:
    """An ISO 8601 date or time, UTC when it names no zone. Raises Misconfigured."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise Misconfigured(f"'{text}' is not a time.", "Write it like 2026-11-01 or 2026-11-01T10:00:00Z.") from error
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def chosen_regions(settings: Settings, region: str | None) -> list[str]:
    """The named region, or all."""
    return [settings.region(region).name] if region else sorted(settings.regions)


def tenant_scope(settings: Settings, region: str, tenant: str) -> Scope:
    """The scope of a tenant that there is; raises Misconfigured for another name, whose data would look like none."""
    known = [one.name for one in tenants(settings.scope(region))]
    if tenant not in known:
        raise Misconfigured(
            f"There is no tenant '{tenant}' in region '{region}', known: {', '.join(known) or 'none'}.",
            "Name one of these.",
        )
    return settings.scope(region, tenant)


def chosen_feeds(
    settings: Settings, region: str, tenant: str | None, feed: str | None, *, strict: bool = True
) -> list[FeedKey]:
    """Feeds that are not paused and match; raises Misconfigured when a name matches nothing and `strict`."""
    scope = settings.scope(region, tenant)
    found = [one.key for one in feeds(scope) if not one.paused and (feed is None or one.name == feed)]
    if not found and strict and (tenant or feed):
        raise Misconfigured(
            f"No feed in region '{region}' matches tenant '{tenant or 'any'}' and feed '{feed or 'any'}'.",
            "See `varai feeds list`.",
        )
    return found
