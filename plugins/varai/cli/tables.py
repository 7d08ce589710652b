"""Tables that people read in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from varai.registry import phrase
from varai.river.reconcile import Reconciliation

_COUNTS = ("vendor_count", "landed", "published", "quarantined", "unchanged")
_RARE = ("superseded", "unmappable", "erased", "tombstoned")


def slices(region: str, rows: Iterable[Mapping[str, Any]]) -> Table:
    """The most recent slice of each stream of a region."""
    table = Table(title=f"region {region}", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("tenant", "stream"):
        table.add_column(name, no_wrap=True)
    for name in _COUNTS:
        table.add_column(name.replace("_count", ""), justify="right", no_wrap=True)

    table.add_column("balanced", no_wrap=True)
    table.add_column("state")
    table.add_column("other")
    for row in rows:
        counts = [_number(row[name]) for name in _COUNTS]
        other = ", ".join(f"{row[name]:,} {name}" for name in _RARE if row[name])
        balanced = "[green]yes[/]" if row["balanced"] else "[red]no[/]"
        stream = row["stream"] if row["feed"] == "shop" else f"{row['feed']}/{row['stream']}"
        table.add_row(row["tenant"], stream, *counts, balanced, phrase(row["state"], row["percent"]), other)
    return table


def feeds(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A line for each feed that is not well or not done, also one that has no slice to show yet."""
    for row in rows:
        if row["state"] not in ("ok", "never run"):
            yield f"{row['tenant']}/{row['feed']}: {phrase(row['state'], row['percent'])}. {row['cure']}".rstrip()


def reconciliation(found: Iterable[Reconciliation]) -> Table:
    """Counts of each stream, place by place."""
    table = Table(title="reconciliation", title_justify="left")
    for name in ("tenant", "feed", "stream"):
        table.add_column(name)
    for name in ("vendor", "changed since", "known", "quarantined", "catalogue", "warehouse", "published"):
        table.add_column(name, justify="right")
    table.add_column("differences")
    for one in found:
        places = (one.vendor, one.changed, one.known, one.quarantined, one.catalogue, one.warehouse, one.published)
        table.add_row(
            one.tenant, one.feed, one.stream, *map(_number, places), "; ".join(one.differences) or "[green]none[/]"
        )
    return table


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"
