"""Shops are read through the proxy that the environment names, as curl would do."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from varai.kernel import Unavailable
from varai.sources.transport import Http

NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")

SIGNED = {"Authorization": 'OAuth oauth_signature="x"'}
"""Without TLS nothing else is sent beyond this machine."""


class _Server(ThreadingHTTPServer):
    """Answers whatever it is asked, and keeps the targets and the credentials that it was given."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.targets: list[str] = []
        self.credentials: list[str | None] = []

    @property
    def netloc(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class _Answer(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self.server.targets.append(self.path)
        self.server.credentials.append(self.headers["Proxy-Authorization"])
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def do_CONNECT(self) -> None:
        self.server.targets.append(self.path)
        self.server.credentials.append(self.headers["Proxy-Authorization"])
        self.send_error(502)

    def log_message(self, *_: object) -> None:
        """Nothing: what was asked is kept."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Server]:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with _Server() as serving:
        thread = threading.Thread(target=serving.serve_forever, args=(0.01,))
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


@pytest.fixture
def http() -> Iterator[Http]:
    with closing(Http("Shopify", "https://<shop>.myshopify.com")) as made:
        yield made


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_a_shop_is_asked_through_the_proxy_with_its_credentials(
    server: _Server, http: Http, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    if name == "HTTP_PROXY":
        # A CGI script would take this name from a request's header; urllib then refuses it.
        monkeypatch.delenv("REQUEST_METHOD", raising=False)
    monkeypatch.setenv(name, f"http://reader:p%40ss@{server.netloc}")
    assert http.send("GET", "http://shop.example/admin", headers=SIGNED).data == b"{}"
    assert server.targets == ["http://shop.example/admin"]
    assert server.credentials == [f"Basic {base64.b64encode(b'reader:p@ss').decode()}"]


def test_tls_goes_through_a_tunnel_and_a_refused_one_shows_no_credentials(
    server: _Server, http: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://reader:p%40ss@{server.netloc}")
    with pytest.raises(Unavailable) as refused:
        http.send("GET", "https://shop.example/admin", headers=SIGNED)
    assert server.targets == ["shop.example:443"]
    assert server.credentials == [f"Basic {base64.b64encode(b'reader:p@ss').decode()}"]
    assert "reader" not in str(refused.value)
    assert "p@ss" not in str(refused.value)


def test_what_no_proxy_names_is_asked_directly(server: _Server, http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    assert http.send("GET", f"http://{server.netloc}/admin", headers=SIGNED).data == b"{}"
    assert server.targets == ["/admin"]
    assert server.credentials == [None]
