"""WooCommerce down the river: two shops of one tenant, twice; a report to the cent; and what an erased customer leaves behind."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.vendors.records import Records
from sandbox.world.spec import WorldSpec
from sandbox.world.woocommerce import build
from tests.conftest import REPOSITORY, free_port, running
from varai import catalogue, privacy, registry
from varai.kernel import FeedKey, Scope
from varai.marts import Reader
from varai.registry import RunRecord
from varai.river.run import run_feeds
from varai.river.transform import transform
from varai.settings import FolderSecrets, Settings, load
from varai.sources import stream_names

pytestmark = pytest.mark.slow
TENANT = "optik-nord"
WORLD = WorldSpec(
    TENANT, "optik-nord.example.com", 3, "EUR", "Europe/Berlin", "DE", "ck", "cs", products=12, orders=60, customers=25
)
FEEDS = {"shop": WORLD, "outlet": replace(WORLD, name="outlet", domain="outlet.example.com", seed=4)}
FATES = ("published", "quarantined", "unchanged", "superseded", "unmappable", "erased")


@dataclass(frozen=True)
class Two:
    """A region with one tenant, whose feeds read two shops."""

    settings: Settings
    shops: Path

    @property
    def scope(self) -> Scope:
        """The tenant's."""
        return self.settings.scope("eu", TENANT)

    def run(self) -> RunRecord:
        """One run of both feeds."""
        return run_feeds(self.settings, "eu", [FeedKey(TENANT, feed) for feed in FEEDS])

    def slices(self) -> list[dict[str, Any]]:
        """The last slice of every stream that was read."""
        told = registry.status(self.settings.scope("eu"), {}, stream_names)["slices"]
        return [row for row in told if row["tenant"] == TENANT and row["landed"] is not None]

    def bodies(self, feed: str, kind: str) -> list[dict[str, Any]]:
        """Records of a shop, from the simulator's own file."""
        with closing(Records(self.shops / f"{FEEDS[feed].name}.sqlite")) as records:
            return [json.loads(one) for one in records.page(kind)]


@pytest.fixture
def two(home: Path, mongodb_uri: str, mongodb: str, tmp_path: Path) -> Iterator[Two]:
    """Both shops behind the simulator."""
    shops, port = tmp_path / "shops", free_port()
    shops.mkdir()
    for spec in FEEDS.values():
        build(shops / f"{spec.name}.sqlite", spec)
    url = f"http://127.0.0.1:{port}"
    secrets = FolderSecrets(home / "secrets")
    secrets.create(f"{TENANT}-shop", json.dumps({"consumer_key": "ck", "consumer_secret": "cs"}))
    environment = {
        "VARAI_HOME": str(home),
        "VARAI_DATABASE": mongodb,
        "VARAI_STORES__EU__DOCUMENTS_URI": mongodb_uri,
        "VARAI_VENDORS__WOOCOMMERCE_EU": url,
    }
    settings = load(environment)
    [seed] = [seed for seed in settings.seeds if seed.tenant.name == TENANT]
    [given] = seed.feeds
    feeds = [
        given.model_copy(update={"name": feed, "base_url": f"${{woocommerce_eu}}/{spec.name}"})
        for feed, spec in FEEDS.items()
    ]
    registry.seed(settings.scope("eu"), [seed.model_copy(update={"feeds": tuple(feeds)})])
    for room in (registry, catalogue, privacy):
        room.ensure_indexes(settings.scope("eu"))
    command = ["env", f"PYTHONPATH={REPOSITORY}", sys.executable, "-m", "sandbox.vendors.woocommerce"]
    command += ["--shops", str(shops), "--port", str(port)]

    def answers() -> bool:
        try:
            return httpx.get(f"{url}/healthz", timeout=1).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    with running(command, tmp_path, answers):
        yield Two(settings, shops)


def test_two_shops_of_one_tenant_are_whole_never_mixed_and_read_once(two: Two) -> None:
    assert two.run().failures == {}
    first = two.slices()
    assert len(first) == 2 * len(stream_names("woocommerce"))
    for row in first:
        assert row["vendor_count"] == row["landed"] == sum(row[fate] for fate in FATES) > 0, row
        assert row["balanced"] and row["watermark"] and row["state"] == "ok", row
    for feed in FEEDS:
        landed = {row["stream"]: row for row in first if row["feed"] == feed}
        assert landed["orders"]["landed"] == len(two.bodies(feed, "orders"))
        assert landed["orders"]["entities"]["refund"]["mapped"] == len(two.bodies(feed, "refunds")) > 0
    snapshots = transform(two.settings, "eu", holder="test").snapshots
    assert snapshots.keys() == {TENANT}

    assert two.run().merged == {}
    for row in two.slices():
        assert (row["published"], row["tombstoned"], row["balanced"]) == (0, 0, True), row
    again = transform(two.settings, "eu", holder="test")
    assert (again.snapshots, again.changed) == (snapshots, ())


def test_a_merchant_s_report_equals_the_shop_s_own_totals(two: Two, tmp_path: Path) -> None:
    """Sales by the day they were made, without tax, without carts and what was never paid: as WooCommerce's own report counts them."""
    with Records(two.shops / f"{TENANT}.sqlite") as records:
        for body, status in zip(two.bodies("shop", "orders")[:2], ("failed", "checkout-draft"), strict=True):
            at = {"created": body["date_created_gmt"], "modified": body["date_modified_gmt"]}
            records.put("orders", body | {"status": status}, status=status, **at)
    assert two.run().failures == {}
    assert transform(two.settings, "eu", holder="test").snapshots.keys() == {TENANT}
    sold = [
        body for body in two.bodies("shop", "orders") if body["status"] not in ("failed", "checkout-draft", "cancelled")
    ]
    expected = {
        "gross": sum(
            cents(line["subtotal"])
            for body in sold
            for line in body["line_items"]
            if not line["sku"].startswith("GIFT-")
        ),
        "tax": sum(cents(body["total_tax"]) for body in sold),
    }
    with Reader(two.scope, tmp_path).current(TENANT) as marts:
        lines = marts.query("SELECT * FROM fct_order_line").to_pylist()
    mine = [row for row in lines if row["feed"] == "shop" and not row["test"]]
    assert {row["order_id"] for row in mine} == {str(body["id"]) for body in sold}
    assert sum(row["gross_minor"] for row in mine if row["line_kind"] == "product") == expected["gross"] > 0
    assert all(isinstance(row["processed_on"], date) for row in mine)


def cents(text: str) -> int:
    return int(text.replace(".", ""))
