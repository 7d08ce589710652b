"""A region in small: a generated shop behind the simulated vendor, a document server, and an empty home."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest

from sandbox.world import build
from sandbox.world.spec import DefectRates, WorldSpec
from sandbox.world.truth import Truth
from tests.conftest import free_port, running
from varai import catalogue, registry
from varai.kernel import Scope
from varai.settings import FolderSecrets, Settings, load

WORLD = WorldSpec(
    "northwind-eu",
    "northwind-eu.myshopify.example.com",
    7,
    "EUR",
    "Europe/Berlin",
    "DE",
    "app",
    "",
    40,
    200,
    60,
    canary="canary-zq7",
)


@dataclass(frozen=True)
class Stack:
    """Settings of a home whose one shop is behind `vendor`; `shop` is the simulator's own file."""

    settings: Settings
    vendor: str
    shop: Path
    truth: Truth
    home: Path

    @property
    def scope(self) -> Scope:
        """The shop's tenant."""
        return self.settings.scope("eu", WORLD.name)

    def fault(self, **fault: object) -> None:
        """Switch a fault of the vendor on."""
        httpx.post(f"{self.vendor}/{WORLD.name}/_faults", json=fault).raise_for_status()

    def heal(self) -> None:
        """Switch all faults off."""
        httpx.delete(f"{self.vendor}/{WORLD.name}/_faults").raise_for_status()


@pytest.fixture
def stack_of(home: Path, mongodb_uri: str, mongodb: str) -> Iterator[Callable[[WorldSpec], Stack]]:
    """Makes the stack of a world."""
    servers = []

    def make(spec: WorldSpec) -> Stack:
        secrets = FolderSecrets(home / "secrets")
        shops, port = home / "shops", free_port()
        shops.mkdir()
        shop = shops / f"{spec.name}.sqlite"
        truth = build(shop, replace(spec, client_secret="s3cret-of-the-shop"))
        secrets.create(
            f"{spec.name}-shop", json.dumps({"client_id": spec.client_id, "client_secret": "s3cret-of-the-shop"})
        )
        command = [sys.executable, "-m", "sandbox.vendors.shopify", "--shops", str(shops), "--port", str(port)]
        url = f"http://127.0.0.1:{port}"
        server = running(command, home, lambda: _answers(f"{url}/healthz"))
        server.__enter__()
        servers.append(server)
        settings = load(
            {
                "VARAI_HOME": str(home),
                "VARAI_DATABASE": mongodb,
                "VARAI_STORES__EU__DOCUMENTS_URI": mongodb_uri,
                "VARAI_VENDORS__SHOPIFY_EU": url,
            }
        )
        scope = settings.scope("eu")
        registry.seed(scope, [seed for seed in settings.seeds if seed.tenant.name == spec.name])
        registry.ensure_indexes(scope)
        catalogue.ensure_indexes(scope)
        return Stack(settings, url, shop, truth, home)

    yield make
    for server in servers:
        server.__exit__(None, None, None)


@pytest.fixture
def stack(stack_of: Callable[[WorldSpec], Stack]) -> Stack:
    """A small shop with every defect planted at least once."""
    return stack_of(WORLD)


@pytest.fixture
def clean_stack(stack_of: Callable[[WorldSpec], Stack]) -> Stack:
    """A small shop without a fault."""
    return stack_of(replace(WORLD, defects=DefectRates.none()))


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
