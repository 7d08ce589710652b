"""Laws of the shelf: every live product once, public fields alone, exact prices, a cache that never shows the past."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from varai.canonical import ENTITIES
from varai.catalogue import find_products, mark_stale, publish, revert
from varai.kernel import Feed, Malformed, Misconfigured, Scope
from varai.stores import documents

Rows = Callable[..., pa.Table]


@pytest.fixture
def cached(scope: Scope, valkey_url: str) -> Scope:
    """The scope of the tenant, with a cache."""
    return replace(scope, cache_url=valkey_url)


def titled(staged: Rows, *titles: str, moved: int = 1) -> dict[str, pa.Table]:
    when = datetime(2026, 11, moved, tzinfo=UTC)
    rows = [
        {"source_id": f"{n:03}", "title": title, "brand": title[0], "source_updated_at": when, "ingested_at": when}
        for n, title in enumerate(titles)
    ]
    return {"product": staged("product", *rows)}


def titles(scope: Scope, **asked: Any) -> list[str]:
    return [one["title"] for one in find_products(scope, "north", **asked).items]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 250])
def test_pages_hold_every_product_once_and_in_order(scope: Scope, feed: Feed, staged: Rows, limit: int) -> None:
    publish(scope, feed, titled(staged, *"abcdefg"), run_id="r1")
    found, cursor = [], None
    for _ in range(8):
        page = find_products(scope, "north", limit=limit, after=cursor)
        assert len(page.items) <= limit
        found += [one["title"] for one in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert found == list("abcdefg")


def test_a_product_is_shown_with_live_variants_in_their_order_and_exact_prices(
    scope: Scope, feed: Feed, staged: Rows
) -> None:
    common = {"product_id": "000", "currency": "EUR"}
    tables = titled(staged, "Frame") | {
        "variant": staged(
            "variant",
            {"source_id": "v2", "price": Decimal("149.9"), "lens_width_mm": Decimal(52), "position": 2, **common},
            {"source_id": "v.1", "price": Decimal("1200"), "compare_at": Decimal("0.005"), "position": 1, **common},
            {"source_id": "v3", "root_id": "000", "deleted": True},
            {"source_id": "v4", "price": Decimal("1200"), "position": None, **common, "currency": "JPY"},
        )
    }
    publish(scope, feed, tables, run_id="r1")
    shown = find_products(scope, "north").items[0]
    assert [one["id"] for one in shown["variants"]] == ["v.1", "v2", "v4"]
    first, second, third = shown["variants"]
    assert (first["price"], first["compare_at"], second["price"], third["price"]) == (
        "1200.00",
        "0.005",
        "149.90",
        "1200",
    )
    assert second["lens_width_mm"] == "52"


def test_only_public_fields_are_shown(scope: Scope, feed: Feed, staged: Rows) -> None:
    row = {
        "source_id": "v1",
        "product_id": "000",
        "unit_cost": Decimal("77.77"),
        "inventory_item_id": "i-1",
        "price": Decimal(1),
    }
    publish(scope, feed, titled(staged, "Frame") | {"variant": staged("variant", row)}, run_id="r1")
    shown = find_products(scope, "north").items[0]
    assert "77.77" not in str(shown)
    ours = {"id", "feed", "updated_at", "score", "stale", "variants", "images"}
    for name, one in (("product", shown), ("variant", shown["variants"][0])):
        public = {field.name for field in ENTITIES[name].fields if field.data_class == "public"}
        assert one.keys() - ours <= public


def test_deleted_products_and_those_of_other_tenants_are_not_shown(scope: Scope, feed: Feed, staged: Rows) -> None:
    publish(scope, feed, titled(staged, "a", "b"), run_id="r1")
    gone = {
        "source_id": "000",
        "deleted": True,
        "ingested_at": datetime(2026, 11, 9, tzinfo=UTC),
        "source_updated_at": None,
    }
    publish(scope, feed, {"product": staged("product", gone)}, run_id="r2")
    south = Feed(**{**feed.model_dump(), "tenant": "south"})
    other = {"source_id": "1", "title": "theirs", "tenant": "south"}
    publish(replace(scope, tenant="south"), south, {"product": staged("product", other)}, run_id="r3")
    assert titles(scope) == ["b"]
    with pytest.raises(Misconfigured):
        find_products(scope, "south")


def test_products_are_filtered_by_exact_values_never_by_operators(scope: Scope, feed: Feed, staged: Rows) -> None:
    publish(scope, feed, titled(staged, "ab", "ac", "ba"), run_id="r1")
    assert titles(scope, filters={"brand": "a"}) == ["ab", "ac"]
    assert titles(scope, filters={"brand": {"$ne": "a"}}) == []
    assert titles(scope, filters={"feed": "shop", "brand": "b"}) == ["ba"]


@pytest.mark.parametrize(
    "asked", [{"limit": 0}, {"limit": 251}, {"after": "%%"}, {"after": "_w"}, {"filters": {"product.title": "x"}}]
)
def test_what_cannot_be_asked_is_told_in_a_sentence(scope: Scope, asked: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        find_products(scope, "north", **asked)


def test_a_second_look_comes_from_the_cache_until_anything_is_written(cached: Scope, feed: Feed, staged: Rows) -> None:
    publish(cached, feed, titled(staged, "a", "b"), run_id="r1")
    first = find_products(cached, "north")
    documents(cached)["products"].update_one({"source_id": "000"}, {"$set": {"product.title": "behind its back"}})
    assert find_products(cached, "north") == first
    publish(cached, feed, titled(staged, "c", moved=2), run_id="r2")
    assert titles(cached) == ["c", "b"]
    mark_stale(cached, feed, "product", {"000": ["missing_title"]})
    assert [one["stale"] for one in find_products(cached, "north").items] == [True, False]
    revert(cached, "r2")
    assert find_products(cached, "north").items[0]["title"] == "behind its back"


def test_a_cache_that_does_not_answer_is_a_miss(scope: Scope, feed: Feed, staged: Rows) -> None:
    lost = replace(scope, cache_url="valkey://127.0.0.1:1/0")
    publish(lost, feed, titled(staged, "a"), run_id="r1")
    assert titles(lost) == ["a"]
