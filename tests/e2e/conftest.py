"""A region in small: generated shops behind one simulated vendor, a document server, and an empty home for each test."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import stamina

from sandbox.world import build
from sandbox.world.spec import DefectRates, WorldSpec
from sandbox.world.truth import Truth, truth_path
from tests.conftest import simulated
from tests.e2e.stack import SECRET, Stack
from varai import catalogue, privacy, registry
from varai.kernel import utc_now
from varai.registry import feed
from varai.river.shop import keep_facts
from varai.settings import FolderSecrets, load

WORLD = WorldSpec(
    "northwind-eu",
    "northwind-eu.myshopify.example.com",
    7,
    "EUR",
    "Europe/Berlin",
    "DE",
    "app",
    "",
    12,
    40,
    20,
    canary="canary-zq7",
)
CLEAN = replace(WORLD, defects=DefectRates.none())
SHARED = replace(CLEAN, name="brillen-haus", domain="brillen-haus.myshopify.example.com", seed=11)
NEIGHBOUR = replace(SHARED, products=6, orders=10, customers=6)


@dataclass
class Vendor:
    """The simulated vendor of the session: shops are made once, and laid before it anew for every test."""

    url: str
    shops: Path
    made: dict[WorldSpec, tuple[Path, Truth]] = field(default_factory=dict)

    def place(self, spec: WorldSpec, *, anew: bool = True) -> tuple[Path, Truth]:
        """Lay the untouched shop of `spec` before the vendor (or leave it as it stands); returns its file and ledger."""
        shop = self.shops / f"{spec.name}.sqlite"
        if spec in self.made and not anew:
            return shop, self.made[spec][1]
        if spec not in self.made:
            path = self.shops.parent / "made" / f"{len(self.made)}.sqlite"
            path.parent.mkdir(exist_ok=True)
            self.made[spec] = path, build(path, replace(spec, client_secret=SECRET))
        path, truth = self.made[spec]
        fresh = self.shops / f"{spec.name}.fresh"
        shutil.copyfile(path, fresh)
        for old in ("-wal", "-shm"):
            shop.with_name(shop.name + old).unlink(missing_ok=True)
        fresh.replace(shop)  # another inode than the file before it, which is how the vendor sees that the shop is new
        shutil.copyfile(truth_path(path), truth_path(shop))
        httpx.delete(f"{self.url}/{spec.name}/_faults").raise_for_status()
        return shop, truth


@pytest.fixture(scope="session")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vendor]:
    """One simulator for the session."""
    folder = tmp_path_factory.mktemp("vendor")
    shops = folder / "shops"
    shops.mkdir()
    with simulated("shopify", folder, shops) as url:
        yield Vendor(url, shops)


@pytest.fixture
def at_once() -> Iterator[None]:
    """Calls are made again as often as ever, without the waits between."""
    with stamina.set_testing(True, attempts=6, cap=True):
        yield


StackOf = Callable[..., Stack]


@pytest.fixture
def stack_of(home: Path, mongodb_uri: str, mongodb: str, vendor: Vendor) -> StackOf:
    """Makes the stack of a world; `settings` are those of its feed. Shops of one test share home and database."""
    return lambda spec, **settings: make_stack(vendor, home, mongodb_uri, mongodb, spec, settings)


@pytest.fixture
def stack(stack_of: StackOf) -> Stack:
    """A small shop with every defect planted at least once."""
    return stack_of(WORLD)


@pytest.fixture
def clean_stack(stack_of: StackOf) -> Stack:
    """A small shop without a fault."""
    return stack_of(CLEAN)


@pytest.fixture(scope="module")
def module_stack_of(tmp_path_factory: pytest.TempPathFactory, mongodb_uri: str, vendor: Vendor) -> Iterator[StackOf]:
    """As `stack_of`, for a stack that the tests of a module share."""
    from pymongo import MongoClient

    home, database = tmp_path_factory.mktemp("home"), f"test_{uuid4().hex[:16]}"
    yield lambda spec, **settings: make_stack(vendor, home, mongodb_uri, database, spec, settings)
    with MongoClient(mongodb_uri, serverSelectionTimeoutMS=5000) as client:
        client.drop_database(database)


def make_stack(
    vendor: Vendor,
    home: Path,
    uri: str,
    database: str,
    spec: WorldSpec,
    settings: Mapping[str, object],
    more: Mapping[str, str] | None = None,
    *,
    region: str = "eu",
    anew: bool = True,
) -> Stack:
    """Lay a shop before the vendor and register its tenant in `home`; facts of the shop are known from the start."""
    shop, truth = vendor.place(spec, anew=anew)
    secrets = FolderSecrets(home / "secrets")
    secrets.create(f"{spec.name}-shop", json.dumps({"client_id": spec.client_id, "client_secret": SECRET}))
    environment = {
        "VARAI_HOME": str(home),
        "VARAI_DATABASE": database,
        "VARAI_STORES__EU__DOCUMENTS_URI": uri,
        "VARAI_STORES__US__DOCUMENTS_URI": uri,
        "VARAI_VENDORS__SHOPIFY_EU": vendor.url,
        "VARAI_VENDORS__SHOPIFY_US": vendor.url,
        **(more or {}),
    }
    loaded = load(environment)
    scope = loaded.scope(region)
    seeds = [
        seed.model_copy(update={"feeds": tuple(one.model_copy(update={"settings": settings}) for one in seed.feeds)})
        for seed in loaded.seeds
        if seed.tenant.name == spec.name
    ]
    registry.seed(scope, seeds)
    for room in (registry, catalogue, privacy):
        room.ensure_indexes(scope)
    made = Stack(loaded, environment, vendor.url, shop, truth, home, spec, region)
    facts = {"currency": spec.currency, "timezone": spec.timezone}
    keep_facts(made.scope, feed(scope, made.key), facts, since=utc_now(), token=0)
    return made
