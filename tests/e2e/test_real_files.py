"""Real files through the river: two captures of the sunglasses shop counted from the catalogue, UCI counted from its mart."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from sandbox import stores
from sandbox.stack.real import catalogue_of
from sandbox.stores import sunglasses, uci
from tests.conftest import REPOSITORY
from tests.e2e.conftest import Vendor
from tests.e2e.stack import SECRET
from varai import catalogue, registry
from varai.kernel import FeedKey
from varai.marts import Reader
from varai.registry import RunRecord, SliceState, StreamKey, feed
from varai.river.run import run_feeds
from varai.river.shop import keep_facts
from varai.river.transform import transform
from varai.settings import FolderSecrets, Settings, load

_KEY = FeedKey(sunglasses.SHOP, "shop")
_CREDENTIALS = json.dumps({"client_id": "app", "client_secret": SECRET})
SettingsOf = Callable[..., Settings]


@pytest.fixture
def settings_of(home: Path, mongodb_uri: str, mongodb: str, vendor: Vendor) -> SettingsOf:
    """Makes a region in which the tenant of a shop of files is registered; facts of the shop are known from the start."""

    def make(shop: str, region: str, currency: str, timezone: str) -> Settings:
        config = home / "config"
        (config / "tenants").mkdir(parents=True)
        shutil.copy(REPOSITORY / "config" / "regions.toml", config)
        shutil.copy(Path(stores.__file__).with_name(f"{shop}.toml"), config / "tenants")
        FolderSecrets(home / "secrets").create(f"{shop}-shop", _CREDENTIALS)
        loaded = load(
            {
                "VARAI_HOME": str(home),
                "VARAI_CONFIG": str(config),
                "VARAI_DATABASE": mongodb,
                f"VARAI_STORES__{region.upper()}__DOCUMENTS_URI": mongodb_uri,
                f"VARAI_VENDORS__SHOPIFY_{region.upper()}": vendor.url,
            }
        )
        scope = loaded.scope(region)
        registry.seed(scope, loaded.seeds)
        for room in (registry, catalogue):
            room.ensure_indexes(scope)
        key = FeedKey(shop, "shop")
        facts = {"currency": currency, "timezone": timezone}
        keep_facts(loaded.scope(region, shop), feed(scope, key), facts, since=datetime.now(UTC), token=0)
        return loaded

    return make


@pytest.mark.slow
def test_the_second_capture_writes_what_moved_and_a_repeat_writes_nothing(
    settings_of: SettingsOf, shared_data: Path, vendor: Vendor
) -> None:
    settings = settings_of(sunglasses.SHOP, "us", "USD", sunglasses.TIMEZONE)
    shop, scope = vendor.shops / f"{sunglasses.SHOP}.sqlite", settings.scope("us", _KEY.tenant)
    sunglasses.load(shop, shared_data, client_id="app", client_secret=SECRET)
    _run(settings)
    before = catalogue_of(scope)
    assert len(before) == 2678

    sunglasses.advance(shop, shared_data, at=datetime.now(UTC) - timedelta(seconds=2))
    _run(settings)
    after, shared = catalogue_of(scope), before.keys() & catalogue_of(scope).keys()
    known = frozenset(batch for item in before.values() for batch in item.batches)
    written = {gtin for gtin in shared if after[gtin].batches - known}
    moved = {
        gtin for gtin in shared if (before[gtin].price, before[gtin].stock) != (after[gtin].price, after[gtin].stock)
    }
    assert (len(after), len(shared)) == (2704, 2338)
    assert (len(after.keys() - before.keys()), len(before.keys() - after.keys())) == (366, 340)
    assert sum(before[gtin].price != after[gtin].price for gtin in shared) == 189
    assert sum(before[gtin].stock != after[gtin].stock for gtin in shared) == 10
    assert sum(before[gtin].list_price != after[gtin].list_price for gtin in shared) == 0
    assert (len(written), len(moved), len(written - moved)) == (208, 198, 10)
    report = SliceState(scope, StreamKey(*_KEY, "products")).report()
    assert report is not None and report.balanced
    assert (report.tombstoned, report.entities["variant"].tombstoned) == (340, 340)
    stock = SliceState(scope, StreamKey(*_KEY, "inventory")).report()
    assert stock is not None and stock.balanced
    assert (stock.tombstoned, catalogue.count_live(scope, _KEY, "inventory_level")) == (340, len(after))

    digest = catalogue.digest(scope, _KEY.tenant)
    assert _run(settings).merged == {}
    assert catalogue.digest(scope, _KEY.tenant) == digest
    assert catalogue_of(scope) == after


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_uci_shop_is_published_line_for_line_and_to_the_penny(
    settings_of: SettingsOf, shared_data: Path, vendor: Vendor, tmp_path: Path
) -> None:
    settings = settings_of(uci.SHOP, "eu", "GBP", uci.TIMEZONE)
    uci.load(vendor.shops / f"{uci.SHOP}.sqlite", shared_data, client_id="app", client_secret=SECRET)
    record = run_feeds(settings, "eu", [FeedKey(uci.SHOP, "shop")])
    assert record.failures == {}
    transform(settings, "eu", holder="test")

    with Reader(settings.scope("eu", uci.SHOP), tmp_path).current(uci.SHOP) as snapshot, duckdb.connect() as con:
        lines = con.read_parquet(str(snapshot.path("fct_order_line")))
        total = lines.aggregate("count(*), sum(gross_minor) / 100::DECIMAL(9, 2), count(DISTINCT order_id)").fetchone()
        other = lines.filter("NOT regexp_matches(sku, '^[0-9]{5}')").aggregate("count(*), sum(gross_minor)").fetchone()
        days = con.read_parquet(str(snapshot.path("daily_sales")))
        sales = days.aggregate(
            "sum(gross_sales_minor + gift_card_sales_minor), sum(returns_minor), sum(orders)"
        ).fetchone()
    assert total == (530_103, 10_655_622.48, 19_959)
    assert other == (2_378, 384_587_87)
    assert sales == (1_065_562_248, 464_214_27, 19_959)


def _run(settings: Settings) -> RunRecord:
    record = run_feeds(settings, "us", [_KEY], streams=["locations", "products", "inventory"])
    assert record.failures == {}
    return record
