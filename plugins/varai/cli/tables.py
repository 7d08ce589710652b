"""Tables that people read in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.table import Table

from varai.river.reconcile import Reconciliation

_COUNTS = (
    "vendor_count",
    "landed",
    "published",
    "quarantined",
    "unchanged",
    "superseded",
    "unmappable",
    "erased",
    "tombstoned",
)


def slices(region: str, rows: Iterable[Mapping[str, Any]]) -> Table:
    """The most recent slice of each stream of a region."""
    table = Table(title=f"region {region}", title_justify="left")
    for name in ("tenant", "feed", "stream"):
        table.add_column(name)
    for name in _COUNTS:
        table.add_column(name.replace("_count", ""), justify="right")
    table.add_column("balanced")
    table.add_column("state")
    for row in rows:
        counts = [_number(row[name]) for name in _COUNTS]
        balanced = "[green]yes[/]" if row["balanced"] else "[red]no[/]"
        table.add_row(row["tenant"], row["feed"], row["stream"], *counts, balanced, row["state"])
    return table


def reconciliation(found: Iterable[Reconciliation]) -> Table:
    """Counts of each stream, place by place."""
    table = Table(title="reconciliation", title_justify="left")
    for name in ("tenant", "feed", "stream"):
        table.add_column(name)
    for name in ("vendor", "known", "quarantined", "catalogue", "warehouse"):
        table.add_column(name, justify="right")
    table.add_column("differences")
    for one in found:
        places = (one.vendor, one.known, one.quarantined, one.catalogue, one.warehouse)
        table.add_row(
            one.tenant, one.feed, one.stream, *map(_number, places), "; ".join(one.differences) or "[green]none[/]"
        )
    return table


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"
