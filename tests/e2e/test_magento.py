"""Magento down the river: two shops of one tenant, twice; a report to the cent; and families that stay together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from sandbox.vendors.records import Records
from sandbox.world.magento import build
from sandbox.world.spec import DefectRates, WorldSpec
from tests.e2e.two import (
    Pair,
    Two,
    check_who_is_gone_at_the_vendor_is_found_and_mended,
    check_whole_never_mixed_and_read_once,
    homes,
    two_shops,
)
from varai import registry
from varai.kernel import FeedKey, Window
from varai.marts import Reader
from varai.river.transform import transform
from varai.sources import stream_names

pytestmark = pytest.mark.slow
TENANT = "lumiere-optique"
WORLD = WorldSpec(
    TENANT,
    "lumiere-optique.example.com",
    3,
    "EUR",
    "Europe/Paris",
    "FR",
    "ck",
    "cs",
    products=12,
    orders=60,
    customers=25,
    defects=DefectRates.none(),
)
FEEDS = {
    "shop": WORLD,
    "outlet": replace(WORLD, name="outlet", domain="outlet.example.com", seed=4, defects=DefectRates()),
}
SECRETS = {
    "consumer_key": "ck",
    "consumer_secret": "cs",
    "access_token": "token",
    "access_token_secret": "token-secret",
}


@pytest.fixture
def two(home: Path, mongodb_uri: str, mongodb: str, tmp_path: Path) -> Iterator[Two]:
    """Both shops behind the simulator."""
    with two_shops(Pair("magento", TENANT, FEEDS, build, SECRETS), home, mongodb_uri, mongodb, tmp_path) as made:
        yield made


@pytest.mark.timeout(900)
def test_two_shops_of_one_tenant_are_whole_never_mixed_and_read_once(two: Two) -> None:
    check_whole_never_mixed_and_read_once(two)
    check_who_is_gone_at_the_vendor_is_found_and_mended(two)


def test_a_choice_that_changes_changes_alone_and_stays_in_its_family(two: Two) -> None:
    """A window that reads one choice anew publishes it, and finds none of its siblings gone."""
    for _ in range(2):  # the second run lists the ids, so that the third reads the window only
        assert two.run().failures == {}
    product = next(one for one in two.bodies("shop", "products") if one["type_id"] == "configurable")
    number = product["extension_attributes"]["configurable_product_links"][0]
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    with Records(two.shops / f"{TENANT}.sqlite") as records:
        choice = records.get("products", number)
        assert choice is not None
        choice |= {"price": 77.7, "updated_at": now}
        records.put("products", choice, created=choice["created_at"], modified=now, status=choice["type_id"])
    window = Window(start=datetime.now(UTC) - timedelta(minutes=5), end=datetime.now(UTC) + timedelta(minutes=5))
    done = two.run(["shop"], window=window, streams=["products"])
    assert done.failures == {}
    [row] = [row for row in two.slices() if (row["feed"], row["stream"]) == ("shop", "products")]
    assert (row["landed"], row["tombstoned"], row["balanced"]) == (1, 0, True), row
    assert row["entities"]["variant"]["mapped"] == len(product["extension_attributes"]["configurable_product_links"])
    assert row["entities"]["variant"]["published"] == 1


def test_a_choice_that_moves_to_another_family_lives_there_alone(two: Two) -> None:
    """Both families come in one slice: in neither is the choice found gone."""
    assert two.run(["shop"], streams=["shop", "products"]).failures == {}
    one, other = [body for body in two.bodies("shop", "products") if body["type_id"] == "configurable"][:2]
    number = one["extension_attributes"]["configurable_product_links"].pop()
    other["extension_attributes"]["configurable_product_links"].append(number)
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    with Records(two.shops / f"{TENANT}.sqlite") as records:
        for body in (one, other):
            body["updated_at"] = now
            records.put("products", body, created=body["created_at"], modified=now, status=body["type_id"])
    window = Window(start=datetime.now(UTC) - timedelta(minutes=5), end=datetime.now(UTC) + timedelta(minutes=5))
    assert two.run(["shop"], window=window, streams=["products"]).failures == {}
    [row] = [row for row in two.slices() if (row["feed"], row["stream"]) == ("shop", "products")]
    assert row["entities"]["variant"]["published"] == 1, row
    found = homes(two.scope, "shop", str(number))
    assert found == {str(one["id"]): False, str(other["id"]): True}


CREDENTIAL = {"client_id": "id-of-the-credential", "client_secret": "p8e-s3cret", "org_id": "4F2A@AdobeOrg"}


def _build_in_the_cloud(path: Path, spec: WorldSpec) -> None:
    build(path, spec)
    with Records(path) as records:
        records.set_facts(CREDENTIAL)


def test_a_credential_that_is_taken_back_stops_a_feed_of_adobe_s_cloud_where_it_is(
    home: Path, mongodb_uri: str, mongodb: str, tmp_path: Path
) -> None:
    pair = Pair("magento", TENANT, {"shop": WORLD}, _build_in_the_cloud, CREDENTIAL)
    with two_shops(pair, home, mongodb_uri, mongodb, tmp_path) as one:
        scope, key = one.settings.scope("eu", TENANT), FeedKey(TENANT, "shop")
        given = registry.feed(scope, key)
        ims_url = f"{one.settings.base_url(given)}/ims/token/v3"
        registry.put_feed(scope, given.model_copy(update={"settings": {**given.settings, "ims_url": ims_url}}))
        assert one.run().failures == {}
        before = {row["stream"]: row["watermark"] for row in one.slices()}
        assert len(before) == len(stream_names("magento")) and all(before.values())
        with Records(one.file("shop")) as records:
            records.set_facts({"client_secret": "rotated"})
        failed = one.run().failures
        assert failed.keys() == {f"{key}/shop"}  # the others are not asked for without it
        assert "Adobe IMS gave the feed no access token (invalid_client)" in str(failed)
        assert {row["stream"]: row["watermark"] for row in one.slices()} == before
        assert {row["state"] for row in one.slices()} == {"needs reauthorisation"}


def test_a_merchant_s_report_equals_the_shop_s_own_totals(two: Two, tmp_path: Path) -> None:
    """Sales by the day they were made, without tax, and without what was not paid: as Magento's own report counts them."""
    with Records(two.shops / f"{TENANT}.sqlite") as records:
        for body, state in zip(two.bodies("shop", "orders")[:2], ("new", "pending_payment"), strict=True):
            at = {"created": body["created_at"], "modified": body["updated_at"]}
            records.put("orders", body | {"state": state}, status=state, **at)
    assert two.run().failures == {}
    assert transform(two.settings, "eu", holder="test").snapshots.keys() == {TENANT}
    sold = [
        body for body in two.bodies("shop", "orders") if body["state"] not in ("new", "pending_payment", "canceled")
    ]
    items = [item for body in sold for item in body["items"] if "parent_item_id" not in item]
    with Reader(two.scope, tmp_path).current(TENANT) as marts:
        lines = marts.query("SELECT * FROM fct_order_line").to_pylist()
    mine = [row for row in lines if row["feed"] == "shop" and not row["test"]]
    assert {row["order_id"] for row in mine} == {str(body["entity_id"]) for body in sold}
    assert len(mine) == len(items)
    for kind, gift in (("product", False), ("gift_card", True)):
        expected = sum(cents(item["base_row_total"]) for item in items if item["sku"].startswith("GIFT-") == gift)
        assert sum(row["gross_minor"] for row in mine if row["line_kind"] == kind) == expected
    assert sum(row["gross_minor"] for row in mine) > 0
    assert all(isinstance(row["processed_on"], date) for row in mine)


def cents(amount: float) -> int:
    return round(Decimal(str(amount)) * 100)
