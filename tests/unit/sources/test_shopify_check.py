"""What a feed may read is found out before its first run."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.vendors.shopify.store import ALL_SCOPES, write_meta
from tests.unit.sources.conftest import MakeShop, put_order
from varai.kernel import Unauthorised
from varai.sources import connector
from varai.sources.shopify.versions import version_problems


def test_a_feed_that_may_read_everything_has_no_problem(make_shop: MakeShop) -> None:
    shop = make_shop(orders=3, restore_rate="100")
    report = connector("shopify").check(shop.session())
    assert set(report.scopes_granted) == set(ALL_SCOPES)
    assert report.scopes_missing == ()
    assert report.history_from == datetime(2026, 10, 1, 0, 1, tzinfo=UTC)
    assert report.api_version == "2026-10"
    assert report.rate_tier.startswith("standard: 100 points per second")
    assert abs(report.clock_skew_s) < 5
    assert report.problems == []


def test_without_read_all_orders_the_short_history_is_told(make_shop: MakeShop) -> None:
    shop = make_shop(scopes=tuple(scope for scope in ALL_SCOPES if scope != "read_all_orders"))
    recent = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)
    with shop.writer() as writer:
        put_order(writer, 1, at="2025-01-01T00:00:00Z")
        put_order(writer, 2, at=recent.strftime("%Y-%m-%dT%H:%M:%SZ"))
    report = connector("shopify").check(shop.session())
    assert report.scopes_missing == ("read_all_orders",)
    assert report.history_from == recent
    assert "only orders of the last 60 days" in report.problems[0]


def test_missing_scopes_name_the_streams_that_need_them(make_shop: MakeShop) -> None:
    shop = make_shop(scopes=("read_products",))
    report = connector("shopify").check(shop.session())
    assert report.history_from is None
    said = " ".join(report.problems)
    assert "read_inventory is missing (products, inventory)" in said
    assert "read_customers is missing (customers, orders)" in said


def test_a_skewed_clock_is_a_problem(make_shop: MakeShop) -> None:
    shop = make_shop()
    shop.fault("clock_skew", seconds=-900, times=-1)
    report = connector("shopify").check(shop.session())
    assert report.clock_skew_s == pytest.approx(-900, abs=5)
    assert "Synchronise this machine's clock" in report.problems[-1]


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (datetime(2027, 6, 30, tzinfo=UTC), None),
        (datetime(2027, 7, 2, tzinfo=UTC), "only until 2027-10-01. Upgrade VARAi"),
        (datetime(2029, 1, 1, tzinfo=UTC), "only until 2027-10-01. Upgrade VARAi"),
    ],
)
def test_a_version_near_its_end_is_a_problem_before_it_ends(
    make_shop: MakeShop, now: datetime, said: str | None
) -> None:
    shop = make_shop()
    shop.secret = {"access_token": "held"}
    write_meta(shop.path, {"token:held": json.dumps({"expires_at": time.time() + 900, "scopes": list(ALL_SCOPES)})})
    report = connector("shopify").check(replace(shop.session(), clock=lambda: now))
    told = [problem for problem in report.problems if "version" in problem]
    assert [said in problem for problem in told] == [True] if said else told == []


def test_a_version_that_the_vendor_does_not_name_is_a_problem() -> None:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    assert version_problems("2026-10", now, ["2026-07", "2026-10"]) == []
    (problem,) = version_problems("2026-10", now, ["2027-10", "2028-01"])
    assert "does not name 2026-10 among the versions" in problem


def test_a_shop_that_refuses_us_is_unauthorised(make_shop: MakeShop) -> None:
    shop = make_shop()
    shop.secret = {**shop.secret, "client_secret": "wrong"}
    with pytest.raises(Unauthorised, match="credentials are refused"):
        connector("shopify").check(shop.session())
