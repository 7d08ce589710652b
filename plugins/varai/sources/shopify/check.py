"""What a feed may read, asked of the shop before its first run."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from varai.kernel import Unauthorised
from varai.sources.clock import skew_problems
from varai.sources.contract import FeedReport, Session, missing_scopes
from varai.sources.shopify import queries
from varai.sources.shopify.client import Client, open_shop
from varai.sources.shopify.pace import tier
from varai.sources.shopify.streams import STREAMS
from varai.sources.shopify.versions import version_problems

_DAYS_SHOWN = 60


class _Scope(msgspec.Struct):
    handle: str


class _App(msgspec.Struct, rename="camel"):
    access_scopes: list[_Scope]


class _Shop(msgspec.Struct, rename="camel"):
    name: str
    currency_code: str
    iana_timezone: str


class _Version(msgspec.Struct):
    handle: str
    supported: bool


class _CheckData(msgspec.Struct):
    shop: _Shop
    app: _App
    versions: list[_Version]


class _Order(msgspec.Struct, rename="camel"):
    created_at: datetime


class _Orders(msgspec.Struct):
    nodes: list[_Order]


class _OrdersData(msgspec.Struct):
    page: _Orders


def check(session: Session) -> FeedReport:
    """Ask the shop for scopes, earliest order, version, rate and clock; raises typed errors when it cannot be asked."""
    with open_shop(session) as client:
        found = client.ask(queries.CHECK, {}, _CheckData)
        granted = _granted(found)
        served = [version.handle for version in found.versions if version.supported]
        missing = missing_scopes(STREAMS, tuple(granted))
        history_from = _earliest_order(client) if "read_orders" in granted else None
        return FeedReport(
            scopes_granted=tuple(sorted(granted)),
            scopes_missing=missing,
            history_from=history_from,
            api_version=client.api_version,
            rate_tier=tier(client.pace.status),
            clock_skew_s=client.clock_skew_s,
            problems=[
                *scope_problems(missing),
                *version_problems(queries.API_VERSION, session.clock(), served),
                *skew_problems(client.clock_skew_s),
            ],
        )


def granted_scopes(client: Client) -> set[str]:
    """What the shop lets this app read and write."""
    return _granted(client.ask(queries.CHECK, {}, _CheckData))


def _granted(found: _CheckData) -> set[str]:
    return readable(scope.handle for scope in found.app.access_scopes)


def readable(handles: Iterable[str]) -> set[str]:
    """Scopes as granted, and those that they imply."""
    granted = set(handles)
    if "read_shopify_payments" in granted:  # the older scope over all that Shopify Payments has
        granted |= {f"read_shopify_payments_{part}" for part in ("accounts", "payouts", "disputes")}
    # Writing implies reading: Shopify lists only the wider of the two.
    return granted | {handle.replace("write_", "read_", 1) for handle in granted if handle.startswith("write_")}


def _earliest_order(client: Client) -> datetime | None:
    """When the earliest order that the shop shows was created, UTC; None when it shows none."""
    try:
        nodes = client.ask(queries.EARLIEST_ORDER, {}, _OrdersData).page.nodes
    except Unauthorised:
        return None
    return nodes[0].created_at.astimezone(UTC) if nodes else None


def scope_problems(missing: tuple[str, ...]) -> list[str]:
    """Sentences with their cure. What only optional streams need is no problem: without it they are empty."""
    problems = []
    for scope in missing:
        streams = ", ".join(spec.name for spec in STREAMS if scope in spec.needs_scopes and not spec.optional)
        if not streams:
            continue
        if scope == "read_all_orders":
            problems.append(
                f"The scope read_all_orders is missing, so Shopify shows only orders of the last {_DAYS_SHOWN} days:"
                " ask Shopify for it in the Partner Dashboard and reauthorise the feed, or accept the short history."
            )
        else:
            problems.append(f"The scope {scope} is missing ({streams}): grant it to the app and reauthorise the feed.")
    return problems
