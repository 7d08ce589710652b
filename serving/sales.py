"""A tenant's sales by day, week or month, from its published `daily_sales`; each number is computed as its metric says.

A series has a row for every period that is known: from the first sale of the feeds asked for to the last date up to which
they are complete, cut to what was asked. In between, a period without movement has zeros; outside, only what has movement has
a row, and it may not be all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from varai.canonical import CURRENCIES
from varai.kernel import Misconfigured
from varai.marts import Metric, Snapshot

Grain = Literal["day", "week", "month"]
MART = "daily_sales"
COUNTS: Mapping[str, str] = {"orders": "orders", "units": "units"}
AMOUNTS: Mapping[str, str] = {
    "gross": "gross_sales",
    "discounts": "discounts",
    "returns": "returns",
    "net": "net_sales",
    "tax": "tax",
    "shipping": "shipping",
    "total": "total_sales",
}
"""Column of the report -> metric."""
COLUMNS = ("period", "currency", *COUNTS, *AMOUNTS, *(f"{name}_minor" for name in AMOUNTS))


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report is asked for: shop dates, both included; `feed` None for all of the tenant's."""

    start: date
    end: date
    grain: Grain
    feed: str | None


@dataclass(frozen=True, slots=True)
class Sales:
    """Rows by currency and period, and the dates of which they say everything: None when there is none, the last one None
    when nobody knows it.
    """

    rows: tuple[Mapping[str, Any], ...]
    covers: tuple[date, date | None] | None


def read_sales(snapshot: Snapshot, metrics: Mapping[str, Metric], asked: Asked, complete_to: date | None) -> Sales:
    """The report's rows, one per currency and period: `period` is the first date of the day, ISO week or month.

    Amounts come as decimals in major units, and under `<name>_minor` as integer minor units. The first and last period
    hold only the dates asked for.

    Args:
        complete_to: the last date of the shops up to which the feeds asked for are complete; None: not known.

    Raises:
        Gone: the snapshot was swept meanwhile. Malformed: its file is not what the manifest says.
    """
    values = {"start": asked.start, "end": asked.end, "feed": asked.feed, "complete_to": complete_to}
    found = snapshot.query(_sql(metrics, asked.grain), values).to_pylist()
    if not found:
        return Sales((), None)
    first, last = found[0]["covers_from"], found[0]["covers_to"]
    return Sales(tuple(_row(one) for one in found), None if last is not None and last < first else (first, last))


def definitions(metrics: Mapping[str, Metric]) -> dict[str, dict[str, Any]]:
    """What each column of the report means: metric, version, words, unit and source. Amounts are told in major units."""
    told = {"name", "version", "title", "definition", "source"}
    return {
        column: {**metrics[name].model_dump(include=told), "unit": "major" if column in AMOUNTS else metrics[name].unit}
        for column, name in _figures()
    }


def in_major_units(minor: int, currency: str) -> Decimal:
    """An amount of minor units with all decimals its currency has."""
    return Decimal(minor).scaleb(-CURRENCIES.get(currency, 0))


def _sql(metrics: Mapping[str, Metric], grain: Grain) -> str:
    """The metrics' own expressions, over every period of every currency."""
    figures = ", ".join(
        f'CAST({_expression(metrics, metric)} AS BIGINT) AS "{column}"' for column, metric in _figures()
    )
    filled = ", ".join(f'coalesce("{column}", 0) AS "{column}"' for column, _ in _figures())
    return f"""
        WITH mine AS (SELECT * FROM {MART} WHERE $feed::VARCHAR IS NULL OR feed = $feed::VARCHAR),
        covered AS (
            SELECT greatest($start::DATE, min(booked_on)) AS covers_from,
                   CASE WHEN $complete_to::DATE IS NOT NULL THEN least($end::DATE, $complete_to::DATE) END AS covers_to
            FROM mine HAVING count(*) > 0
        ),
        periods AS (
            SELECT CAST(unnest(generate_series(
                date_trunc('{grain}', covers_from)::TIMESTAMP, covers_to::TIMESTAMP, INTERVAL 1 {grain}
            )) AS DATE) AS period
            FROM covered WHERE covers_from <= covers_to
        ),
        figures AS (
            SELECT CAST(date_trunc('{grain}', booked_on) AS DATE) AS period, currency, {figures}
            FROM mine WHERE booked_on BETWEEN $start::DATE AND $end::DATE GROUP BY ALL
        ),
        told AS (
            SELECT period, currency FROM periods CROSS JOIN (SELECT DISTINCT currency FROM mine)
            UNION SELECT period, currency FROM figures
        )
        SELECT period, currency, covers_from, covers_to, {filled}
        FROM told CROSS JOIN covered LEFT JOIN figures USING (period, currency)
        ORDER BY currency, period
    """


def _figures() -> Iterator[tuple[str, str]]:
    yield from COUNTS.items()
    yield from AMOUNTS.items()


def _expression(metrics: Mapping[str, Metric], name: str) -> str:
    metric = metrics.get(name)
    if metric is None or metric.mart != MART:
        raise Misconfigured(f"There is no metric '{name}' over {MART}.", f"Restore dbt/metrics/{name}.yml.")
    return metric.expression


def _row(found: Mapping[str, Any]) -> dict[str, Any]:
    currency = found["currency"]
    row: dict[str, Any] = {"period": found["period"].isoformat(), "currency": currency}
    row |= {name: found[name] for name in COUNTS}
    row |= {name: in_major_units(found[name], currency) for name in AMOUNTS}
    row |= {f"{name}_minor": found[name] for name in AMOUNTS}
    return row
