"""Forget a person everywhere in their region, and say where they are: vault, landing, quarantine, staged rows, warehouse, marts, models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime

import structlog

from varai import landing, privacy, sources
from varai.kernel import ErasuresOpen, FeedKey, LeaseHeld, Misconfigured, Scope, VaraiError
from varai.privacy import Erasure, ErasureReport, Finding, Ledger, Place, Pseudonyms
from varai.registry import feed, feeds, holding, tenants
from varai.river.context import lease_name
from varai.river.places import ParquetPlace, PublishedPlace, WarehouseFile, WarehousePlace
from varai.river.requests import AnswersPlace
from varai.river.settle import held_warehouse
from varai.river.transform import build_and_publish
from varai.settings import Settings
from varai.sources.contract import StreamSpec, stream_spec

Beyond = Callable[[Settings, Scope], Sequence[Place]]
"""What rooms above this one hold of a tenant's people: `varai.learning.forget.places`, handed in by whoever may import it."""

log = structlog.get_logger(__name__)


def pseudonym(settings: Settings, region: str, key: FeedKey, vendor_id: str) -> str:
    """The pseudonym of a vendor's customer id.

    Raises:
        Misconfigured: there is no such feed, or its vendor has no such ids. Both would look as if nobody held the person.
    """
    scope = settings.scope(region, key.tenant)
    connector = sources.connector(feed(settings.scope(region), key).connector)
    return Pseudonyms(scope).of(key.feed, connector.subject_id(vendor_id))


def where_is(settings: Settings, scope: Scope, subject: str, *, beyond: Beyond, holder: str) -> tuple[Finding, ...]:
    """Everything that holds a pseudonym of the scope's tenant. Raises LeaseHeld when the warehouse is in use."""
    with _places(settings, scope, holder) as places:
        return privacy.where(scope, subject, [*places, *beyond(settings, scope)])


def erase_subject(
    settings: Settings,
    scope: Scope,
    subject: str,
    *,
    beyond: Beyond,
    reason: str,
    dry_run: bool,
    holder: str,
    actor: str,
    patience_s: float = 0.0,
) -> ErasureReport:
    """Forget a pseudonym of the scope's tenant everywhere; a dry run only looks.

    Args:
        patience_s: how long to wait for each feed, and for the warehouse, while somebody else works on it.

    Raises:
        LeaseHeld: a feed or the warehouse is in use still. Malformed: without a reason.
    """
    with _places(settings, scope, holder, patience_s) as places:
        everywhere = [*places, *beyond(settings, scope)]
        return privacy.erase(scope, subject, everywhere, reason=reason, dry_run=dry_run, actor=actor)


def erase_due(
    settings: Settings, region: str, *, beyond: Beyond, holder: str, now: datetime, patience_s: float = 0.0
) -> int:
    """Carry out the erasures of the region's ledgers that are still open; returns how many were completed.

    A tenant whose erasures cannot be carried out now stops no other.

    Raises:
        ErasuresOpen: naming the tenants whose erasures are left, why, and how many of them are overdue.
    """
    done, sentences = 0, []
    for tenant in tenants(settings.scope(region)):
        scope = settings.scope(region, tenant.name)
        opened = [one for one in Ledger(scope).entries("open") if one.requested_at <= now]
        left, why = _carry_out(settings, scope, opened, beyond, holder, patience_s)
        done += len(opened) - len(left)
        if left:
            overdue = sum(one.overdue(now) for one in left)
            if overdue:
                log.error("erasures.overdue", region=region, tenant=tenant.name, overdue=overdue)
            sentences.append(f"{tenant.name}: {len(left)} open, {overdue} overdue; {why}")
    if sentences:
        raise ErasuresOpen(f"Erasures are left in {region}. {' '.join(sentences)}")
    return done


def _carry_out(
    settings: Settings, scope: Scope, opened: Sequence[Erasure], beyond: Beyond, holder: str, patience_s: float
) -> tuple[list[Erasure], str]:
    """Carry out a tenant's erasures; those that are left, and why the last of them is."""
    left: list[Erasure] = []
    why = ""
    for place, entry in enumerate(opened):
        try:
            report = erase_subject(
                settings,
                scope,
                entry.subject,
                beyond=beyond,
                reason=entry.reason,
                dry_run=False,
                holder=holder,
                actor="operate",
                patience_s=patience_s,
            )
        except LeaseHeld as error:
            return [*left, *opened[place:]], error.what  # the rest would wait for the same
        except VaraiError as error:
            left, why = [*left, entry], error.what
        except Exception as error:  # noqa: BLE001  # a mistake of ours over one person must not keep others waiting
            # Only the type is told: texts of foreign errors may quote the data they choked on.
            left, why = [*left, entry], f"{type(error).__name__} was raised."
        else:
            if not report.complete:
                left, why = [*left, entry], f"{len(report.left)} places still hold a person."
    return left, why


@contextmanager
def _places(settings: Settings, scope: Scope, holder: str, patience_s: float = 0.0) -> Iterator[list[Place]]:
    """The places of a tenant, with its feeds and the region's warehouse held meanwhile. Erasure reaches DuckDB warehouses only."""
    tenant = scope.tenant
    with (
        _held_feeds(scope, holder, patience_s),
        held_warehouse(settings, scope.region, holder, patience_s=patience_s) as (held, _),
    ):
        yield [
            landing.LandingPlace(scope, lambda key, stream: _spec(scope, key, stream)),
            landing.EventsPlace(scope),
            AnswersPlace(scope),
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
def _held_feeds(scope: Scope, holder: str, patience_s: float) -> Iterator[None]:
    """Hold every feed of the tenant, so that no run at work brings a person back behind the search. Raises LeaseHeld."""
    with ExitStack() as stack:
        for one in feeds(scope):
            stack.enter_context(holding(scope, lease_name(one.key), holder, patience_s))
        yield


def _spec(scope: Scope, key: FeedKey, stream: str) -> StreamSpec | None:
    """The stream's description; None for a feed or stream that is no longer configured."""
    try:
        return stream_spec(sources.connector(feed(scope, key).connector), stream)
    except Misconfigured:
        return None
