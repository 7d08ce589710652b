"""A registry of models for benchmarks and tests: an HTTP server that answers as MLflow's does, and can be made to fail."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from varai.kernel import Scope
from varai.learning.bundle import Bundle, Stored, mapping_version, store


class Registry:
    """Champions by registered name. `breaks` answers everything with this status and body instead."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.champions: dict[str, dict[str, Any]] = {}
        self.breaks: tuple[int, bytes] | None = None
        self.asked = 0

    def answer(self, target: str) -> tuple[int, bytes]:
        self.asked += 1
        if self.breaks is not None:
            return self.breaks
        address = urlsplit(target)
        query = parse_qs(address.query)
        if address.path != "/api/2.0/mlflow/registered-models/alias" or query.get("alias") != ["champion"]:
            return 404, b"<html>no such page</html>"
        found = self.champions.get(query["name"][0])
        if found is None:
            return 404, json.dumps({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "not found"}).encode()
        return 200, json.dumps({"model_version": found}).encode()

    def promote(self, scope: Scope, bundle: Bundle, number: int = 1, /, **tags: str) -> Stored:
        """Store a bundle and make it the champion of the scope's tenant, as training does."""
        stored = store(scope, bundle)
        given = {
            "bundle": stored.key,
            "sha256": stored.sha256,
            "snapshot": bundle.snapshot_id,
            "mapping": mapping_version(),
            "code": "test",
            "trained_at": "2026-11-10T03:00:00+00:00",
            "metric": "0.1200",
            "floor": "0.0800",
            "decision": "It beats the floor.",
            **tags,
        }
        name = f"{scope.region}.{scope.tenant}.{bundle.model}"
        self.champions[name] = {
            "name": name,
            "version": str(number),
            "aliases": ["champion"],
            "tags": [{"key": f"varai.{key}", "value": value} for key, value in given.items()],
        }
        return stored


@contextmanager
def registry_server() -> Iterator[Registry]:
    """A registry on a free port, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, body = registry.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        registry = Registry(f"http://127.0.0.1:{server.server_address[1]}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield registry
        finally:
            server.shutdown()
