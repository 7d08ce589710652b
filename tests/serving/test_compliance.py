"""Requests of the law that come to one address of an app: each is kept for the shop that is named in what is signed, and for no other."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from serving.allowance import Allowances
from serving.app import create_app
from tests.serving import signing
from tests.serving.conftest import NOW, settings_of
from tests.serving.test_hooks import Hook, the_same_refusal, watched
from varai import registry
from varai.kernel import FeedKey
from varai.registry import feed, feeds, inbox, put_feed
from varai.settings import FolderSecrets
from varai.stores import documents

URL = "/v1/hooks/shopify/compliance"
APP, OTHER_APP = "s3cret-of-the-app", "s3cret-of-another"
NORTH, HAUS, OUTLET = (
    FeedKey(*key) for key in (("northwind-eu", "shop"), ("brillen-haus", "shop"), ("brillen-haus", "outlet"))
)
DOMAINS = {NORTH: "north.myshopify.com", HAUS: "haus.myshopify.com", OUTLET: "haus.myshopify.com"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, mongodb_uri: str) -> Iterator[Hook]:
    """Two tenants of one app, of which one reads its shop twice."""
    settings = settings_of(tmp_path_factory.mktemp("home"), mongodb_uri)
    scope = settings.scope("eu")
    registry.seed(scope, settings.seeds)
    registry.ensure_indexes(scope)
    put_feed(scope, feed(scope, HAUS).model_copy(update={"name": OUTLET.feed}))
    for key, domain in DOMAINS.items():
        put_feed(scope, feed(scope, key).model_copy(update={"settings": {"shop_domain": domain}}))
    app = create_app(settings, "eu", ["hook"], allowances=Allowances(unsigned=10**6), clock=lambda: NOW)
    with TestClient(app) as http:
        hook = Hook(settings, http)
        for key in DOMAINS:
            hook.ring.write(f"{key.tenant}-shop", json.dumps({"client_id": "app", "client_secret": APP}))
        yield hook
    documents(scope).client.drop_database(scope.database)


@pytest.fixture
def hook(served: Hook) -> Hook:
    documents(served.settings.scope("eu"))[inbox.INBOX].delete_many({})
    return served


def request(domain: str | None, customer: int | None = 77001) -> dict[str, Any]:
    """A request about a person, or about a shop."""
    named = {} if domain is None else {"shop_domain": domain}
    about = (
        {}
        if customer is None
        else {"customer": {"id": customer, "email": "anna.zq7@example.com"}, "orders_to_redact": []}
    )
    return {"shop_id": 954889, **named, **about}


def redact(domain: str | None, secret: str = APP, **more: Any) -> dict[str, Any]:
    return signing.shopify("customers/redact", request(domain, **more), secret)


def send(hook: Hook, sent: dict[str, Any]) -> httpx.Response:
    return hook.http.post(URL, **sent)


def kept(hook: Hook) -> list[tuple[FeedKey, str | None]]:
    found = [inbox.event(hook.settings.scope("eu"), one["_id"]) for one in hook.kept()]
    return sorted((one.key, one.notice) for one in found)


def test_a_request_goes_to_every_feed_of_the_shop_it_names_and_to_no_other(hook: Hook) -> None:
    sent = redact("Haus.myshopify.com")
    assert [send(hook, sent).status_code for _ in range(2)] == [200, 200]
    assert kept(hook) == [(OUTLET, "redact_customer"), (HAUS, "redact_customer")]
    scope = hook.settings.scope("eu", HAUS.tenant)
    assert {inbox.subject_of(scope, inbox.event(scope, one["_id"])) for one in hook.kept()} == {"77001"}
    assert "zq7" not in repr(hook.kept())


def test_every_topic_of_the_law_is_kept_and_no_other(hook: Hook) -> None:
    asked = {**request(DOMAINS[NORTH]), "data_request": {"id": 1}}
    for sent in (
        redact(DOMAINS[NORTH]),
        signing.shopify("customers/data_request", asked, APP),
        signing.shopify("shop/redact", request(DOMAINS[NORTH], None), APP),
        signing.shopify("app/uninstalled", request(DOMAINS[NORTH], None), APP),
        signing.shopify("products/update", request(DOMAINS[NORTH]), APP),
    ):
        assert send(hook, sent).status_code == 200
    assert kept(hook) == [(NORTH, "data_request"), (NORTH, "redact_customer"), (NORTH, "redact_shop")]


def refused(hook: Hook) -> dict[str, dict[str, Any]]:
    good = redact(DOMAINS[NORTH])
    return {
        "another app's": redact(DOMAINS[NORTH], OTHER_APP),
        "an empty secret": redact(DOMAINS[NORTH], ""),
        "unsigned": {"content": good["content"], "headers": {"X-Shopify-Topic": "customers/redact"}},
        "another body": good | {"content": redact(DOMAINS[HAUS])["content"]},
        "a shop that is not read in this region": redact("nobody.myshopify.com"),
        "a host of the sandbox": redact("127.0.0.1"),
        "no shop": redact(None),
        "no JSON": {
            "content": b"{",
            "headers": good["headers"] | {"X-Shopify-Hmac-Sha256": signing.signature(b"{", APP)},
        },
    }


def test_whatever_is_wrong_is_refused_and_every_refusal_reads_the_same(hook: Hook) -> None:
    assert the_same_refusal({name: send(hook, sent) for name, sent in refused(hook).items()})
    assert hook.kept() == []


def test_the_secret_of_another_shop_s_app_is_no_good_for_this_one(hook: Hook) -> None:
    hook.ring.write("northwind-eu-shop", json.dumps({"client_id": "b", "client_secret": OTHER_APP}))
    try:
        assert send(hook, redact(DOMAINS[HAUS], OTHER_APP)).status_code == 401
        assert send(hook, redact(DOMAINS[NORTH], OTHER_APP)).status_code == 200
    finally:
        hook.ring.write("northwind-eu-shop", json.dumps({"client_id": "app", "client_secret": APP}))


def test_who_is_refused_cannot_tell_by_the_work_whether_a_shop_is_read_here(
    hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    monkeypatch.setattr("serving.door.feeds", watched(seen, "feeds", feeds))
    monkeypatch.setattr(FolderSecrets, "read", watched(seen, "secret", FolderSecrets.read))
    monkeypatch.setattr(hmac, "compare_digest", watched(seen, "compared", hmac.compare_digest))
    work = set()
    for domain in (DOMAINS[NORTH], "nobody.myshopify.com", None):
        seen.clear()
        assert send(hook, redact(domain, "guess")).status_code == 401
        work.add(tuple(seen))
    assert work == {("feeds", "secret", "compared", "compared")}


@pytest.mark.parametrize("vendor", ["woocommerce", "bigcommerce", "magento", "nobody"])
def test_a_vendor_that_has_no_such_address_is_not_found(hook: Hook, vendor: str) -> None:
    assert hook.http.post(f"/v1/hooks/{vendor}/compliance", **redact(DOMAINS[NORTH])).status_code == 404
