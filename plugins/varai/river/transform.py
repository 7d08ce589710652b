"""Transform a region: build the marts in the warehouse, publish the snapshots of the tenants that changed, write the documentation."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from varai import marts, warehouse
from varai.canonical import ENTITIES
from varai.kernel import Scope, Word
from varai.registry import snapshots as snapshots_of
from varai.registry import this_process
from varai.river.coverage import coverage
from varai.river.settle import held_warehouse
from varai.river.withheld import withheld
from varai.settings import Settings
from varai.warehouse.build import build
from varai.warehouse.build import docs as build_docs
from varai.warehouse.duck import connect_duckdb


class TransformReport(Word):
    """What a transformation did.

    Attributes:
        snapshots: tenant -> its current snapshot.
        changed: tenants whose snapshot is new.
        withheld: tenants that keep their earlier snapshot because a test of their marts failed.
        findings: sentences about tests that found rows.
    """

    snapshots: Mapping[str, str]
    changed: tuple[str, ...]
    withheld: tuple[str, ...]
    findings: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """The report as a person reads it."""
        parts = [f"{len(self.snapshots)} tenants published, {len(self.changed)} changed"]
        if self.withheld:
            parts.append(f"withheld: {', '.join(self.withheld)}")
        return "; ".join([*parts, *self.findings]) + "."


def transform(settings: Settings, region: str, *, holder: str, patience_s: float = 0.0) -> TransformReport:
    """Build and publish the marts of a region.

    Raises:
        LeaseHeld: another process has the warehouse. Misconfigured: a model does not build; the sentence names it.
    """
    with held_warehouse(settings, region, holder, patience_s=patience_s) as (scope, _):
        return build_and_publish(settings, scope)


def build_and_publish(settings: Settings, scope: Scope, *, anew: Collection[str] = ()) -> TransformReport:
    """`transform` for a caller who holds the region's warehouse lease and has no connection to it open.

    Args:
        anew: tenants whose snapshot is written again though its contents have not changed.
    """
    region = scope.region
    covered = coverage(scope)
    with warehouse.connect(scope) as opened:
        opened.evolve(tuple(ENTITIES.values()))
    folders = [_folder(settings, region, name) for name in ("target", "logs")]
    report = build(scope, settings.dbt, *folders, location=settings.region(region).location)
    before = snapshots_of(scope)
    with connect_duckdb(scope) as opened:
        facts = {tenant: {"withheld": told} for tenant, told in withheld(scope, opened.connection).items()}
        snapshots = marts.publish(scope, opened.connection, report.marts, report.withheld, facts=facts, anew=anew)
    for tenant in snapshots.keys() - report.withheld:  # those who keep an earlier snapshot keep what was said of it
        marts.put_coverage(scope, tenant, snapshots[tenant], covered.get(tenant, {}))
    return TransformReport(
        snapshots=snapshots,
        changed=tuple(sorted(tenant for tenant, snapshot in snapshots.items() if before.get(tenant) != snapshot)),
        withheld=tuple(sorted(report.withheld)),
        findings=tuple(f"{one.test} found rows of {', '.join(one.rows)}" for one in report.findings),
    )


def write_docs(settings: Settings, region: str) -> Path:
    """Write the static dbt documentation of a region; returns the page. Raises LeaseHeld, Misconfigured."""
    location = settings.region(region).location
    out = settings.home.resolve() / "docs" / region / "dbt" / "index.html"
    with held_warehouse(settings, region, f"docs of {region} {this_process()}") as (scope, _):
        return build_docs(
            scope,
            settings.dbt,
            _folder(settings, region, "target"),
            _folder(settings, region, "logs"),
            out,
            location=location,
        )


def _folder(settings: Settings, region: str, name: str) -> Path:
    """Dbt gets its own folders per region."""
    return settings.home.resolve() / "dbt" / region / name
