"""The shop's facts are kept with the zones before, so that what was sold then keeps its date."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from varai.kernel import Conflict, Feed, Misconfigured, Scope
from varai.river.shop import keep_facts, shop_facts
from varai.settings import load
from varai.sources import EarlierZone, ShopFacts
from varai.stores import objects

FEED = Feed(tenant="north", name="shop", connector="shopify", base_url="https://x", secret="s")
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.fixture
def scope(home: Path) -> Scope:
    """The tenant's scope; facts are objects, no server takes part."""
    return load({"VARAI_HOME": str(home), "VARAI_STORES__EU__DOCUMENTS_URI": "mongodb://127.0.0.1:1"}).scope(
        "eu", "north"
    )


def _keep(scope: Scope, timezone: str, days: int, token: int = 1) -> None:
    row = {"currency": "EUR", "timezone": timezone}
    keep_facts(scope, FEED, row, since=NOON + timedelta(days=days), token=token)


def test_a_zone_that_changed_dates_what_came_before(scope: Scope) -> None:
    with pytest.raises(Misconfigured, match="never read"):
        shop_facts(scope, FEED)
    _keep(scope, "Europe/Berlin", 0)
    _keep(scope, "Europe/Berlin", 1)
    assert shop_facts(scope, FEED) == ShopFacts("EUR", "Europe/Berlin")
    _keep(scope, "Asia/Tokyo", 2)
    _keep(scope, "Asia/Tokyo", 3)  # the same again, as after a crash
    _keep(scope, "Europe/Berlin", 4)
    assert shop_facts(scope, FEED) == ShopFacts(
        "EUR",
        "Europe/Berlin",
        (
            EarlierZone("Europe/Berlin", NOON + timedelta(days=2)),
            EarlierZone("Asia/Tokyo", NOON + timedelta(days=4)),
        ),
    )


def test_a_run_that_lost_its_lease_leaves_the_facts_of_the_next(scope: Scope) -> None:
    _keep(scope, "Asia/Tokyo", 0, token=5)
    with pytest.raises(Conflict, match="newer than 4"):
        _keep(scope, "Europe/Berlin", 1, token=4)
    assert shop_facts(scope, FEED) == ShopFacts("EUR", "Asia/Tokyo")


def test_facts_kept_before_zones_had_a_past_are_read(scope: Scope) -> None:
    objects(scope).write("state/north/shop/shop/facts.json", b'{"currency": "EUR", "timezone": "Europe/Berlin"}')
    _keep(scope, "Asia/Tokyo", 0)
    assert shop_facts(scope, FEED).earlier == (EarlierZone("Europe/Berlin", NOON),)
