"""Webhooks at the door: signed ones are kept once and before the answer; all others are refused alike, and nothing tells of people."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from fastapi.testclient import TestClient

from serving.allowance import Allowances
from serving.app import create_app
from serving.routes.hooks import LARGEST
from tests.serving import signing
from tests.serving.conftest import NOW, settings_of
from varai import registry
from varai.kernel import FeedKey
from varai.registry import inbox
from varai.registry.feeds import find_feed
from varai.settings import FolderSecrets, Settings
from varai.stores import documents

SHOP, WOO = FeedKey("northwind-eu", "shop"), FeedKey("optik-nord", "shop")
SECRET, OLD = "s3cret-of-the-app", "s3cret-before-it"
PERSON = {"id": 7, "email": "anna.zq7@example.com", "first_name": "Anna-zq7", "phone": "+4930123456"}


@dataclass(frozen=True)
class Hook:
    """The hook surface of a region, with the secrets of its feeds."""

    settings: Settings
    http: TestClient

    @property
    def ring(self) -> FolderSecrets:
        return FolderSecrets(self.settings.home / "secrets")

    def send(self, sent: dict[str, Any], *, vendor: str = "shopify", at: str = str(SHOP)) -> httpx.Response:
        return self.http.post(f"/v1/hooks/{vendor}/{at}", **sent)

    def kept(self) -> list[dict[str, Any]]:
        return list(documents(self.settings.scope("eu"))[inbox.INBOX].find())


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, mongodb_uri: str) -> Iterator[Hook]:
    settings = settings_of(tmp_path_factory.mktemp("home"), mongodb_uri)
    scope = settings.scope("eu")
    registry.seed(scope, settings.seeds)
    registry.ensure_indexes(scope)
    app = create_app(settings, "eu", ["hook"], allowances=Allowances(unsigned=10**6), clock=lambda: NOW)
    with TestClient(app) as http:
        hook = Hook(settings, http)
        hook.ring.write("northwind-eu-shop", json.dumps({"client_id": "app", "client_secret": SECRET}))
        hook.ring.write("optik-nord-shop", json.dumps({"consumer_key": "ck", "consumer_secret": SECRET}))
        yield hook
    documents(scope).client.drop_database(scope.database)


@pytest.fixture
def hook(served: Hook) -> Hook:
    documents(served.settings.scope("eu"))[inbox.INBOX].delete_many({})
    return served


def test_a_signed_delivery_is_kept_once(hook: Hook) -> None:
    sent = signing.shopify("products/update", {"id": 1}, SECRET)
    assert [hook.send(sent).status_code for _ in range(3)] == [200, 200, 200]
    [event] = [inbox.event(hook.settings.scope("eu"), one["_id"]) for one in hook.kept()]
    assert (event.key, event.topic, event.streams) == (SHOP, "products/update", ("products", "inventory"))
    assert (event.state, event.received_at, event.try_at, event.attempts) == ("waiting", NOW, NOW, 0)
    told = hook.http.get("/metrics").text
    assert 'varai_hooks_total{fate="duplicate"} 2.0' in told


def test_the_same_event_of_another_feed_is_another(hook: Hook) -> None:
    hook.ring.write("brillen-haus-shop", json.dumps({"client_id": "app", "client_secret": SECRET}))
    sent = signing.shopify("products/update", {"id": 1}, SECRET)
    assert hook.send(sent).status_code == hook.send(sent, at="brillen-haus/shop").status_code == 200
    assert len(hook.kept()) == 2


def test_woocommerce_is_taken_with_its_own_headers_and_greeted(hook: Hook) -> None:
    sent = signing.woocommerce("order.updated", {"id": 1}, SECRET)
    assert hook.send(sent, vendor="woocommerce", at=str(WOO)).status_code == 200
    ping = {"content": b"webhook_id=3", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}
    for at in (str(WOO), "no-such/shop"):
        assert hook.send(ping, vendor="woocommerce", at=at).status_code == 200
    assert [one["streams"] for one in hook.kept()] == [["orders"]]


def refused(hook: Hook) -> dict[str, tuple[dict[str, Any], str, str]]:
    """Deliveries that must not be taken: what is sent, vendor, tenant and feed."""
    good = signing.shopify("products/update", {"id": 1}, SECRET)
    both = {"client_id": "app", "client_secret": SECRET, "consumer_secret": SECRET}
    hook.ring.write("brillen-haus-shop", json.dumps(both))
    unsigned = {"content": good["content"], "headers": {"X-Shopify-Topic": "products/update"}}
    return {
        "another secret": (signing.shopify("products/update", {"id": 1}, "other"), "shopify", str(SHOP)),
        "an empty secret": (signing.shopify("products/update", {"id": 1}, ""), "shopify", str(SHOP)),
        "no signature": (unsigned, "shopify", str(SHOP)),
        "another body": (good | {"content": b'{"id": 2}'}, "shopify", str(SHOP)),
        "unknown tenant": (good, "shopify", "no-such/shop"),
        "unknown feed": (good, "shopify", "northwind-eu/no-such"),
        "tenant of the other region": (good, "shopify", "northwind-us/shop"),
        "another vendor's feed": (good, "shopify", str(WOO)),
        "another vendor": (good, "woocommerce", str(SHOP)),
        "another vendor's scheme": (
            signing.woocommerce("order.updated", {}, SECRET),
            "woocommerce",
            "brillen-haus/shop",
        ),
        "no name": (good, "shopify", "$where/.."),
        "a feed without a secret": (good, "shopify", "lumiere-optique/shop"),
    }


def watched(seen: list[str], name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """`call`, which notes its name in `seen` each time."""

    def watch(*given: Any) -> Any:
        seen.append(name)
        return call(*given)

    return watch


def the_same_refusal(answers: Mapping[str, httpx.Response]) -> bool:
    """Whether all answers, by what is wrong, are 401 and read the same; there are some."""
    told = set()
    for name, answer in answers.items():
        assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json"), name
        told.add(json.dumps(answer.json() | {"request_id": ""}))
    return len(told) == 1


def test_what_is_not_signed_is_refused_and_every_refusal_reads_the_same(hook: Hook) -> None:
    answers = {
        name: hook.http.post(f"/v1/hooks/{vendor}/{at.replace('..', '%2e%2e')}", **sent)
        for name, (sent, vendor, at) in refused(hook).items()
    }
    assert the_same_refusal(answers)
    assert hook.kept() == []


def test_who_is_refused_cannot_tell_by_the_work_whether_there_is_such_a_feed(
    hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Known or not, remembered or not: one look at the registry, one for a secret, and signatures over the body as often."""
    seen: list[str] = []
    sent = signing.shopify("products/update", {"id": 1}, "other")
    hook.send(signing.shopify("products/update", {"id": 1}, SECRET))  # its secret is remembered now
    monkeypatch.setattr("serving.door.find_feed", watched(seen, "feed", find_feed))
    monkeypatch.setattr(FolderSecrets, "read", watched(seen, "secret", FolderSecrets.read))
    monkeypatch.setattr(hmac, "compare_digest", watched(seen, "compared", hmac.compare_digest))
    work = {}
    for at in (str(SHOP), "brillen-haus/shop", "no-such/shop"):
        seen.clear()
        assert hook.send(sent, at=at).status_code == 401
        work[at] = tuple(seen)
    assert set(work.values()) == {("compared", "compared", "feed", "secret", "compared", "compared")}


