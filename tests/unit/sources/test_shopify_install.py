"""A merchant's answer is taken once, signed, of the right shop and to an address that was given out; then tokens rotate by themselves."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import pytest

from sandbox.vendors.shopify.store import ALL_SCOPES, write_meta
from tests.unit.sources.conftest import SECRET, MakeShop, Shop
from varai.kernel import Misconfigured, Unauthorised
from varai.sources.shopify import CONNECTOR

DOMAIN = "north.myshopify.com"
BACK = "https://app.example.com/connected?of=north"
STATE = "a-state"


@pytest.fixture
def shop(make_shop: MakeShop) -> Shop:
    made = make_shop(products=1, domain=DOMAIN)
    made.settings = {"shop_domain": DOMAIN, "redirect_uri": BACK.partition("?")[0]}
    return made


def answer_of(shop: Shop, state: str = STATE, without: tuple[str, ...] = ()) -> str:
    """Where the merchant is sent who has agreed."""
    address = CONNECTOR.authorise_at(shop.session(), state, without=without)
    sent = httpx.get(address, follow_redirects=False)
    assert sent.status_code == 302, sent.text
    return sent.headers["location"]


def once(state: str = STATE) -> Callable[[str], bool]:
    """Knows a state, one time."""
    left = [state]
    return lambda given: given in left and left.remove(given) is None


def signed(told: dict[str, str], secret: str = SECRET["client_secret"]) -> str:
    query = urlencode(sorted(told.items()))
    return f"{query}&hmac={hmac.digest(secret.encode(), query.encode(), 'sha256').hex()}"


def told_by(answer: str) -> dict[str, str]:
    return {name: text for name, text in parse_qsl(urlsplit(answer).query) if name != "hmac"}


def test_the_address_asks_for_what_the_streams_need_and_holds_no_secret(shop: Shop) -> None:
    address = CONNECTOR.authorise_at(shop.session(), STATE, without=["read_all_orders"])
    assert address.startswith(f"{shop.base_url}/admin/oauth/authorize?")
    asked = parse_qs(urlsplit(address).query)
    needed = {scope for spec in CONNECTOR.streams for scope in spec.needs_scopes} - {"read_all_orders"}
    assert set(asked.pop("scope")[0].split(",")) == needed
    assert asked == {"client_id": ["app"], "redirect_uri": [shop.settings["redirect_uri"]], "state": [STATE]}
    assert SECRET["client_secret"] not in address


@pytest.mark.parametrize("form", [str, lambda whole: urlsplit(whole).query, lambda whole: f"  {whole}#_\n"])
def test_an_answer_gives_tokens_that_are_read_with_and_rotate(shop: Shop, form: Callable[[str], str]) -> None:
    given = CONNECTOR.connect(shop.session(), form(answer_of(shop)), once())
    assert (set(given.granted), given.problems) == (set(ALL_SCOPES), ())
    held = dict(shop.tokens.held or {})
    assert set(held) == {"access_token", "expires_at", "refresh_token", "seed"}
    assert shop.land("products").records == 1
    assert shop.tokens.held == held, "what the merchant gave is read with as it is"
    shop.fault("expired_token")
    assert shop.land("products").records == 1
    assert shop.tokens.held is not None and shop.tokens.held["refresh_token"] != held["refresh_token"]
    kinds = [request["text"] for request in shop.requests() if request["route"] == "token"]
    assert kinds == ["None", "refresh_token"], "never asked for a token of the app's own again"


def test_a_scope_that_was_not_granted_is_told_with_its_cure(shop: Shop) -> None:
    write_meta(shop.path, {"scopes": json.dumps([one for one in ALL_SCOPES if one != "read_customers"])})
    given = CONNECTOR.connect(shop.session(), answer_of(shop), once())
    [problem] = given.problems
    assert "read_customers is missing (customers, orders): grant it" in problem
    assert shop.tokens.held is not None


def test_what_only_some_shops_have_may_be_left_out(shop: Shop) -> None:
    optional = tuple(one for one in ALL_SCOPES if one.startswith("read_shopify_payments"))
    given = CONNECTOR.connect(shop.session(), answer_of(shop, without=optional), once())
    assert set(given.granted) == set(ALL_SCOPES) - set(optional)
    assert given.problems == ()


def refused(shop: Shop) -> dict[str, str]:
    """Answers that are not to be taken."""
    whole = answer_of(shop)
    told = told_by(whole)
    return {
        "another secret": signed(told, "guess"),
        "an empty secret": signed(told, ""),
        "unsigned": urlencode(told),
        "changed": whole.replace(f"code={told['code']}", "code=guess"),
        "more than was signed": f"{whole}&shop2=x",
        "a name twice": f"shop=other.myshopify.com&{urlsplit(whole).query}",
        "a name twice, the last one wrong": f"{whole}&shop=other.myshopify.com",
        "another shop": signed({**told, "shop": "other.myshopify.com"}),
        "a shop that only ends so": signed({**told, "shop": f"evil.example/{DOMAIN}"}),
        "no shop": signed({name: text for name, text in told.items() if name != "shop"}),
        "another state": signed({**told, "state": "guess"}),
        "no state": signed({name: text for name, text in told.items() if name != "state"}),
        "nothing": "",
        "words": "no query at all",
        "too long": signed({**told, "x": "y" * 5000}),
    }


def test_whatever_is_wrong_with_an_answer_nothing_changes_and_no_code_is_spent(shop: Shop) -> None:
    known = once()
    for name, answer in refused(shop).items():
        with pytest.raises(Unauthorised) as caught:
            CONNECTOR.connect(shop.session(), answer, known)
        assert "code" not in str(caught.value) and "varai feeds connect" in caught.value.cure, name
    assert shop.tokens.held is None
    assert [one for one in shop.requests() if one["route"] == "token"] == []
    CONNECTOR.connect(shop.session(), answer_of(shop), known)  # nor was the state


def test_neither_a_code_nor_a_state_is_good_twice(shop: Shop) -> None:
    answer = answer_of(shop)
    known = once()
    CONNECTOR.connect(shop.session(), answer, known)
    held = shop.tokens.held
    with pytest.raises(Unauthorised, match="too old"):
        CONNECTOR.connect(shop.session(), answer, known)
    with pytest.raises(Unauthorised, match="no access token"):
        CONNECTOR.connect(shop.session(), answer, once())
    assert shop.tokens.held == held


def test_the_secret_before_a_rotation_signs_for_a_while(shop: Shop) -> None:
    answer = signed(told_by(answer_of(shop)), "before")
    with pytest.raises(Unauthorised):
        CONNECTOR.connect(shop.session(), answer, once())
    shop.secret["previous_client_secret"] = "before"
    CONNECTOR.connect(shop.session(), answer, once())


def test_an_authorisation_goes_before_a_token_in_the_secret_and_before_who_is_renewing(shop: Shop) -> None:
    shop.secret["refresh_token"] = "by hand, and dead"
    shop.tokens.swap({"claimed_until": "2999-01-01T00:00:00+00:00"}, 0)
    CONNECTOR.connect(shop.session(), answer_of(shop), once())
    shop.fault("expired_token")
    assert shop.land("products").records == 1


def test_tokens_that_do_not_expire_are_not_kept(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("varai.sources.shopify.install._EXPIRING", {})
    with pytest.raises(Exception, match="does not expire"):
        CONNECTOR.connect(shop.session(), answer_of(shop), once())
    assert shop.tokens.held is None


@pytest.mark.parametrize(
    ("settings", "secret", "said"),
    [
        ({"shop_domain": "north.example.com"}, {}, "shop_domain"),
        ({"shop_domain": ""}, {}, "shop_domain"),
        ({"redirect_uri": "http://app.example.com/"}, {}, "redirect_uri"),
        ({"redirect_uri": ""}, {}, "redirect_uri"),
        ({}, {"access_token": "shpat_of_old"}, "access_token"),
        ({}, {"client_id": None}, "client_id"),
    ],
)
def test_a_feed_that_lacks_what_it_takes_is_told_what(
    shop: Shop, settings: dict[str, Any], secret: dict[str, Any], said: str
) -> None:
    shop.secret = {name: text for name, text in {**shop.secret, **secret}.items() if text}
    with pytest.raises(Misconfigured, match=said):
        CONNECTOR.authorise_at(shop.session(**settings), STATE)


def test_the_host_of_a_feed_of_shopify_s_own_is_its_shop() -> None:
    from varai.kernel import Feed
    from varai.sources.shopify.domain import shop_domain

    feed = Feed(tenant="north", name="shop", connector="shopify", base_url="https://North.myshopify.com", secret="s")
    assert shop_domain(feed, feed.base_url) == DOMAIN
    assert shop_domain(feed, "https://north.myshopify.com.evil.example") is None
