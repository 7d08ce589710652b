"""An app is installed with a code that is good once, signed as Shopify signs it, and taken off with all its tokens."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from sandbox.vendors.shopify.store import write_meta

ASK = "{ shop { name } }"
BACK = "https://app.example.com/connected"
ASKED = {"client_id": "app", "scope": "read_products,read_orders,write_themes", "redirect_uri": BACK, "state": "s-1"}


def authorise(shop: Any, **asked: str) -> Any:
    return shop.http.get(f"{shop.base}/admin/oauth/authorize", params=ASKED | asked, follow_redirects=False)


def told(sent: Any) -> dict[str, str]:
    assert sent.status_code == 302, sent.text
    return dict(parse_qsl(urlsplit(sent.headers["location"]).query))


def exchange(shop: Any, told: Mapping[str, str], **asked: str) -> Any:
    return shop.grant(code=told["code"], **asked)


def test_the_merchant_is_sent_back_with_a_signed_query(make_shop: Any) -> None:
    """The message is the query without `hmac`, its parts sorted and joined as they stand in it, as Shopify's page describes it."""
    shop = make_shop()
    sent = authorise(shop)
    answer = told(sent)
    assert sent.headers["location"].startswith(f"{BACK}?")
    assert set(answer) == {"code", "hmac", "host", "shop", "state", "timestamp"}
    assert (answer["state"], answer["shop"].endswith(".myshopify.com")) == ("s-1", True)
    parts = [part for part in urlsplit(sent.headers["location"]).query.split("&") if not part.startswith("hmac=")]
    message = "&".join(sorted(parts)).encode()
    assert hmac.new(b"secret", message, hashlib.sha256).hexdigest() == answer["hmac"]


@pytest.mark.parametrize(
    "asked", [{"client_id": "other"}, {"redirect_uri": "https://evil.example/"}, {"redirect_uri": ""}]
)
def test_an_unknown_app_or_address_is_shown_an_error(make_shop: Any, asked: dict[str, str]) -> None:
    shop = make_shop(redirect_uris=f'["{BACK}"]')
    assert authorise(shop, **asked).status_code == 400
    assert authorise(shop).status_code == 302


def test_a_code_gives_an_expiring_pair_once_for_the_scopes_agreed_to(make_shop: Any) -> None:
    shop = make_shop(products=1)
    answer = told(authorise(shop))
    assert exchange(shop, answer, client_secret="guess").status_code == 401
    pair = exchange(shop, answer, expiring="1").json()
    assert (pair["expires_in"], pair["scope"]) == (3599, "read_products,read_orders")
    again = exchange(shop, answer, expiring="1")
    assert (again.status_code, again.json()["error"]) == (400, "invalid_request")
    assert shop.grant(code="guess", expiring="1").status_code == 400
    shop.token = pair["access_token"]
    assert "errors" not in shop.ask("{ products(first: 1) { nodes { id } } }")
    assert shop.ask("{ customers(first: 1) { nodes { id } } }")["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
    assert shop.grant(grant_type="refresh_token", refresh_token=pair["refresh_token"]).status_code == 200


def test_without_asking_for_it_a_token_does_not_expire(make_shop: Any) -> None:
    shop = make_shop()
    answer = exchange(shop, told(authorise(shop))).json()
    assert set(answer) == {"access_token", "scope"}
    shop.token = answer["access_token"]
    assert shop.post(ASK).status_code == 200


def test_an_app_that_was_taken_off_has_no_token_until_it_is_installed_again(make_shop: Any) -> None:
    shop = make_shop(refresh_token="shprt_first")
    pair = exchange(shop, told(authorise(shop)), expiring="1").json()
    assert shop.post(ASK).status_code == 200
    assert shop.http.post(f"{shop.base}/_uninstall").status_code == 204
    assert shop.post(ASK).status_code == 401
    asked = {"client_credentials": "", "refresh_token": "shprt_first"}
    for kind, token in [*asked.items(), ("refresh_token", pair["refresh_token"])]:
        refused = shop.grant(grant_type=kind, refresh_token=token)
        assert (refused.status_code, refused.json()["error"]) == (400, "app_not_installed")
    shop.token = exchange(shop, told(authorise(shop)), expiring="1").json()["access_token"]
    assert shop.post(ASK).status_code == 200
    for token in ("shprt_first", pair["refresh_token"]):
        assert shop.grant(grant_type="refresh_token", refresh_token=token).status_code == 400


def test_a_code_does_not_last(make_shop: Any) -> None:
    shop = make_shop()
    answer = told(authorise(shop))
    write_meta(shop.path, {f"code:{answer['code']}": '{"expires_at": 1, "scopes": []}'})
    assert exchange(shop, answer, expiring="1").status_code == 400
