"""Tokens: kept, renewed once, rotated with write-back, and never spent twice."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.vendors.shopify.store import write_meta
from tests.unit.sources.conftest import MakeShop, MemoryTokens, Shop
from varai.kernel import Conflict, Misconfigured, Unauthorised
from varai.sources.shopify.client import open_shop

ROTATING = {"client_id": "app", "client_secret": "hush", "refresh_token": "first"}


def grants(shop: Shop) -> int:
    """How often the token endpoint gave a token."""
    return sum(request["route"] == "token" and request["status"] == 200 for request in shop.requests())


def held(shop: Shop) -> dict[str, Any]:
    assert shop.tokens.held is not None
    return shop.tokens.held


def test_a_token_is_asked_for_once_and_kept_for_all_reads(make_shop: MakeShop) -> None:
    shop = make_shop(products=1)
    for _ in range(3):
        shop.land("products")
    assert grants(shop) == 1
    assert set(held(shop)) == {"access_token", "expires_at"}
    assert datetime.fromisoformat(held(shop)["expires_at"]) > datetime.now(UTC) + timedelta(hours=23)


def test_a_token_near_its_end_is_renewed_before_it_is_refused(make_shop: MakeShop) -> None:
    shop = make_shop(products=1)
    shop.land("shop")
    old = held(shop)["access_token"]
    soon = (datetime.now(UTC) + timedelta(seconds=30)).isoformat()
    shop.tokens.swap({**held(shop), "expires_at": soon}, shop.tokens.version)
    shop.land("shop")
    assert held(shop)["access_token"] != old
    assert all(request["status"] != 401 for request in shop.requests())


def test_a_refused_token_is_renewed_once_and_the_call_made_again(make_shop: MakeShop) -> None:
    shop = make_shop(products=1)
    shop.land("shop")
    shop.fault("expired_token")
    assert shop.land("shop").records == 1
    assert grants(shop) == 2
    shop.fault("revoked_token", times=-1, on="graphql")
    before = grants(shop)
    with pytest.raises(Unauthorised):
        shop.land("shop")
    assert grants(shop) == before + 1, "refused again with a fresh token: asking for a third cannot help"


def test_a_rotating_token_is_written_back_and_used_next_time(make_shop: MakeShop) -> None:
    shop = make_shop(refresh_token="first")
    shop.secret = dict(ROTATING)
    shop.land("shop")
    first = held(shop)["refresh_token"]
    assert first != "first"
    shop.fault("expired_token")
    shop.land("shop")
    assert held(shop)["refresh_token"] not in ("first", first)
    assert grants(shop) == 2


def test_two_who_renew_at_once_spend_one_refresh_token(make_shop: MakeShop) -> None:
    shop = make_shop(refresh_token="first")
    shop.secret = dict(ROTATING)
    found: list[str] = []
    start = threading.Barrier(4)

    def read() -> None:
        with open_shop(shop.session()) as client:
            start.wait()
            found.append(client._authorisation.token())

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert set(found) == {held(shop)["access_token"]}
    assert grants(shop) == 1


def test_who_loses_the_swap_takes_the_winners_token(make_shop: MakeShop) -> None:
    class Raced(MemoryTokens):
        """Somebody else's token arrives just before the first swap."""

        raced = False

        def swap(self, tokens: Mapping[str, Any], version: int) -> int:
            if not self.raced:
                self.raced = True
                until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
                super().swap({"access_token": "the winner's", "expires_at": until}, self.version)
                raise Conflict("Somebody wrote first.")
            return super().swap(tokens, version)

    shop = make_shop()
    shop.tokens = Raced()
    with open_shop(shop.session()) as client:
        assert client._authorisation.token() == "the winner's"
    assert grants(shop) == 0


def test_a_claim_of_one_who_died_runs_out(make_shop: MakeShop) -> None:
    shop = make_shop()
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    shop.tokens.swap({"claimed_until": past}, 0)
    assert shop.land("shop").records == 1


def test_a_failed_renewal_gives_its_claim_back_and_names_the_cure(make_shop: MakeShop) -> None:
    shop = make_shop()
    shop.secret = {**ROTATING, "refresh_token": "spent"}
    with pytest.raises(Unauthorised, match="Reauthorise the feed"):
        shop.land("shop")
    assert "claimed_until" not in held(shop)


def test_a_new_authorisation_goes_before_what_was_rotated_to(make_shop: MakeShop) -> None:
    shop = make_shop(refresh_token="first")
    shop.secret = dict(ROTATING)
    shop.land("shop")
    shop.tokens.swap(
        {**held(shop), "refresh_token": "dead", "expires_at": "2020-01-01T00:00:00+00:00"}, shop.tokens.version
    )
    with pytest.raises(Unauthorised):
        shop.land("shop")
    write_meta(shop.path, {"refresh:by hand": "fresh"})
    shop.secret["refresh_token"] = "by hand"
    assert shop.land("shop").records == 1


def test_a_token_that_cannot_be_renewed_is_used_as_it_is(make_shop: MakeShop) -> None:
    shop = make_shop()
    shop.land("shop")
    shop.secret = {"access_token": held(shop)["access_token"]}
    shop.tokens = MemoryTokens()
    assert shop.land("shop").records == 1
    assert shop.tokens.held is None
    shop.fault("expired_token")
    with pytest.raises(Unauthorised, match="not one that can be renewed"):
        shop.land("shop")


@pytest.mark.parametrize("text", ["{", "[]", '{"client_id": "app"}', '{"client_id": 1, "client_secret": 2}'])
def test_a_secret_of_the_wrong_form_is_misconfigured_without_being_shown(make_shop: MakeShop, text: str) -> None:
    shop = make_shop()
    session = shop.session()
    object.__setattr__(session, "secret", lambda: text)
    with pytest.raises(Misconfigured, match=r"`north-shop`") as caught, open_shop(session):
        pass
    assert text not in str(caught.value)
    assert json.dumps("client_secret")[1:-1] in caught.value.cure
