"""A region's scope, and a connection with two small marts for publication."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from varai.kernel import Scope
from varai.marts import Mart
from varai.settings import load


@pytest.fixture
def scope(tmp_path: Path) -> Scope:
    """The eu region in an empty folder; its document store is never asked."""
    home = {"VARAI_HOME": str(tmp_path), "VARAI_STORES__EU__DOCUMENTS_URI": "mongodb://127.0.0.1:1/"}
    return load(home).scope("eu")


@pytest.fixture
def marts() -> list[Mart]:
    """A personal mart and an internal one."""
    return [
        Mart(name="fct_order_line", schema_name="marts", key=("tenant", "feed", "line_id"), data_class="personal"),
        Mart(name="daily_sales", schema_name="marts", key=("tenant", "booked_on"), data_class="internal"),
    ]


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse in memory with rows of two tenants."""
    with duckdb.connect() as opened:
        opened.execute(
            """
            CREATE SCHEMA marts;
            CREATE TABLE marts.fct_order_line AS
              SELECT * FROM (VALUES
                ('acme', 'shop', 'l1', 'p1', 2, 1999::BIGINT, TIMESTAMPTZ '2026-01-05 12:00:00+00'),
                ('acme', 'shop', 'l2', NULL, 1, 500::BIGINT, TIMESTAMPTZ '2026-01-04 12:00:00+00'),
                ('zenith', 'shop', 'l1', 'p1', 1, 700::BIGINT, TIMESTAMPTZ '2026-01-06 12:00:00+00')
              ) AS t(tenant, feed, line_id, subject, quantity, gross_minor, processed_at);
            CREATE TABLE marts.daily_sales AS
              SELECT tenant, CAST(processed_at AS DATE) AS booked_on, CAST(sum(gross_minor) AS BIGINT) AS gross_sales_minor
              FROM marts.fct_order_line GROUP BY ALL;
            """
        )
        yield opened
