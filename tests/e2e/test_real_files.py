"""Real files through the river: the sunglasses shop at its first capture and at its second, counted from the catalogue."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.stack.real import catalogue_of
from sandbox.stores import sunglasses
from tests.conftest import REPOSITORY
from tests.e2e.conftest import Vendor
from tests.e2e.stack import SECRET
from varai import catalogue, registry
from varai.kernel import FeedKey
from varai.registry import RunRecord, SliceState, StreamKey, feed
from varai.river.run import run_feeds
from varai.river.shop import keep_facts
from varai.settings import FolderSecrets, Settings, load

_KEY = FeedKey(sunglasses.SHOP, "shop")
_FACTS = {"currency": "USD", "timezone": sunglasses.TIMEZONE}


@pytest.fixture
def settings(home: Path, mongodb_uri: str, mongodb: str, vendor: Vendor) -> Settings:
    """A region that the shop's tenant is registered in."""
    config = home / "config"
    (config / "tenants").mkdir(parents=True)
    shutil.copy(REPOSITORY / "config" / "regions.toml", config)
    shutil.copy(Path(sunglasses.__file__).with_name(f"{sunglasses.SHOP}.toml"), config / "tenants")
    credentials = json.dumps({"client_id": "app", "client_secret": SECRET})
    FolderSecrets(home / "secrets").create(f"{sunglasses.SHOP}-shop", credentials)
    loaded = load(
        {
            "VARAI_HOME": str(home),
            "VARAI_CONFIG": str(config),
            "VARAI_DATABASE": mongodb,
            "VARAI_STORES__US__DOCUMENTS_URI": mongodb_uri,
            "VARAI_VENDORS__SHOPIFY_US": vendor.url,
        }
    )
    scope = loaded.scope("us")
    registry.seed(scope, loaded.seeds)
    for room in (registry, catalogue):
        room.ensure_indexes(scope)
    keep_facts(loaded.scope("us", _KEY.tenant), feed(scope, _KEY), _FACTS)
    return loaded


@pytest.mark.slow
def test_the_second_capture_writes_what_moved_and_a_repeat_writes_nothing(
    settings: Settings, shared_data: Path, vendor: Vendor
) -> None:
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

    digest = catalogue.digest(scope, _KEY.tenant)
    assert _run(settings).merged == {}
    assert catalogue.digest(scope, _KEY.tenant) == digest
    assert catalogue_of(scope) == after


def _run(settings: Settings) -> RunRecord:
    record = run_feeds(settings, "us", [_KEY], streams=["locations", "products", "inventory"])
    assert record.failures == {}
    return record
