"""Each fault of the switch does what it says, as often as it was told, and only to what it matches."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.vendors.shopify.faults import KINDS

PAGES = """query($after: String) { products(first: 3, after: $after, sortKey: ID) {
  nodes { id } pageInfo { hasNextPage endCursor } } productsCount { count } }"""
COUNT = "{ productsCount(limit: null) { count } }"
TESTED = frozenset({"slow_bulk", "stuck_bulk", "failed_bulk"})  # in test_bulk.py


def ids(answer: dict[str, Any]) -> list[str]:
    return [node["id"].rsplit("/", 1)[1] for node in answer["data"]["products"]["nodes"]]


def test_429_with_and_without_a_time_to_wait(make_shop: Any) -> None:
    shop = make_shop()
    shop.fault("429", retry_after=2)
    shop.fault("429")
    first, second, third = (shop.post(COUNT) for _ in range(3))
    assert (first.status_code, first.headers["retry-after"]) == (429, "2")
    assert second.status_code == 429
    assert "retry-after" not in second.headers
    assert third.status_code == 200


def test_server_errors_on_any_route(make_shop: Any) -> None:
    shop = make_shop()
    shop.fault("5xx", status=502, times=2)
    assert shop.post(COUNT).status_code == 502
    assert shop.grant(grant_type="client_credentials").status_code == 502
    assert shop.post(COUNT).status_code == 200


def test_a_cut_body_breaks_the_connection(make_shop: Any) -> None:
    shop = make_shop(products=9)
    shop.fault("cut")
    with pytest.raises(httpx.RemoteProtocolError):
        shop.post(PAGES)
    assert shop.post(PAGES).status_code == 200


def test_truncated_json_arrives_whole_but_cannot_be_parsed(make_shop: Any) -> None:
    shop = make_shop(products=3)
    shop.fault("truncated_json")
    answer = shop.post(PAGES)
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|delimiter"):
        answer.json()


def test_another_content_type(make_shop: Any) -> None:
    shop = make_shop()
    shop.fault("wrong_content_type")
    answer = shop.post(COUNT)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")


def test_a_slow_body_drips(make_shop: Any) -> None:
    shop = make_shop(products=3)
    shop.fault("slow", seconds=0.3)
    started = time.monotonic()
    assert shop.post(PAGES).json()["data"]
    assert time.monotonic() - started >= 0.3


def test_an_expired_token_is_cured_by_a_new_one_and_a_revoked_one_is_not(make_shop: Any) -> None:
    shop = make_shop()
    shop.fault("expired_token")
    assert shop.post(COUNT).status_code == 401
    assert shop.post(COUNT).status_code == 401
    shop.sign_in()
    assert shop.post(COUNT).status_code == 200
    shop.fault("revoked_token", times=-1)
    assert shop.post(COUNT).status_code == 401
    refused = shop.grant(grant_type="client_credentials")
    assert (refused.status_code, refused.json()["error"]) == (400, "app_not_installed")
    shop.http.delete(f"{shop.base}/_faults")
    assert shop.post(COUNT).status_code == 200


def test_throttling_empties_the_bucket(make_shop: Any) -> None:
    shop = make_shop(restore_rate="50")
    shop.fault("throttled")
    answered = shop.ask(PAGES)
    assert answered["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert answered["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"] < 50


def test_a_wrong_count(make_shop: Any) -> None:
    shop = make_shop(products=3)
    shop.fault("wrong_count", delta=-1)
    assert shop.data(COUNT)["productsCount"]["count"] == 2
    assert shop.data(COUNT)["productsCount"]["count"] == 3


def test_a_page_sent_again_and_a_page_passed_over(make_shop: Any) -> None:
    shop = make_shop(products=9)
    shop.fault("duplicate_page")
    first = shop.ask(PAGES)
    cursor = first["data"]["products"]["pageInfo"]["endCursor"]
    assert ids(first) == ["1", "2", "3"]
    assert ids(shop.ask(PAGES, after=cursor)) == ["1", "2", "3"]
    assert ids(shop.ask(PAGES, after=cursor)) == ["4", "5", "6"]
    shop.fault("missing_page")
    skipped = shop.ask(PAGES, after=cursor)
    assert ids(skipped) == ["7", "8", "9"]
    assert skipped["data"]["products"]["pageInfo"]["hasNextPage"] is False
    assert skipped["data"]["productsCount"]["count"] == 9


def test_versions_fall_forward_and_may_be_wrong(make_shop: Any) -> None:
    shop = make_shop()
    assert shop.post(COUNT).headers["x-shopify-api-version"] == "2026-10"
    assert shop.post(COUNT, version="2026-07").headers["x-shopify-api-version"] == "2026-07"
    assert shop.post(COUNT, version="2023-10").headers["x-shopify-api-version"] == "2026-01"
    assert shop.post(COUNT, version="2031-01").status_code == 404
    shop.fault("wrong_version", version="2026-04")
    assert shop.post(COUNT).headers["x-shopify-api-version"] == "2026-04"


def test_a_skewed_clock(make_shop: Any) -> None:
    shop = make_shop()

    def skew() -> float:
        claimed = parsedate_to_datetime(shop.post(COUNT).headers["date"])
        return float(abs((claimed - datetime.now(UTC)).total_seconds()))

    shop.fault("clock_skew", seconds=-900)
    assert skew() > 890
    assert skew() < 5


def test_a_fault_strikes_only_what_it_matches(make_shop: Any) -> None:
    shop = make_shop(products=3)
    shop.fault("5xx", match="productsCount(limit", on="graphql")
    assert shop.post("{ shop { name } }").status_code == 200
    assert shop.grant(grant_type="client_credentials").status_code == 200
    assert shop.post(COUNT).status_code == 503
    assert shop.http.get(f"{shop.base}/_faults").json() == {"faults": []}


def test_an_unknown_fault_is_told_the_kinds(make_shop: Any) -> None:
    shop = make_shop()
    answer = shop.http.post(f"{shop.base}/_faults", json={"kind": "gremlin"})
    assert answer.status_code == 400
    assert all(kind in answer.json()["error"] for kind in KINDS)


def test_every_kind_is_tested_here_or_with_bulk_operations() -> None:
    text = Path(__file__).read_text("utf-8")
    assert {kind for kind in KINDS.keys() - TESTED if f'fault("{kind}"' not in text} == set()


def test_requests_are_remembered_without_tokens(make_shop: Any) -> None:
    shop = make_shop()
    shop.http.delete(f"{shop.base}/_requests")
    shop.data(COUNT)
    shop.grant(grant_type="client_credentials")
    log = shop.http.get(f"{shop.base}/_requests").json()["requests"]
    assert [(entry["route"], entry["status"]) for entry in log] == [("graphql", 200), ("token", 200)]
    assert log[0]["fields"] == ["productsCount"]
    assert shop.token not in str(log)


def test_an_unknown_shop_is_not_found(make_shop: Any) -> None:
    shop = make_shop()
    shop.base = shop.base + "x"
    assert shop.post(COUNT).status_code == 404
