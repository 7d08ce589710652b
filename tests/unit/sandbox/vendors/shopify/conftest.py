"""A running simulator for the tests of a module, and small shops made for one test each."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from sandbox.vendors.shopify.server import create_app
from sandbox.vendors.shopify.store import ALL_SCOPES, ShopWriter

NUMBERS = itertools.count(1)


def usd(amount: str) -> dict[str, Any]:
    """A money bag."""
    money = {"amount": amount, "currencyCode": "USD"}
    return {"shopMoney": money, "presentmentMoney": money}


def minute(at: int, day: int = 1) -> str:
    """A distinct instant in October 2026."""
    return f"2026-10-{day:02d}T{at // 60:02d}:{at % 60:02d}:00Z"


def put_product(writer: ShopWriter, number: int, *, at: str, variants: int = 2) -> str:
    """A product with variants, their inventory items and one level each."""
    gid = f"gid://shopify/Product/{number}"
    body: dict[str, Any] = {
        "title": f"Frame {number}",
        "status": "ACTIVE",
        "tags": ["sun" if number % 2 else "optical"],
        "handle": "f",
    }
    body["metafields"] = {"eyewear.frame_shape": "round"}
    writer.put(gid, "Product", body, created_at=at, updated_at=at)
    image = {"url": f"https://cdn.test/{number}.jpg", "altText": None}
    writer.put(
        f"gid://shopify/ProductImage/{number}",
        "Image",
        image,
        parent=gid,
        connection="images",
        created_at=at,
        updated_at=at,
    )
    for position in range(1, variants + 1):
        key = number * 100 + position
        item = f"gid://shopify/InventoryItem/{key}"
        held = {"sku": f"SKU-{key}", "price": "129.00", "position": position, "title": "Black"}
        held["inventoryItem"] = {"id": item, "unitCost": {"amount": "30.00", "currencyCode": "USD"}}
        held["metafields"] = {"eyewear.lens_width_mm": "52", "eyewear.bridge_mm": "18"}
        writer.put(
            f"gid://shopify/ProductVariant/{key}",
            "ProductVariant",
            held,
            parent=gid,
            connection="variants",
            position=position,
            created_at=at,
            updated_at=at,
        )
        writer.put(item, "InventoryItem", {"sku": f"SKU-{key}", "tracked": True}, created_at=at, updated_at=at)
        writer.put(
            f"gid://shopify/InventoryLevel/1?inventory_item_id={key}",
            "InventoryLevel",
            {"location": {"id": "gid://shopify/Location/1"}, "quantities": [{"name": "available", "quantity": key}]},
            parent=item,
            connection="inventoryLevels",
            created_at=at,
            updated_at=at,
        )
    return gid


def put_order(writer: ShopWriter, number: int, *, at: str, lines: int = 2) -> str:
    """An order with lines, a refund of its first line, and a transaction."""
    gid = f"gid://shopify/Order/{number}"
    body = {"currencyCode": "USD", "totalPriceSet": usd("100.00"), "customer": {"id": "gid://shopify/Customer/1"}}
    writer.put(gid, "Order", body, created_at=at, updated_at=at)
    for position in range(lines):
        line = {"title": "Frame", "quantity": 1, "sku": "SKU-101", "originalUnitPriceSet": usd("50.00")}
        line["variant"] = {"id": "gid://shopify/ProductVariant/101"}
        line["taxLines"] = [{"title": "VAT", "rate": 0.2, "priceSet": usd("1.00")}]
        found = f"gid://shopify/LineItem/{number * 100 + position}"
        place: dict[str, Any] = {"parent": gid, "connection": "lineItems", "position": position}
        writer.put(found, "LineItem", line, created_at=at, updated_at=at, **place)
    refund = f"gid://shopify/Refund/{number}"
    writer.put(refund, "Refund", {"note": "too wide"}, parent=gid, connection="refunds", created_at=at, updated_at=at)
    writer.put(
        f"gid://shopify/RefundLineItem/{number}",
        "RefundLineItem",
        {"quantity": 1, "subtotalSet": usd("50.00"), "lineItem": {"id": f"gid://shopify/LineItem/{number * 100}"}},
        parent=refund,
        connection="refundLineItems",
        created_at=at,
        updated_at=at,
    )
    writer.put(
        f"gid://shopify/OrderTransaction/{number}",
        "OrderTransaction",
        {"kind": "SALE", "status": "SUCCESS", "amountSet": usd("100.00")},
        parent=gid,
        connection="transactions",
        created_at=at,
        updated_at=at,
    )
    return gid


@dataclass
class Client:
    """A merchant's app talking to one simulated shop."""

    base: str
    path: Path
    http: httpx.Client
    facts: dict[str, Any]
    token: str = ""
    last: httpx.Response | None = field(default=None, repr=False)

    def writer(self) -> ShopWriter:
        """A writer of this shop."""
        return ShopWriter(self.path, **self.facts)

    def grant(self, **asked: str) -> httpx.Response:
        """Ask the token endpoint."""
        credentials = {"client_id": "app", "client_secret": "secret"}
        return self.http.post(f"{self.base}/admin/oauth/access_token", json=credentials | asked)

    def sign_in(self) -> None:
        """Take a client-credentials token."""
        self.token = self.grant(grant_type="client_credentials").json()["access_token"]

    def post(self, query: str, variables: Mapping[str, Any] | None = None, version: str = "2026-10") -> httpx.Response:
        """Send a query and return the bare answer."""
        self.last = self.http.post(
            f"{self.base}/admin/api/{version}/graphql.json",
            json={"query": query, "variables": variables or {}},
            headers={"X-Shopify-Access-Token": self.token},
        )
        return self.last

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """Send a query; the JSON of a 200."""
        answer = self.post(query, variables)
        assert answer.status_code == 200, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def data(self, query: str, **variables: Any) -> dict[str, Any]:
        """Send a query; its data, when there is no error."""
        made = self.ask(query, **variables)
        assert "errors" not in made, made["errors"]
        found: dict[str, Any] = made["data"]
        return found

    def fault(self, kind: str, **options: Any) -> None:
        """Set a fault."""
        answer = self.http.post(f"{self.base}/_faults", json={"kind": kind} | options)
        assert answer.status_code == 200, answer.text

    def bulk(self, query: str, *, grouped: bool = False) -> dict[str, Any]:
        """Run a bulk operation to its end; its last state."""
        started = self.start_bulk(query, grouped=grouped)
        assert started["userErrors"] == [], started
        return self.finished(started["bulkOperation"]["id"])

    def start_bulk(self, query: str, *, grouped: bool = False) -> dict[str, Any]:
        """Start a bulk operation; the payload."""
        mutation = (
            "mutation($q: String!, $g: Boolean!) { bulkOperationRunQuery(query: $q, groupObjects: $g)"
            " { bulkOperation { id status } userErrors { code field message } } }"
        )
        found: dict[str, Any] = self.data(mutation, q=query, g=grouped)["bulkOperationRunQuery"]
        return found

    def finished(self, gid: str) -> dict[str, Any]:
        """Poll an operation until it ends."""
        fields = "id status errorCode objectCount rootObjectCount fileSize url partialDataUrl completedAt"
        until = time.monotonic() + 20
        while time.monotonic() < until:
            found: dict[str, Any] = self.data(f"query($id: ID!) {{ bulkOperation(id: $id) {{ {fields} }} }}", id=gid)[
                "bulkOperation"
            ]
            if found["status"] not in ("CREATED", "RUNNING", "CANCELING"):
                return found
        raise AssertionError(f"the bulk operation did not end: {found}")


