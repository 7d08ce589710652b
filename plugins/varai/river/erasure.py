"""Forget a person everywhere in their region, and say where they are: vault, landing, quarantine, staged rows, warehouse, snapshots."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime

from varai import landing, privacy, sources
from varai.kernel import FeedKey, Misconfigured, Scope
from varai.privacy import ErasureReport, Finding, Ledger, Place, Pseudonyms
from varai.registry import acquire, feed, feeds, release, renewing, tenants
from varai.river.context import lease_name
from varai.river.places import ParquetPlace, PublishedPlace, WarehouseFile, WarehousePlace
from varai.river.settle import held_warehouse
from varai.river.transform import build_and_publish
from varai.settings import Settings
from varai.sources.contract import StreamSpec, stream_spec


def pseudonym(settings: Settings, region: str, key: FeedKey, vendor_id: str) -> str:
    """The pseudonym of a vendor's customer id."""
    return Pseudonyms(settings.scope(region, key.tenant)).of(key.feed, vendor_id)


def where_is(settings: Settings, region: str, tenant: str, subject: str, *, holder: str) -> tuple[Finding, ...]:
    """Everything that holds a pseudonym. Raises LeaseHeld when the warehouse is in use."""
    scope = settings.scope(region, tenant)
    with _places(settings, scope, holder) as places:
        return privacy.where(scope, subject, places)


def erase_subject(
    settings: Settings, region: str, tenant: str, subject: str, *, reason: str, dry_run: bool, holder: str, actor: str
) -> ErasureReport:
    """Forget a pseudonym everywhere; a dry run only looks.

    Raises:
        LeaseHeld: the warehouse is in use. Malformed: without a reason.
    """
    scope = settings.scope(region, tenant)
    with _places(settings, scope, holder) as places:
        return privacy.erase(scope, subject, places, reason=reason, dry_run=dry_run, actor=actor)


def erase_due(settings: Settings, region: str, *, holder: str, now: datetime) -> int:
    """Carry out the erasures of the region's ledgers that are still open; returns how many were completed."""
    done = 0
    for tenant in tenants(settings.scope(region)):
        for entry in Ledger(settings.scope(region, tenant.name)).entries("open"):
            if entry.requested_at <= now:
                report = erase_subject(
                    settings,
                    region,
                    tenant.name,
                    entry.subject,
                    reason=entry.reason,
                    dry_run=False,
                    holder=holder,
                    actor="operate",
                )
                done += report.complete
    return done


@contextmanager
def _places(settings: Settings, scope: Scope, holder: str) -> Iterator[list[Place]]:
    """The places of a tenant, with its feeds and the region's warehouse held meanwhile. Erasure reaches DuckDB warehouses only."""
    tenant = scope.tenant
    with _held_feeds(scope, holder), held_warehouse(settings, scope.region, holder) as (held, _):
        yield [
            landing.LandingPlace(scope, lambda key, stream: _spec(scope, key, stream)),
            ParquetPlace(scope, "quarantine", f"quarantine/{tenant}/"),
            ParquetPlace(scope, "evidence", f"evidence/{tenant}/"),
            ParquetPlace(scope, "doubted", f"doubted/{tenant}/"),
            ParquetPlace(scope, "staged", f"canonical/{tenant}/"),
            ParquetPlace(scope, "hashes", f"state/{tenant}/", lambda key: key.endswith(".parquet")),
            WarehousePlace(scope, held),
            PublishedPlace(scope, lambda: build_and_publish(settings, held)),
            WarehouseFile(held),
        ]


@contextmanager
def _held_feeds(scope: Scope, holder: str) -> Iterator[None]:
    """Hold every feed of the tenant, so that no run at work brings a person back behind the search. Raises LeaseHeld."""
    with ExitStack() as stack:
        for one in feeds(scope):
            lease = acquire(scope, lease_name(one.key), holder)
            stack.callback(release, scope, lease)
            stack.enter_context(renewing(scope, lease))
        yield


def _spec(scope: Scope, key: FeedKey, stream: str) -> StreamSpec | None:
    """The stream's description; None for a feed or stream that is no longer configured."""
    try:
        return stream_spec(sources.connector(feed(scope, key).connector), stream)
    except Misconfigured:
        return None
