"""Shops are read over TLS from hosts whose certificate is trusted; to others nothing is said, whatever a feed's settings are."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from urllib3.exceptions import SSLError

from sandbox.prove.rows import ROWS
from sandbox.prove.stage import shop_feed
from sandbox.vendors import tls
from sandbox.vendors.tls import AUTHORITY, Certified, certify
from sandbox.world.spec import DefectRates, WorldSpec
from tests.conftest import simulated
from tests.unit.sources.conftest import MemoryTokens
from varai.kernel import Misconfigured, Unavailable, Window
from varai.sources import Session, connector
from varai.sources.transport import Http

SPEC = WorldSpec(
    *("shop", "shop.example.com", 5, "EUR", "Europe/Berlin", "DE", "the-client", "the-secret-of-it"),
    products=12,
    orders=12,
    customers=6,
    defects=DefectRates.none(),
)
UNVERIFIED = {"verify": False, "verify_tls": False, "insecure": True, "tls": "off", "ssl_context": None}


@dataclass
class Site:
    """A simulated vendor that speaks TLS, with one shop."""

    vendor: str
    url: str
    authority: Path

    def read(self, url: str | None = None, **settings: Any) -> tuple[int, int | None]:
        """Read all products; records that came, and the vendor's count of them."""
        feed = shop_feed(self.vendor, "north", url or self.url, "north-shop", settings)
        secret = json.dumps(dict(ROWS[self.vendor].secret(SPEC)))
        session = Session(feed, feed.base_url, lambda: secret, MemoryTokens(), sleep=lambda _: None)
        read = connector(self.vendor).extract(session, "products", Window(start=None, end=datetime.now(UTC)))
        return sum(page.records for page in read), read.vendor_count

    def requests(self) -> list[dict[str, Any]]:
        """What was asked since this was asked last."""
        trusted = ssl.create_default_context(cafile=self.authority)
        with httpx.Client(verify=trusted, trust_env=False) as client:
            asked: list[dict[str, Any]] = client.get(f"{self.url}/_requests").json()["requests"]
            client.delete(f"{self.url}/_requests")
        return asked


@pytest.fixture(scope="module", params=["shopify", "magento", "woocommerce", "bigcommerce"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Each REST vendor."""
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "shops").mkdir()
    ROWS[request.param].build(folder / "shops" / "shop.sqlite", SPEC)
    with simulated(request.param, folder, folder / "shops", folder / "tls") as url:
        yield Site(request.param, f"{url}/shop", folder / "tls" / AUTHORITY)


def test_a_stream_is_read_over_tls_to_its_end(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of Shopify in bulk too, whose file has an address of its own."""
    monkeypatch.setenv("SSL_CERT_FILE", str(site.authority))
    site.requests()
    for bulk in (False, True):
        records, told = site.read(bulk=bulk)
        assert records == told == 12
    assert ("bulk" in {one.get("route") for one in site.requests()}) == (site.vendor == "shopify")
    assert site.url.startswith("https://")


@pytest.mark.parametrize("settings", [{}, UNVERIFIED], ids=["", "verification off"])
def test_a_certificate_of_an_unknown_authority_is_refused_before_anything_is_said(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: dict[str, Any]
) -> None:
    certify(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / AUTHORITY))
    site.requests()
    with pytest.raises(Misconfigured, match=r"of no authority that is trusted here\. .*SSL_CERT_FILE") as refused:
        site.read(**settings)
    assert not site.requests()
    assert SPEC.client_secret not in str(refused.value)


def test_a_certificate_of_another_host_is_refused_before_anything_is_said(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(site.authority))
    site.requests()
    with pytest.raises(Misconfigured, match=r"of another host than .*base_url names\. .*into the feed's base_url"):
        site.read(site.url.replace("127.0.0.1", "localhost"), **UNVERIFIED)
    assert not site.requests()


@pytest.mark.parametrize("site", ["woocommerce"], indirect=True)
def test_woocommerce_is_given_its_key_by_basic_over_tls(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(site.authority))
    site.requests()
    site.read()
    assert {one["scheme"] for one in site.requests()} == {"Basic"}


def test_a_certificate_that_has_expired_is_refused_with_its_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "_VALID", timedelta(minutes=-30))
    refused = refusal(certify(tmp_path, "shop.example"), tmp_path / AUTHORITY, "shop.example")
    with closing(Http("WooCommerce", "https://<shop>")) as http:
        error = http.broken(SSLError(refused))
    assert isinstance(error, Misconfigured)
    assert "expired" in error.what
    assert "renew" in error.cure


def refusal(certified: Certified, authority: Path, host: str) -> ssl.SSLCertVerificationError:
    """What a handshake in memory ends with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certified)
    trusting = ssl.create_default_context(cafile=authority)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(to_server, to_client, server_side=True)
    client = trusting.wrap_bio(to_client, to_server, server_hostname=host)
    with pytest.raises(ssl.SSLCertVerificationError) as raised:
        for side in (client, server, client):
            with suppress(ssl.SSLWantReadError):
                side.do_handshake()
    return raised.value


def test_a_key_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    assert certify(tmp_path, "shop.example").key.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("vendor", ["shopify", "bigcommerce"])
def test_a_token_is_never_sent_in_the_clear(vendor: str) -> None:
    site = Site(vendor, "http://shop.example.invalid", Path())
    with pytest.raises(Misconfigured, match="without TLS") as refused:
        site.read()
    assert "https://" in refused.value.cure


@pytest.mark.parametrize(
    ("url", "authorization", "sent"),
    [
        ("http://shop.example.invalid/", "Bearer token", False),
        ("http://10.0.0.7/", "Bearer token", False),
        ("http://shop.example.invalid/", 'OAuth oauth_signature="x"', True),
        ("http://shopify-of-compose/", "Bearer token", True),
        ("http://127.0.0.1:9/", "Bearer token", True),
        ("http://[::1]:9/", "Bearer token", True),
        ("https://shop.example.invalid/", "Bearer token", True),
    ],
)
def test_only_what_is_signed_or_near_is_sent_without_tls(
    monkeypatch: pytest.MonkeyPatch, url: str, authorization: str, sent: bool
) -> None:
    """What would be sent fails here for want of a host."""
    monkeypatch.setenv("no_proxy", "*")
    with closing(Http("A vendor", "https://<shop>")) as http, pytest.raises(Unavailable if sent else Misconfigured):
        http.send("GET", url, headers={"Authorization": authorization})
