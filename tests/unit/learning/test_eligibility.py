"""What may be shown: on sale now, within the filters; kept by digest as it was."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from tests.serving.shelves import NOW, bundle, stock
from varai import catalogue
from varai.catalogue import sellable
from varai.kernel import Malformed, Misconfigured, Scope, utc_now
from varai.learning import retention
from varai.learning.eligibility import FILTERS, OnSale, keep, lay, on_sale, recall, sweep
from varai.settings import Settings
from varai.stores import documents, objects

ITEMS = [f"shop/p{number}" for number in range(6)]


@pytest.fixture
def scope(settings_of_two: Settings) -> Scope:
    found = settings_of_two.scope("eu", "northwind-eu")
    catalogue.ensure_indexes(found)
    return found


def test_only_what_can_be_bought_is_on_sale(scope: Scope) -> None:
    stock(scope, "shop", {"sold": 3, "last": 1, "out": 0, "oversold": -2})
    stock(scope, "shop", {"draft": 3}, status="draft")
    stock(scope, "shop", {"card": 3}, gift_card=True)
    stock(scope, "shop", {"unpublished": 3}, published_at=None)
    stock(scope, "shop", {"tomorrow": 3}, published_at=NOW + timedelta(days=1))
    stock(scope, "shop", {"gone": 3})
    stock(scope, "shop", {"gone": None}, run="r2")
    assert sorted(sellable(scope, NOW)) == ["shop/last", "shop/sold"]
    assert "shop/tomorrow" in sellable(scope, NOW + timedelta(days=1))


def test_stock_is_the_sum_of_all_places_and_unknown_stock_is_no_hindrance(scope: Scope) -> None:
    stock(scope, "shop", {"p": 0, "untold": 5})
    documents(scope)["inventory_levels"].update_one(
        {"source_id": "suntold"}, {"$set": {"inventory_level.available": None}}
    )
    assert sorted(sellable(scope, NOW)) == ["shop/untold"]
    level = documents(scope)["inventory_levels"].find_one({"source_id": "sp"})
    assert level is not None
    level["_id"], level["inventory_level"]["available"] = "northwind-eu/shop/elsewhere", 2
    documents(scope)["inventory_levels"].insert_one(level)
    assert sorted(sellable(scope, NOW)) == ["shop/p", "shop/untold"]


def test_another_tenant_s_products_and_stock_are_not_seen(settings_of_two: Settings, scope: Scope) -> None:
    other = settings_of_two.scope("eu", "brillen-haus")
    stock(scope, "shop", {"both": 0, "mine": 1})
    stock(other, "shop", {"both": 9, "theirs": 9})
    assert sorted(sellable(scope, NOW)) == ["shop/mine"]
    assert sorted(sellable(other, NOW)) == ["shop/both", "shop/theirs"]
    with pytest.raises(Misconfigured):
        sellable(settings_of_two.scope("eu"), NOW)
    with pytest.raises(Malformed):
        lay(on_sale(other, NOW), bundle(scope, ITEMS, {}))


def test_a_state_lies_beside_the_items_of_the_bundle(scope: Scope) -> None:
    state = OnSale("northwind-eu", (("shop/p1", 5), ("shop/p4", -1), ("shop/unknown", 7)))
    laid = lay(state, bundle(scope, ITEMS, {}))
    assert laid.mask.tolist() == [False, True, False, False, True, False]
    assert laid.prices.tolist() == [-1, 5, -1, -1, -1, -1]


def test_filters_take_away_and_never_add(scope: Scope) -> None:
    made = bundle(scope, [*ITEMS[:5], "two/p9"], {})
    micro = 1_000_000
    prices = {"shop/p0": 100 * micro, "shop/p1": 100 * micro + 1, "shop/p2": 99 * micro, "shop/p3": -1, "two/p9": micro}
    laid = lay(OnSale("northwind-eu", tuple(sorted(prices.items()))), made)

    def left(**filters: tuple[str, ...]) -> list[str]:
        return [made.item_ids[code] for code in np.flatnonzero(laid.within(made, filters))]

    assert left() == ["shop/p0", "shop/p1", "shop/p2", "shop/p3", "two/p9"]
    assert left(shape=("round",)) == ["shop/p0", "shop/p2"]
    assert left(shape=("round", "square")) == left()
    assert left(shape=("hexagonal",)) == []
    assert left(colour=("black",), shape=("square",)) == ["shop/p3"]
    assert left(feed=("two",)) == ["two/p9"]
    assert left(feed=("tw",)) == []
    assert left(price_to=("100",)) == ["shop/p0", "shop/p2", "two/p9"]
    assert left(price_from=("100",), price_to=("100.000001",)) == ["shop/p0", "shop/p1"]
    assert left(price_from=("1e30",)) == []
    for wrong in ({"colours": ("red",)}, {"price_to": ("cheap",)}, {"price_to": ("NaN",)}, {"price_to": ()}):
        with pytest.raises(Malformed):
            laid.within(made, wrong)
    assert set(FILTERS) >= {"shape", "rim", "material", "colour", "feed", "price_from", "price_to"}


def test_a_state_is_kept_by_its_digest_and_nothing_else_comes_back(scope: Scope) -> None:
    state = OnSale("northwind-eu", (("shop/p1", 5),))
    keep(scope, state, NOW)
    assert recall(scope, state.digest) == state
    assert OnSale("northwind-eu", (("shop/p1", 6),)).digest != state.digest != OnSale("x", state.prices).digest
    key = f"eligibility/northwind-eu/{state.digest}.json"
    for damage in (b"", b"[]", b"{}", objects(scope).read(key).replace(b"5", b"6")):
        objects(scope).write(key, damage)
        with pytest.raises(Malformed):
            recall(scope, state.digest)
    with pytest.raises(FileNotFoundError):
        recall(scope, "0" * 32)


def test_states_are_swept_that_no_answer_within_the_days_was_made_from(scope: Scope) -> None:
    old, used, young = (OnSale("northwind-eu", ((f"shop/p{number}", 5),)) for number in range(3))
    for state in (old, used):
        keep(scope, state, NOW - timedelta(days=200))
    keep(scope, used, NOW - timedelta(days=90))  # served on until then
    keep(scope, young, NOW - timedelta(days=1))
    assert sweep(scope, days=90, at=NOW) == [f"eligibility/northwind-eu/{old.digest}.json"]
    assert (recall(scope, used.digest), recall(scope, young.digest)) == (used, young)
    with pytest.raises(FileNotFoundError):
        recall(scope, old.digest)


def test_a_state_that_is_served_on_is_written_once_a_day(scope: Scope) -> None:
    state = OnSale("northwind-eu", (("shop/p1", 5),))
    key, seen = f"eligibility/northwind-eu/{state.digest}.json", []
    for hours in (0, 1, 23, 25, 26):
        keep(scope, state, NOW + timedelta(hours=hours))
        seen.append(objects(scope).read(key))
    assert [one == seen[0] for one in seen] == [True, True, True, False, False]
    objects(scope).write(key, b"damaged")
    keep(scope, state, NOW)
    assert recall(scope, state.digest) == state


def test_the_nightly_sweep_visits_every_tenant(settings_of_two: Settings) -> None:
    for region, tenant in (("eu", "northwind-eu"), ("eu", "brillen-haus"), ("us", "northwind-us")):
        state = OnSale(tenant, ())
        keep(settings_of_two.scope(region, tenant), state, utc_now() - timedelta(days=settings_of_two.landing_days + 2))
    assert retention.sweep(settings_of_two, "eu")["states"] == 2
    assert retention.sweep(settings_of_two, "eu")["states"] == 0
