"""Bytes of a bucket are the bytes that were stored, though a network or an emulator spoilt them once."""

from __future__ import annotations

import base64
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from google_crc32c import Checksum

from varai.kernel import Unavailable
from varai.stores.cloud import CloudStore

STORED = b"seventy-five"


class _Spoilt(BaseHTTPRequestHandler):
    """The first answers' bytes are other ones than their checksum was made of, the next ones are right."""

    server: _Bucket

    def do_GET(self) -> None:
        self.server.asked += 1
        body = STORED if self.server.asked > self.server.spoilt else STORED[::-1]
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Goog-Generation", "7")
        self.send_header("X-Goog-Hash", f"crc32c={base64.b64encode(Checksum(STORED).digest()).decode()}")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: what was asked is counted."""


class _Bucket(HTTPServer):
    def __init__(self, spoilt: int) -> None:
        super().__init__(("127.0.0.1", 0), _Spoilt)
        self.asked, self.spoilt = 0, spoilt

    def get(self) -> tuple[bytes, str] | None:
        """What a client gets of it."""
        threading.Thread(target=self.serve_forever, daemon=True).start()
        try:
            return CloudStore("bucket", f"http://127.0.0.1:{self.server_port}").get("counter")
        finally:
            self.shutdown()


def test_bytes_that_do_not_match_their_checksum_are_asked_for_again() -> None:
    with _Bucket(spoilt=1) as server:
        assert server.get() == (STORED, "7")
    assert server.asked == 2


def test_bytes_that_never_match_their_checksum_are_refused_with_a_sentence() -> None:
    with _Bucket(spoilt=10**6) as server, pytest.raises(Unavailable, match="do not match their checksum"):
        server.get()
