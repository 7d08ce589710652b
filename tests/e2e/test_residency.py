"""Two regions side by side: nothing of one's tenant lies in the other's bucket, database or warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from pymongo import MongoClient

from tests.e2e.conftest import WORLD, Vendor, make_stack
from tests.e2e.search import places_with
from tests.e2e.stack import Stack

_SMALL = replace(WORLD, products=8, orders=12, customers=8)
_US = replace(_SMALL, name="northwind-us", domain="northwind-us.myshopify.example.com", seed=3, canary="canary-us4")
SHOPS = {"eu": _SMALL, "us": replace(_US, currency="USD", timezone="America/New_York", country="US")}


@pytest.fixture
def regions(home: Path, mongodb_uri: str, vendor: Vendor) -> Iterator[dict[str, Stack]]:
    """Both regions as they run: a database and a home of its own for each, and one simulator."""
    databases = {region: f"test_{uuid4().hex[:16]}" for region in SHOPS}
    yield {
        region: make_stack(vendor, home / region, mongodb_uri, databases[region], spec, {}, region=region)
        for region, spec in SHOPS.items()
    }
    with MongoClient[dict[str, object]](mongodb_uri, serverSelectionTimeoutMS=5000) as client:
        for name in databases.values():
            client.drop_database(name)


@pytest.mark.slow
def test_a_run_in_both_regions_leaves_each_tenant_at_home(regions: dict[str, Stack]) -> None:
    """The organisation is the same, the sizes are, the ids nearly: only the region keeps them apart."""
    for stack in regions.values():
        assert stack.run().failures == {}
        assert stack.slices()
    for region, stack in regions.items():
        own, other = stack.spec.name, next(shop.name for key, shop in SHOPS.items() if key != region)
        kinds = {place.split(" ")[0] for place in places_with(stack, own)}
        assert kinds == {"file", "document", "row"}  # the search does find who lives here
        assert (stack.home / "buckets" / region).is_dir()
        assert [place for place in places_with(stack, other) if not place.startswith("document organisations/")] == []