def test_a_rotated_secret_is_good_at_once_and_the_one_before_it_too(hook: Hook) -> None:
    before = signing.shopify("products/update", {"id": 1}, SECRET)
    assert hook.send(before).status_code == 200
    both = {"client_id": "app", "client_secret": "n3w", "previous_client_secret": SECRET}
    try:
        hook.ring.write("northwind-eu-shop", json.dumps(both))
        assert hook.send(signing.shopify("products/update", {"id": 2}, "n3w")).status_code == 200
        assert hook.send(signing.shopify("products/update", {"id": 3}, SECRET)).status_code == 200
        assert hook.send(signing.shopify("products/update", {"id": 4}, OLD)).status_code == 401
    finally:
        hook.ring.write("northwind-eu-shop", json.dumps({"client_id": "app", "client_secret": SECRET}))
    assert len(hook.kept()) == 3


def test_a_body_has_a_bound(hook: Hook) -> None:
    content = b'"' + b"x" * LARGEST + b'"'
    headers = {"X-Shopify-Topic": "products/update", "X-Shopify-Hmac-Sha256": signing.signature(content, SECRET)}
    assert hook.send({"content": content, "headers": headers}).status_code == 413
    fits = content[: LARGEST - 1] + b'"'
    headers["X-Shopify-Hmac-Sha256"] = signing.signature(fits, SECRET)
    assert hook.send({"content": fits, "headers": headers}).status_code == 200
    assert len(hook.kept()) == 1