MakeShop = Callable[..., Client]


@pytest.fixture(scope="module")
def shops_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Address and folder of a running simulator."""
    folder = tmp_path_factory.mktemp("shops")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        # Whoever connects before the server runs waits in the backlog instead of being turned away.
        listener.listen()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(create_app(folder), log_level="critical", date_header=False, lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        with httpx.Client() as http:
            assert http.get(f"{address}/healthz").json()["status"] == "ok"
        yield address, folder
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def make_shop(shops_address: tuple[str, Path]) -> Iterator[MakeShop]:
    """Makes a shop with products and orders and an app signed in to it."""
    address, folder = shops_address
    with httpx.Client(timeout=20) as http:

        def make(*, products: int = 0, orders: int = 0, scopes: tuple[str, ...] = ALL_SCOPES, **facts: str) -> Client:
            name = f"shop{next(NUMBERS)}"
            held: dict[str, Any] = {
                "name": "Lunettes",
                "domain": f"{name}.myshopify.com",
                "currency": "USD",
                "timezone": "America/New_York",
                "created_at": "2024-01-01T00:00:00Z",
                "client_id": "app",
                "client_secret": "secret",
                "scopes": scopes,
                "facts": facts,
            }
            path = folder / f"{name}.sqlite"
            with ShopWriter(path, **held) as writer:
                writer.put(
                    "gid://shopify/Location/1", "Location", {"name": "Main"}, created_at=minute(0), updated_at=minute(0)
                )
                for number in range(1, products + 1):
                    put_product(writer, number, at=minute(number))
                for number in range(1, orders + 1):
                    put_order(writer, number, at=minute(number))
            client = Client(f"{address}/{name}", path, http, held)
            client.sign_in()
            return client

        yield make
