"""Build the marts of a region with dbt, in this process: raw tables in, marts and the tenants to withhold out.

The only module that imports dbt, and only when it builds. dbt opens the warehouse itself: close your own connection first.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from varai.canonical import ENTITIES
from varai.kernel import DiskFull, LeaseHeld, Misconfigured, Scope, VaraiError
from varai.marts import Mart
from varai.warehouse.connect import connect
from varai.warehouse.merge import BIGQUERY, DUCKDB
from varai.warehouse.profile import write_profile

_QUIET = ("--quiet", "--no-use-colors", "--no-version-check", "--no-send-anonymous-usage-stats")
_CLASSES = ("public", "internal", "personal", "health")


@dataclass(frozen=True, slots=True)
class Finding:
    """A data test that found rows: how many per tenant, and whether their tenants are to be withheld."""

    test: str
    rows: Mapping[str, int]
    withholds: bool


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did.

    Attributes:
        models: models built. tests: data tests run. unit_tests: unit tests run, all of which passed.
        marts: the models tagged `published`, for varai.marts.publish.
        findings: data tests that found rows.
    """

    models: int
    tests: int
    unit_tests: int
    marts: tuple[Mart, ...]
    findings: tuple[Finding, ...]

    @property
    def withheld(self) -> frozenset[str]:
        """Tenants whose marts must not be published before their tests pass again."""
        return frozenset(tenant for finding in self.findings if finding.withholds for tenant in finding.rows)


def build(
    scope: Scope, project: Path, target: Path, logs: Path, *, location: str = "", unit_tests: bool = False
) -> BuildReport:
    """Run `dbt build` for a region under its `warehouse` lease.

    Args:
        scope: the region's scope.
        project: the dbt project (settings.dbt).
        target: folder of the region's own for what dbt compiles; the profile is written there too.
        logs: folder of the region's own for dbt's log.
        location: the region's location; needed by BigQuery alone.
        unit_tests: run the models' unit tests too; they test the code, not the data.

    Raises:
        Misconfigured: a model does not build; the sentence names it and carries dbt's first line.
        LeaseHeld: another process has the warehouse open. DiskFull: no space is left.
    """
    with connect(scope) as warehouse:
        warehouse.evolve(tuple(ENTITIES.values()))
    arguments = [] if unit_tests else ["--exclude-resource-type", "unit_test"]
    results = _invoke(["build", *arguments], scope, project, target, logs, location)
    nodes = [result.node for result in results]
    return BuildReport(
        models=sum(node.resource_type == "model" for node in nodes),
        tests=sum(node.resource_type == "test" for node in nodes),
        unit_tests=sum(node.resource_type == "unit_test" for node in nodes),
        marts=tuple(_mart(node) for node in nodes if "published" in node.tags and node.resource_type == "model"),
        findings=_findings(scope, results),
    )


def docs(scope: Scope, project: Path, target: Path, logs: Path, out: Path, *, location: str = "") -> Path:
    """Write the project's documentation with its lineage as one file that needs no network; returns its path.

    Raises: as `build` does.
    """
    _invoke(["docs", "generate", "--static"], scope, project, target, logs, location)
    out.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(target / "static_index.html", out)
    return out


def _invoke(command: Sequence[str], scope: Scope, project: Path, target: Path, logs: Path, location: str) -> list[Any]:
    from dbt.cli.main import dbtRunner

    target.mkdir(parents=True, exist_ok=True)
    logs.mkdir(parents=True, exist_ok=True)
    name = write_profile(scope, target, location)
    places = [
        "--project-dir",
        project,
        "--profiles-dir",
        target,
        "--target-path",
        target,
        "--log-path",
        logs,
        "--target",
        name,
    ]
    try:
        answer = dbtRunner().invoke([*command, *_QUIET, *map(str, places)])
    finally:
        _close()
    if answer.exception is not None:
        raise _as_sentence(str(answer.exception), "the project", logs) from answer.exception
    results = list(getattr(answer.result, "results", []))
    if not answer.success:
        failed = [result for result in results if str(result.status) in ("error", "fail", "runtime error")]
        raise _as_sentence(str(failed[0].message) if failed else "", _names(failed), logs)
    return results


def _close() -> None:
    """Give the file back: dbt-duckdb keeps its connection until the process ends."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    environment = DuckDBConnectionManager._ENV
    if environment is not None:
        environment.close()
    DuckDBConnectionManager.close_all_connections()


def _names(results: Iterable[Any]) -> str:
    return ", ".join(result.node.name for result in results) or "the project"


def _as_sentence(message: str, what: str, logs: Path) -> VaraiError:
    if "No space left" in message:
        return DiskFull("No space is left for the marts; the tables that were built before stay.")
    if "Could not set lock" in message:
        return LeaseHeld("Another process has the warehouse open.")
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return Misconfigured(
        f"dbt could not build {what}: {' '.join(lines[:3]) or 'no message'}.", f"Read {logs / 'dbt.log'}."
    )


def _mart(node: Any) -> Mart:
    classes = [column.config.meta.get("data_class", "internal") for column in node.columns.values()]
    return Mart(
        name=node.name,
        schema_name=node.schema,
        key=tuple(node.config.meta["key"]),
        data_class=max(["internal", *classes], key=_CLASSES.index),
    )


def _findings(scope: Scope, results: Sequence[Any]) -> tuple[Finding, ...]:
    """The data tests that found rows, with their tenants, read from the failures they stored."""
    warned = [result for result in results if result.node.resource_type == "test" and str(result.status) == "warn"]
    if not warned:
        return ()
    dialect = DUCKDB if scope.warehouse.endswith(".duckdb") else BIGQUERY
    found = []
    with connect(scope) as warehouse:
        for result in warned:
            table = dialect.name(
                *([] if dialect is DUCKDB else [result.node.database]), result.node.schema, result.node.alias
            )
            rows = warehouse.rows(f"SELECT tenant, count(*) FROM {table} GROUP BY tenant ORDER BY tenant")
            found.append(Finding(result.node.name, dict(rows), bool(result.node.config.meta.get("withholds"))))
    return tuple(found)
