"""Tables that people read in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from varai.kernel import ErasuresOpen, RequestsOpen
from varai.registry import phrase
from varai.river.proof.words import FeedProof
from varai.river.reconcile import Reconciliation

_COUNTS = ("vendor_count", "landed", "published", "quarantined", "unchanged")
_RARE = ("superseded", "unmappable", "erased", "tombstoned")
_DECIDED = ("served", "unchanged")


_LEAST_WIDTH = 140
"""Columns that a row of `slices` needs."""


def wide_console() -> Console:
    """Standard output, at least as wide as the tables: a narrow terminal folds their lines, a pipe gets them whole."""
    console = Console()
    return console if console.width >= _LEAST_WIDTH else Console(width=_LEAST_WIDTH)


def slices(region: str, rows: Iterable[Mapping[str, Any]]) -> Table:
    """The most recent slice of each stream of a region; a stream that was never read has dashes for counts."""
    title = f"region {region}: the last slice of each stream, that is what changed since the run before"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("tenant", "stream"):
        table.add_column(name, no_wrap=True)
    for name in _COUNTS:
        table.add_column(name.replace("_count", ""), justify="right", no_wrap=True)
    table.add_column("balanced", no_wrap=True)
    table.add_column("lag", justify="right", no_wrap=True)
    for name in ("state", "cure", "other"):
        table.add_column(name)
    for row in rows:
        counts = [_number(row[name]) for name in _COUNTS]
        other = ", ".join(f"{row[name]:,} {name}" for name in _RARE if row[name])
        balanced = "-" if row["balanced"] is None else "[green]yes[/]" if row["balanced"] else "[red]no[/]"
        state = phrase(row["state"], row["percent"])
        state = state if row["state"] in ("ok", "backfilling") else f"[red]{state}[/]"
        stream = row["stream"] if row["feed"] == "shop" else f"{row['feed']}/{row['stream']}"
        table.add_row(row["tenant"], stream, *counts, balanced, _lag(row["lag_s"]), state, escape(row["cure"]), other)
    return table


def alarms(found: Mapping[str, Any]) -> Iterator[str]:
    """Sentences for what is overdue or led nowhere in a region."""
    for name, what, kind in (
        ("overdue_erasures", "erasures are overdue", ErasuresOpen.kind),
        ("overdue_requests", "answers to people who asked for their data are overdue", RequestsOpen.kind),
    ):
        for tenant, count in found[name].items():
            yield f"[bold red]{tenant}: {count} {what}[/], see docs/runbooks/{kind}.md."
    for key, count in found["dead_letters"].items():
        yield f"[red]{key}: {count} webhooks led nowhere[/], see `varai inbox list`."


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
            one.tenant,
            one.feed,
            one.stream,
            *map(_number, places),
            escape("; ".join(one.differences)) or "[green]none[/]",
        )
    return table


def proofs(found: Iterable[FeedProof]) -> Table:
    """Rows of each stream, place by place, and how many differ."""
    table = Table(title="reconciliation, row by row", title_justify="left")
    for name in ("tenant", "feed", "stream"):
        table.add_column(name)
    for name in ("vendor", "landing", "known", "catalogue", "warehouse", "published"):
        table.add_column(name, justify="right")
    for name in ("may differ", "differences"):
        table.add_column(name)
    for proof in found:
        for one in proof.streams:
            counts = [
                _number(one.rows.get(place))
                for place in ("vendor", "landing", "known", "catalogue", "warehouse", "published")
            ]
            reasons = ", ".join(f"{count:,} {reason}" for reason, count in one.explained.items())
            said = escape(one.failure) or (f"[red]{one.count:,}[/]" if one.count else "[green]none[/]")
            table.add_row(proof.tenant, proof.feed, one.stream, *counts, reasons, said)
    return table


def models(rows: Iterable[Mapping[str, Any]]) -> Table:
    """Versions of models: the champion marked, metric beside floor, the interval of their difference, how training went last."""
    table = Table(title="models", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("region", "tenant", "model"):
        table.add_column(name, no_wrap=True)
    for name in ("version", "metric", "floor", "difference, interval"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("serves", "trained"):
        table.add_column(name, no_wrap=True)
    table.add_column("training")
    for row in rows:
        version = (
            "-"
            if row["version"] is None
            else f"{'[bold green]champion[/] ' if row['champion'] else ''}{row['version']}"
        )
        figures = ["-" if row[name] is None else f"{float(row[name]):.4f}" for name in ("metric", "floor")]
        # What a decision rests on stands in the columns; where none was made, only the sentence says why.
        sentence = "" if row["state"] in _DECIDED else row["sentence"]
        told = ". ".join(part for part in (row["state"], f"{sentence} {row['drift']}".strip()) if part)
        trained = (row["trained_at"] or "-")[:10]
        serves = {None: "-", "floor": "the floor"}.get(row["serves"]) or row["recipe"]["candidate"]
        where = (row["region"], row["tenant"], row["model"])
        table.add_row(*where, version, *figures, _difference(row["difference"]), escape(serves), trained, escape(told))
    return table


def _difference(found: Sequence[float] | None) -> str:
    """Mean and interval."""
    return "-" if found is None else "{:+.4f} [{:+.4f}, {:+.4f}]".format(*found)


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def _lag(seconds: float | None) -> str:
    return "-" if seconds is None else str(timedelta(seconds=round(seconds)))
