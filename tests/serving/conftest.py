"""Two regions with a tenant or two each, a small catalogue and published sales; apps of both; and tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import pytest
from fastapi.testclient import TestClient

from bench.registry import Registry, registry_server
from serving.allowance import Allowances
from serving.app import create_app
from serving.auth.tokens import SCOPES
from tests.serving.shelves import bundle, staged
from varai import catalogue, marts, registry
from varai.kernel import Scope
from varai.marts import FeedCoverage, Mart
from varai.registry.accounts import issue_secret
from varai.settings import Settings, load

NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)
READ = {feed: FeedCoverage(complete_until=NOW, timezone="Europe/Berlin") for feed in ("shop", "second")}
"""Every feed of northwind-eu has been read until now."""
PLENTY = Allowances(reads=10**6, answers=10**6, events=10**6, tokens=10**6, addresses=10**6)
SUBJECT = f"{7:032x}"
HOSTILE = '<p onclick="steal()">Round &amp; light</p><script>alert(1)</script><a href="javascript:alert(2)">more</a>'


@dataclass(frozen=True)
class World:
    """Settings of two regions, and their apps with as much allowance as a test may use."""

    settings: Settings
    eu: TestClient
    us: TestClient
    registry: Registry

    def scope(self, region: str, tenant: str | None = None) -> Scope:
        return self.settings.scope(region, tenant)

    def token(self, region: str, tenant: str, **form: str) -> str:
        """A token of a tenant for all there is to do, or as `form` asks."""
        client = self.eu if region == "eu" else self.us
        issued = issue_secret(self.scope(region, tenant))
        asked = {"grant_type": "client_credentials", "scope": " ".join(SCOPES), **form}
        answer = client.post("/v1/auth/token", data=asked, auth=(issued.client_id, issued.client_secret))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])


@pytest.fixture(scope="session")
def registered() -> Iterator[Registry]:
    """The registry of models of both regions."""
    with registry_server() as server:
        yield server


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, mongodb_uri: str, registered: Registry) -> Iterator[World]:
    """Built once; tests read it, and make what they change themselves."""
    models = {f"VARAI_STORES__{region}__REGISTRY_URL": registered.url for region in ("EU", "US")}
    settings = settings_of(tmp_path_factory.mktemp("home"), mongodb_uri, **models)
    for region in ("eu", "us"):
        scope = settings.scope(region)
        registry.seed(scope, settings.seeds)
        registry.ensure_indexes(scope)
    _stock(settings.scope("eu", "northwind-eu"))
    _sell(settings.scope("eu"))
    _train(settings.scope("eu", "northwind-eu"), registered)
    with (
        TestClient(create_app(settings, "eu", allowances=PLENTY, clock=lambda: NOW)) as eu,
        TestClient(create_app(settings, "us", allowances=PLENTY, clock=lambda: NOW)) as us,
    ):
        yield World(settings, eu, us, registered)
    from varai.stores import documents

    scope = settings.scope("eu")
    documents(scope).client.drop_database(scope.database)


@pytest.fixture(scope="session")
def bearer(world: World) -> dict[str, str]:
    """Headers of the tenant that has data."""
    return {"Authorization": f"Bearer {world.token('eu', 'northwind-eu')}"}


@pytest.fixture(scope="session")
def neighbour(world: World) -> dict[str, str]:
    """Headers of the other tenant of the region, which has no data."""
    return {"Authorization": f"Bearer {world.token('eu', 'brillen-haus')}"}


def settings_of(home: Path, mongodb_uri: str, **more: str) -> Settings:
    """Settings of an empty home with its own database."""
    stores = {f"VARAI_STORES__{region}__DOCUMENTS_URI": mongodb_uri for region in ("EU", "US")}
    return load({"VARAI_HOME": str(home), "VARAI_DATABASE": f"test_{uuid4().hex[:16]}", **stores, **more})


def _stock(scope: Scope) -> None:
    """Five products, one with hostile HTML and a picture that is no web address."""
    catalogue.ensure_indexes(scope)
    feed = registry.feeds(scope)[0]
    products = [
        {
            "source_id": f"p{number}",
            "title": f"Frame {number}",
            "status": "active" if number < 4 else "draft",
            "published_at": NOW,
            "brand": "Nord",
        }
        for number in range(5)
    ]
    products[0] |= {"description_html": HOSTILE, "rx_able": True, "tags": ["new"]}
    variants = [
        {
            "source_id": f"v{number}",
            "product_id": f"p{number}",
            "price": _decimal("129.9"),
            "currency": "EUR",
            "sku": f"A-{number}",
            "sort_order": 1,
        }
        for number in range(5)
    ]
    images = [
        {"source_id": "i0", "product_id": "p0", "url": "javascript:alert(3)", "sort_order": 1},
        {"source_id": "i1", "product_id": "p0", "url": "https://pictures.example.com/1.jpg", "sort_order": 2},
    ]
    rows = {"product": products, "variant": variants, "image": images}
    catalogue.publish(
        scope, feed, {name: staged(name, scope, feed.name, some, NOW) for name, some in rows.items()}, run_id="r1"
    )


def _train(scope: Scope, registered: Registry) -> None:
    """A model of seven products, two of which the catalogue does not hold."""
    feed = registry.feeds(scope)[0].name
    registered.promote(scope, bundle(scope, [f"{feed}/p{number}" for number in range(7)], {SUBJECT: [0, 5]}))


def _decimal(text: str) -> Any:
    from decimal import Decimal

    return Decimal(text)


def _sell(scope: Scope) -> None:
    """Sales of northwind-eu in two currencies and two feeds, and of a tenant nobody here asks for."""
    columns = "gross_sales_minor, discounts_minor, returns_minor, net_sales_minor, tax_minor, shipping_minor, total_sales_minor"
    with duckdb.connect() as connection:
        connection.execute(
            f"""
            CREATE SCHEMA marts;
            CREATE TABLE marts.daily_sales AS
              SELECT *, 0::BIGINT AS units_returned, 0::BIGINT AS gift_card_sales_minor, 0::BIGINT AS refunded_minor
              FROM (VALUES
                ('northwind-eu', 'shop', DATE '2026-10-30', 'EUR', 2::BIGINT, 3::BIGINT, 30000::BIGINT, 1000::BIGINT,
                 0::BIGINT, 29000::BIGINT, 5510::BIGINT, 490::BIGINT, 35000::BIGINT),
                ('northwind-eu', 'shop', DATE '2026-11-01', 'EUR', 1, 1, 10000, 0, 9250, 750, 142, 0, 892),
                ('northwind-eu', 'shop', DATE '2026-11-02', 'EUR', 0, 0, 0, 0, 9250, -9250, -1758, -500, -11508),
                ('northwind-eu', 'second', DATE '2026-11-01', 'JPY', 1, 1, 12345, 0, 0, 12345, 0, 0, 12345),
                ('stranger', 'shop', DATE '2026-11-01', 'EUR', 9, 9, 999999, 0, 0, 999999, 0, 0, 999999)
              ) AS t(tenant, feed, booked_on, currency, orders, units, {columns});
            CREATE TABLE marts.fct_order_line AS
              SELECT tenant, feed, row_number() OVER ()::VARCHAR AS line_id, booked_on::TIMESTAMPTZ AS processed_at
              FROM marts.daily_sales WHERE orders > 0;
            """
        )
        built = [
            Mart(name="fct_order_line", schema_name="marts", key=("tenant", "feed", "line_id"), data_class="personal"),
            Mart(
                name="daily_sales",
                schema_name="marts",
                key=("tenant", "feed", "booked_on", "currency"),
                data_class="internal",
            ),
        ]
        withheld = {
            "orders": 2,
            "value_minor": {"EUR": 12345},
            "unknown_value": 1,
            "returns": {"count": 3, "value_minor": {"EUR": 500, "JPY": 700}, "unknown_value": 0},
            "unmappable": 4,
        }
        snapshots = marts.publish(scope, connection, built, now=NOW, facts={"northwind-eu": {"withheld": withheld}})
        marts.put_coverage(scope, "northwind-eu", snapshots["northwind-eu"], READ)
