"""A dry run of the migration names what the run does, and leaves every store as it found it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from varai.kernel import FeedKey, LeaseHeld, Scope
from varai.registry import acquire, feed, feeds, put_feed
from varai.river import migrate as migrating
from varai.river.context import warehouse_lease
from varai.settings import Settings, load
from varai.stores import documents

REGION = "eu"
KEY = FeedKey("northwind-eu", "shop")


@pytest.fixture
def settings(home: Path, mongodb_uri: str, mongodb: str) -> Settings:
    """A region that holds nothing yet."""
    return load(
        {
            "VARAI_HOME": str(home),
            "VARAI_DATABASE": mongodb,
            f"VARAI_STORES__{REGION.upper()}__DOCUMENTS_URI": mongodb_uri,
        }
    )


def test_a_dry_run_of_an_empty_region_foresees_all_and_makes_nothing(settings: Settings) -> None:
    scope = settings.scope(REGION)
    foreseen = _migrate(settings, dry_run=True)
    assert {
        f"add the feed {KEY}",
        "create the index ledger.tenant_1",
        "create the index feeds.connector_1_tenant_1",
        "create the table raw.loads",
        "create the table raw.order",
    } <= set(foreseen)
    assert documents(scope).list_collection_names() == []
    assert not Path(scope.warehouse).exists()
    assert _migrate(settings) == foreseen
    assert _migrate(settings, dry_run=True) == _migrate(settings) == []


def test_a_dry_run_names_just_what_lacks_and_the_run_mends_just_that(settings: Settings) -> None:
    scope = settings.scope(REGION)
    _migrate(settings)
    put_feed(scope, feed(scope, KEY).model_copy(update={"every_minutes": 7, "paused": True}))
    documents(scope)["vault"].drop_index("tenant_1")
    with duckdb.connect(scope.warehouse) as con:
        con.execute('ALTER TABLE raw."product" DROP COLUMN title')
    kept = {"tenant": KEY.tenant, "feed": KEY.feed, "variants": {"1": {"deleted": False}}}  # of an earlier release
    documents(scope)["products"].insert_one({"_id": f"{KEY}/7", "source_id": "7", **kept})
    before = _all_of(scope)
    foreseen = [
        f"change the feed {KEY}: every_minutes",
        "create the index vault.tenant_1",
        "list in 1 documents of the catalogue what they hold",
        "add the column raw.product.title",
    ]
    assert _migrate(settings, dry_run=True) == foreseen
    assert _all_of(scope) == before
    assert _migrate(settings) == foreseen
    assert _migrate(settings, dry_run=True) == []
    assert feed(scope, KEY).paused  # what an operator does is no difference


def test_a_dry_run_waits_for_whoever_has_the_warehouse(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    _migrate(settings)
    acquire(settings.scope(REGION), warehouse_lease(REGION), "a load")
    monkeypatch.setattr(migrating, "_PATIENCE_S", 0.0)
    with pytest.raises(LeaseHeld, match="a load"):
        _migrate(settings, dry_run=True)


def _migrate(settings: Settings, *, dry_run: bool = False) -> list[str]:
    return migrating.migrate(settings, REGION, dry_run=dry_run, holder="test")


def _all_of(scope: Scope) -> tuple[Any, Mapping[str, Any], list[Any]]:
    """Feeds, indexes of every collection, and columns of the warehouse."""
    database = documents(scope)
    indexes = {name: database[name].index_information() for name in sorted(database.list_collection_names())}
    with duckdb.connect(scope.warehouse, read_only=True) as con:
        columns = con.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'raw' ORDER BY ALL"
        ).fetchall()
    return feeds(scope), indexes, columns