def test_what_nobody_follows_is_answered_and_not_kept(hook: Hook) -> None:
    assert hook.send(signing.shopify("carts/update", {"id": 1}, SECRET)).status_code == 200
    assert hook.send(signing.shopify("\x7f$where", {"id": 1}, SECRET)).status_code == 200
    assert hook.kept() == []


def test_an_unknown_vendor_is_not_found(hook: Hook) -> None:
    assert hook.send(signing.shopify("products/update", {}, SECRET), vendor="magento").status_code == 404


def test_unsigned_deliveries_are_slowed_and_signed_ones_are_not(hook: Hook) -> None:
    app = create_app(hook.settings, "eu", ["hook"], allowances=Allowances(unsigned=2), clock=lambda: NOW)
    with TestClient(app) as http:
        bad, good = (signing.shopify("products/update", {}, secret) for secret in ("other", SECRET))
        said = [http.post(f"/v1/hooks/shopify/{SHOP}", **bad).status_code for _ in range(3)]
        assert said == [401, 401, 429]
        assert http.post(f"/v1/hooks/shopify/{SHOP}", **good).status_code == 200


def test_an_inbox_that_does_not_take_it_is_told_to_the_vendor(
    hook: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A vendor sends again what was not answered with 200; so nothing may be answered with it that is not kept."""
    monkeypatch.setattr("serving.door._ANSWERING_S", 4.5)
    down = hook.settings.stores["eu"].model_copy(
        update={"documents_uri": "mongodb://127.0.0.1:9/?directConnection=true"}
    )
    settings = hook.settings.model_copy(update={"stores": {**hook.settings.stores, "eu": down}})
    with TestClient(create_app(settings, "eu", ["hook"]), raise_server_exceptions=False) as http:
        answer = http.post(f"/v1/hooks/shopify/{SHOP}", **signing.shopify("products/update", {}, SECRET))
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")


def test_no_personal_datum_is_kept_in_clear_or_logged(hook: Hook, capsys: pytest.CaptureFixture[str]) -> None:
    person = {"shop_id": 1, "shop_domain": "a.example", "customer": PERSON, "orders_to_redact": [4711]}
    with structlog.testing.capture_logs() as logs:
        for sent in (
            signing.shopify("customers/update", PERSON, SECRET, event="anna.zq7@example.com"),
            signing.shopify("customers/redact", person, SECRET),
            signing.shopify("orders/create", {"id": 1, "customer": PERSON}, SECRET),
            signing.shopify("customers/update", PERSON, "other"),
            signing.shopify("anna.zq7@example.com", PERSON, SECRET),
        ):
            hook.send(sent)
    kept = hook.kept()
    assert len(kept) == 3
    everything = repr(kept) + repr(logs) + "".join(capsys.readouterr())
    for secret in ("zq7", "Anna", "4930123456", "a.example", SECRET):
        assert secret not in everything
    [sealed] = [one for one in kept if "sealed" in one]
    scope = hook.settings.scope("eu", SHOP.tenant)
    assert inbox.subject_of(scope, inbox.event(scope, sealed["_id"])) == "7"
