"""`varai feeds connect`: an address out, the merchant's answer in; nothing changes without one, and no secret is shown."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from sandbox.vendors.shopify.store import ALL_SCOPES, ShopWriter, write_meta
from tests.conftest import simulated
from tests.unit.cli.conftest import Run
from varai.kernel import FeedKey
from varai.privacy import audit
from varai.registry import SealedTokens, connections, feed, put_feed
from varai.settings import FolderSecrets, Settings

KEY = FeedKey("northwind-eu", "shop")
CONNECT = ("feeds", "connect", "-r", "eu", "-t", KEY.tenant)
SECRET = "s3cret-of-the-app"
DOMAIN = "northwind-eu.myshopify.com"


@pytest.fixture
def shop(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The feed's shop behind the simulated vendor, whose app was never installed; gives its file."""
    folder = tmp_path / "shops"
    path = folder / f"{KEY.tenant}.sqlite"
    with ShopWriter(
        path,
        name=KEY.tenant,
        domain=DOMAIN,
        currency="EUR",
        timezone="Europe/Berlin",
        created_at="2026-01-01T00:00:00Z",
        client_id="app",
        client_secret=SECRET,
        facts={"installed": "no"},
    ):
        pass
    scope = settings.scope("eu", KEY.tenant)
    given = {"shop_domain": DOMAIN, "redirect_uri": "https://app.example.com/connected"}
    put_feed(scope, feed(scope, KEY).model_copy(update={"settings": given}))
    FolderSecrets(settings.home / "secrets").write(
        f"{KEY.tenant}-shop", json.dumps({"client_id": "app", "client_secret": SECRET})
    )
    with simulated("shopify", tmp_path, folder) as url:
        monkeypatch.setenv("VARAI_VENDORS__SHOPIFY_EU", url)
        yield path


def answer_to(address: str) -> str:
    return httpx.get(address.strip(), follow_redirects=False).headers["location"]


def test_a_merchant_is_asked_and_their_answer_taken(settings: Settings, shop: Path, varai: Run) -> None:
    scope = settings.scope("eu", KEY.tenant)
    assert varai("feeds", "check", "-r", "eu", "-t", KEY.tenant).exit_code == 1
    asked = varai(*CONNECT)
    assert asked.exit_code == 0 and "--answer" in asked.stderr
    assert "refresh_token" not in (SealedTokens(scope, KEY.feed).get()[0] or {})
    assert connections.connection(scope, KEY).connected_at is None
    answer = answer_to(asked.stdout)
    taken = varai(*CONNECT, "--answer", "-", input=f"{answer}\n")
    assert taken.exit_code == 0, taken.output
    assert f"connected, {len(ALL_SCOPES)} scopes granted" in taken.stdout
    held, _ = SealedTokens(scope, KEY.feed).get()
    assert held is not None
    for secret in (SECRET, held["access_token"], held["refresh_token"]):
        assert secret not in asked.output + taken.output
    assert varai("feeds", "check", "-r", "eu", "-t", KEY.tenant).exit_code == 0
    assert [one.action for one in audit.entries(scope)][-1] == "feed.connected"
    again = varai(*CONNECT, "--answer", answer)
    assert again.exit_code == 1 and "unauthorised" in again.output
    assert SealedTokens(scope, KEY.feed).get()[0] == held


def test_a_missing_scope_is_told_and_the_feed_is_connected(settings: Settings, shop: Path, varai: Run) -> None:
    write_meta(shop, {"scopes": json.dumps([one for one in ALL_SCOPES if one != "read_all_orders"])})
    taken = varai(*CONNECT, "--answer", answer_to(varai(*CONNECT).stdout))
    assert taken.exit_code == 1
    assert "read_all_orders is missing" in taken.stdout
    assert connections.connection(settings.scope("eu", KEY.tenant), KEY).connected_at is not None


def test_an_answer_to_no_address_of_ours_changes_nothing(settings: Settings, shop: Path, varai: Run) -> None:
    answer = answer_to(varai(*CONNECT).stdout)
    varai(*CONNECT)  # the address before it is no good any more
    refused = varai(*CONNECT, "--answer", answer)
    assert refused.exit_code == 1 and "too old" in refused.output
    assert connections.connection(settings.scope("eu", KEY.tenant), KEY).connected_at is None


def test_a_vendor_without_such_a_page_says_what_to_do_instead(settings: Settings, varai: Run) -> None:
    said = varai("feeds", "connect", "-r", "eu", "-t", "optik-nord")
    assert said.exit_code == 1 and "optik-nord-shop" in said.output
