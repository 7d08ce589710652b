"""The columns of the matrix: what goes wrong. To add one, add its entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sandbox.prove.business import (
    Change,
    Meanwhile,
    change_upon_change,
    numbers_are_reused,
    one_changes,
    one_comes,
    one_goes,
    some_go,
    they_come_back,
)
from sandbox.prove.killed import MERGED
from sandbox.prove.told import Ways, all_come_twice, some_are_lost, they_come_in_disorder

EVER = 1_000_000
"""More often than anybody asks."""
_HOUR = 3600


@dataclass(frozen=True)
class Fault:
    """A fault of the simulators' switch, set for the lists of products and of orders (`sandbox.vendors.faults`).

    Attributes:
        times: how often it strikes each list.
        later: it strikes pages after the first only.
        anywhere: it strikes whatever is asked for instead.
        counted: it strikes their counts, where the vendor counts apart from its lists.
    """

    kind: str
    times: int = 2
    later: bool = False
    anywhere: bool = False
    counted: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Column:
    """What goes wrong in a cell.

    Attributes:
        faults: what the vendor's switch does in the run under test.
        yesterday: what happened at the vendor before, and was read a day ago without any fault.
        today: what happens at the vendor beside the day's business.
        meanwhile: what happens at the vendor when the first page of products, and of orders, has come.
        killed: the step at which the kernel kills one run at its products, and the next one at its orders.
        listed: a day has passed since ids were listed, so that what was deleted shows.
        behind: how far the vendor's clock is behind ours. Where it is ahead, the run reads to an instant so long ago, before that
            day's business.
        comes: what comes of what the vendor tells of the day by webhooks; then no run reads that day, but the inbox's consumer.
    """

    faults: tuple[Fault, ...] = ()
    yesterday: Change | None = None
    today: Change | None = None
    meanwhile: Meanwhile | None = None
    killed: str = ""
    listed: bool = False
    behind: timedelta = timedelta()
    comes: Ways | None = None


def _switched(kind: str, times: int = 2, *, later: bool = False, **options: Any) -> Column:
    return Column((Fault(kind, times, later=later, options=options),))


def _miscounted(times: int, delta: int, *, later: bool = False) -> Column:
    return Column((Fault("wrong_count", times, later=later, counted=True, options={"delta": delta}),))


def _skewed(behind: timedelta) -> Column:
    return Column(
        (Fault("clock_skew", EVER, anywhere=True, options={"seconds": -behind.total_seconds()}),), behind=behind
    )


COLUMNS: Mapping[str, Column] = {
    "429 with Retry-After": _switched("429", retry_after=1),
    "429 without": _switched("429"),
    "429 for an hour": _switched("429", EVER, retry_after=_HOUR),
    "5xx burst": _switched("5xx", 3),
    "5xx that stays": _switched("5xx", EVER),
    "cut body": _switched("cut"),
    "truncated JSON": _switched("truncated_json"),
    "wrong content type": _switched("wrong_content_type"),
    "slow drip": _switched("slow", 1, seconds=0.2),
    "duplicate page": _switched("duplicate_page", 1, later=True),
    "missing page": _switched("missing_page", 1, later=True),
    "repeated page": _switched("duplicate_page", EVER, later=True),
    "count too high": _miscounted(EVER, 3),
    "count too low": _miscounted(EVER, -5),
    "moving count": _miscounted(1, 2, later=True),
    "expired token": _switched("expired_token", 1),
    "revoked token": _switched("revoked_token", EVER, later=True),
    "clock behind": _skewed(timedelta(minutes=4)),
    "clock far behind": _skewed(timedelta(hours=2)),
    "clock ahead": _skewed(-timedelta(minutes=4)),
    "changes meanwhile": Column(meanwhile=one_changes),
    "deletes meanwhile": Column(meanwhile=one_goes),
    "arrivals meanwhile": Column(meanwhile=one_comes),
    **{f"killed: {name}": Column(killed=step) for name, step in (
        ("staged", "staged"), ("catalogue", "catalogue"), ("warehouse", MERGED), ("hashes", "hashes"), ("watermark", "watermark"))},
    "deleted": Column(today=some_go, listed=True),
    "resurrected": Column(yesterday=some_go, today=they_come_back),
    "id reused": Column(today=numbers_are_reused),
    "webhook lost": Column(comes=some_are_lost),
    "webhook duplicate": Column(today=some_go, comes=all_come_twice),
    "webhooks reordered": Column(today=change_upon_change, comes=they_come_in_disorder),
}  # fmt: skip
