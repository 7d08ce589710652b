"""Tokens: who gets one, how long it lives, and that a refresh token works once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sandbox.vendors.shopify.store import ALL_SCOPES, write_meta

ASK = "{ shop { name } }"


def test_client_credentials_last_a_day_and_name_the_scopes(make_shop: Any) -> None:
    shop = make_shop()
    answer = shop.grant(grant_type="client_credentials").json()
    assert answer["expires_in"] == 86399
    assert set(answer["scope"].split(",")) == set(ALL_SCOPES)
    assert "refresh_token" not in answer


def test_a_wrong_secret_and_an_unknown_token_are_refused(make_shop: Any) -> None:
    shop = make_shop()
    refused = shop.grant(grant_type="client_credentials", client_secret="guess")
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    shop.token = "shpat_unknown"
    answer = shop.post(ASK)
    assert (answer.status_code, "Invalid API key or access token" in answer.json()["errors"]) == (401, True)


def test_an_expired_token_is_refused_and_a_new_one_works(make_shop: Any) -> None:
    shop = make_shop(token_life="0")
    assert shop.post(ASK).status_code == 401
    write_meta(shop.path, {"token_life": "3600"})
    shop.sign_in()
    assert shop.post(ASK).status_code == 200


def test_refresh_tokens_rotate_and_work_once(make_shop: Any) -> None:
    shop = make_shop(refresh_token="shprt_first")
    first = shop.grant(grant_type="refresh_token", refresh_token="shprt_first").json()
    assert first["expires_in"] == 3599
    shop.token = first["access_token"]
    assert shop.post(ASK).status_code == 200
    again = shop.grant(grant_type="refresh_token", refresh_token="shprt_first")
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    second = shop.grant(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert second.status_code == 200
    assert second.json()["refresh_token"] not in ("shprt_first", first["refresh_token"])


def test_of_two_that_refresh_at_once_one_wins(make_shop: Any) -> None:
    shop = make_shop(refresh_token="shprt_first")
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(shop.grant, grant_type="refresh_token", refresh_token="shprt_first") for _ in range(4)]
        statuses = sorted(answer.result().status_code for answer in asked)
    assert statuses == [200, 400, 400, 400]


def test_form_encoded_grants_are_taken(make_shop: Any) -> None:
    shop = make_shop()
    asked = {"client_id": "app", "client_secret": "secret", "grant_type": "client_credentials"}
    assert shop.http.post(f"{shop.base}/admin/oauth/access_token", data=asked).status_code == 200


def test_a_missing_scope_denies_the_field(make_shop: Any) -> None:
    shop = make_shop(products=1, orders=1, scopes=("read_products", "read_orders", "read_all_orders"))
    denied = shop.ask("{ customers(first: 1) { nodes { id } } }")
    assert denied["data"] is None
    assert denied["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
    assert "read_customers" in denied["errors"][0]["message"]
    partly = shop.ask("{ orders(first: 1) { nodes { id customer { id } } } }")
    assert partly["data"]["orders"]["nodes"] == [{"id": "gid://shopify/Order/1", "customer": None}]
    assert partly["errors"][0]["path"] == ["orders", "nodes", "customer"]


def test_tokens_survive_in_the_shop_and_scopes_can_be_taken_away(make_shop: Any) -> None:
    shop = make_shop(products=1)
    ask = "{ products(first: 1) { nodes { id } } }"
    assert "errors" not in shop.ask(ask)
    write_meta(shop.path, {"scopes": '["read_orders"]'})
    assert shop.ask(ask)["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
