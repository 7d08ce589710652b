"""Simulated vendors send webhooks when they are told to, over real HTTP, signed as our door checks it; lost and repeated ones too."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.vendors.records import Records
from sandbox.vendors.shopify.store import ShopWriter
from tests.conftest import simulated
from varai.kernel import utc_now
from varai.sources import webhooks

SECRET = "s3cret-of-the-shop"
TOPICS = {"shopify": "orders/updated", "woocommerce": "order.updated", "bigcommerce": "store/order/updated"}
Got = list[tuple[dict[str, str], bytes]]


def _shop(vendor: str, path: Path) -> None:
    if vendor != "shopify":
        with Records(path) as records:
            records.set_facts({"consumer_secret" if vendor == "woocommerce" else "client_secret": SECRET})
        return
    facts = {"name": "north", "domain": "north.example", "currency": "EUR", "timezone": "Europe/Berlin"}
    with ShopWriter(path, **facts, created_at="2026-01-01T00:00:00Z", client_id="app", client_secret=SECRET):
        pass


@contextmanager
def listening() -> Iterator[tuple[str, Got]]:
    """A server that keeps what is posted to it; yields its address and what came."""
    got: Got = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", got
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("vendor", TOPICS)
def test_what_a_simulated_vendor_sends_is_genuine_and_told_as_its_vendor_tells(vendor: str, tmp_path: Path) -> None:
    _shop(vendor, tmp_path / "north.sqlite")
    scheme = webhooks(vendor)
    with simulated(vendor, tmp_path) as url, listening() as (to, got):

        def send(**asked: Any) -> dict[str, Any]:
            answer = httpx.post(f"{url}/north/_webhooks", json={"to": to, "topic": TOPICS[vendor], **asked})
            return dict(answer.raise_for_status().json())

        assert send(body={"id": 7}, event="e-1", times=2) == {"event": "e-1", "answers": [200, 200]}
        assert send(times=0)["answers"] == []  # lost
        assert send(to="http://127.0.0.1:9/")["answers"] == [None]
        send(secret="of somebody else")
        assert httpx.post(f"{url}/nobody/_webhooks", json={"to": to, "topic": "x"}).status_code == 404
    genuine = [scheme.genuine(headers, body, [SECRET.encode()], utc_now()) for headers, body in got]
    assert genuine == [True, True, False]
    told = [scheme.read(headers, body) for headers, body in got]
    first, again = (one for one in told[:2] if one is not None)
    assert first.event == again.event and first.streams == ("orders",)
    assert b'{"id":7}' in got[0][1]
