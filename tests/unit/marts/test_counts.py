"""A count is of one feed's records in the snapshot as it is published, and a snapshot that lost a file says so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import duckdb
import pytest

from varai.kernel import FeedKey, Gone, Malformed, Scope
from varai.marts import Mart, count_published, publish
from varai.marts.publish import read_manifest
from varai.stores import objects

NOW = datetime(2026, 1, 9, tzinfo=UTC)
SHOP = FeedKey("acme", "shop")


@pytest.fixture
def published(scope: Scope, connection: duckdb.DuckDBPyConnection, marts: Sequence[Mart]) -> str:
    """The key of the lines of a tenant with two feeds, one line of which is there twice but for its own id."""
    connection.execute("""
        INSERT INTO marts.fct_order_line SELECT * REPLACE ('l3' AS line_id) FROM marts.fct_order_line WHERE line_id = 'l2';
        INSERT INTO marts.fct_order_line SELECT * REPLACE ('other' AS feed) FROM marts.fct_order_line WHERE tenant = 'acme';
        INSERT INTO marts.fct_order_line SELECT * REPLACE (line_id || '+' AS line_id) FROM marts.fct_order_line WHERE feed = 'other';
    """)
    publish(scope, connection, marts, now=NOW)
    found = read_manifest(objects(scope), "acme")
    assert found is not None
    return found[0].marts["fct_order_line"].key


@pytest.mark.usefixtures("published")
def test_distinct_records_of_one_feed_are_counted_as_of_the_snapshot(scope: Scope) -> None:
    assert count_published(scope, SHOP, "fct_order_line", "line_id") == (3, NOW)
    assert count_published(scope, SHOP, "fct_order_line", "gross_minor") == (2, NOW)
    assert count_published(scope, FeedKey("acme", "other"), "fct_order_line", "line_id") == (6, NOW)
    assert count_published(scope, FeedKey("acme", "third"), "fct_order_line", "line_id") == (0, NOW)


@pytest.mark.usefixtures("published")
def test_what_is_not_published_has_no_count(scope: Scope) -> None:
    assert count_published(scope, FeedKey("nobody", "shop"), "fct_order_line", "line_id") is None
    assert count_published(scope, SHOP, "dim_product", "product_id") is None


def test_a_lost_or_broken_file_is_told_with_its_cure(scope: Scope, published: str) -> None:
    objects(scope).write(published, b"no Parquet")
    with pytest.raises(Malformed, match=r"'acme' has a broken file of fct_order_line\. Remove published/acme/current"):
        count_published(scope, SHOP, "fct_order_line", "line_id")
    objects(scope).delete(published)
    with pytest.raises(Gone, match=r"'acme' lacks its file of fct_order_line\. Remove published/acme/current"):
        count_published(scope, SHOP, "fct_order_line", "line_id")
