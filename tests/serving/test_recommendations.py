"""What shoppers are shown: from the tenant's own champion, only what is on sale, with reasons; and it can be given again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.app import create_app
from serving.routes.recommendations import MOST_VIEWED, Wanted
from tests.serving.conftest import NOW, PLENTY, SUBJECT, World
from tests.serving.shelves import bundle, stock
from varai.learning.answers import replay
from varai.learning.champions import Champions
from varai.learning.eligibility import FILTERS
from varai.privacy import Ledger

URL = "/v1/recommendations"
SIMILAR = "/v1/similar"


def shown(world: World, headers: dict[str, str], url: str = URL, **asked: Any) -> list[str]:
    answer = world.eu.get(url, headers=headers, params={"explore": 0, **asked} if url == URL else asked)
    assert answer.status_code == 200, answer.text
    return [f"{one['feed']}/{one['product']}" for one in answer.json()["items"]]


def test_a_customer_is_shown_what_is_on_sale_and_new_to_them(world: World, bearer: dict[str, str]) -> None:
    """p0 is bought, p4 a draft, p5 and p6 are no longer in the catalogue."""
    named = {**bearer, "Varai-Subject": SUBJECT}
    assert shown(world, named) == ["shop/p1", "shop/p2", "shop/p3"]
    assert shown(world, bearer) == ["shop/p0", "shop/p1", "shop/p2", "shop/p3"]
    assert set(shown(world, named, again=True)) == {"shop/p0", "shop/p1", "shop/p2", "shop/p3"}
    assert shown(world, {**bearer, "Varai-Subject": "f" * 32}) == shown(world, bearer)


def test_an_answer_says_what_it_was_made_from_and_can_be_given_again(world: World, bearer: dict[str, str]) -> None:
    body = world.eu.get(URL, headers={**bearer, "Varai-Subject": SUBJECT}, params={"explore": 0.5}).json()
    known = {name: body[name] for name in ("tenant", "model", "version", "floor", "snapshot", "as_of", "stale")}
    assert known == {
        "tenant": "northwind-eu",
        "model": "recommender",
        "version": "1",
        "floor": False,
        "snapshot": "snapshot-1",
        "as_of": NOW.isoformat(),
        "stale": False,
    }
    again = replay(world.scope("eu", "northwind-eu"), body["answer_id"])
    told = [(f"{one['feed']}/{one['product']}", one["score"], one["reason"], one["explored"]) for one in body["items"]]
    assert told == [tuple(one) for one in again.items]


def test_visits_and_pages_count(world: World, bearer: dict[str, str]) -> None:
    answer = world.eu.get(URL, headers=bearer, params={"viewed": ["shop/p1", "p1"], "explore": 0}).json()
    assert (answer["items"][0]["product"], answer["items"][0]["reason"]) == ("p2", "similar_to_viewed")
    assert "p1" not in [one["product"] for one in answer["items"]]
    page = world.eu.get(URL, headers=bearer, params={"product": "shop/p2", "explore": 0}).json()
    assert (page["items"][0]["product"], page["items"][0]["reason"]) == ("p3", "bought_together")
    like = world.eu.get(f"{SIMILAR}/shop/p2", headers=bearer).json()
    assert {one["reason"] for one in like["items"]} == {"similar_attributes"}
    assert world.eu.get(f"{SIMILAR}/p2", headers=bearer).json()["items"] == like["items"]


def test_a_product_the_model_does_not_know_is_said_and_changes_nothing(world: World, bearer: dict[str, str]) -> None:
    assert world.eu.get(f"{SIMILAR}/shop/unknown", headers=bearer).status_code == 404
    assert shown(world, bearer, product="shop/unknown") == shown(world, bearer)
    assert shown(world, bearer, viewed=["shop/unknown", "", "\x00", "é"][:1]) == shown(world, bearer)


def test_filters_are_all_offered_and_narrow_what_is_shown(world: World, bearer: dict[str, str]) -> None:
    assert set(FILTERS) <= set(Wanted.__struct_fields__)
    assert shown(world, bearer, shape="round") == ["shop/p0", "shop/p2"]
    assert shown(world, bearer, shape=["round", "square"]) == shown(world, bearer)
    assert shown(world, bearer, shape="round", colour="red") == ["shop/p2"]
    assert shown(world, bearer, price_to="129.89") == []
    assert shown(world, bearer, price_from="129.90") == shown(world, bearer)
    assert shown(world, bearer, f"{SIMILAR}/shop/p0", shape="round") == ["shop/p2"]
    assert shown(world, bearer, feed="elsewhere") == []
    assert shown(world, bearer, limit=1) == ["shop/p0"]


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        ({"limit": "0"}, "query.limit"),
        ({"limit": "101"}, "query.limit"),
        ({"limit": "many"}, "query.limit"),
        ({"explore": "nan"}, "query.explore"),
        ({"explore": "1.01"}, "query.explore"),
        ({"price_to": "cheap"}, "query.price_to"),
        ({"price_to": "1e9"}, "query.price_to"),
        ({"again": "perhaps"}, "query.again"),
        ({"product": "x" * 201}, "query.product"),
        ({"viewed": ["x" * 201]}, "query.viewed"),
        ({"viewed": [""]}, "query.viewed"),
        ({"shape": ["x"] * 51}, "query.shape"),
    ],
)
def test_a_wrong_parameter_is_named_and_not_quoted(
    world: World, bearer: dict[str, str], asked: dict[str, Any], where: str
) -> None:
    answer = world.eu.get(URL, headers=bearer, params=asked)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert [one["where"] for one in answer.json()["errors"]] == [where]


@pytest.mark.parametrize("subject", ["anna@example.com", "F" * 32, "0" * 31, "0" * 33, "é" * 32])
def test_a_customer_is_named_by_pseudonym_alone_and_never_repeated(
    world: World, bearer: dict[str, str], subject: str
) -> None:
    answer = world.eu.get(URL, headers={**bearer, "Varai-Subject": subject.encode()})  # type: ignore[dict-item]  # raw bytes
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"] == "header.Varai-Subject"
    assert subject not in answer.text


def test_ten_thousand_viewed_are_taken_and_more_refused(world: World, bearer: dict[str, str]) -> None:
    many = [f"shop/p{number % 3}" for number in range(MOST_VIEWED)]
    answer = world.eu.post(URL, headers=bearer, params={"explore": 0}, json={"viewed": many})
    assert (answer.status_code, [one["product"] for one in answer.json()["items"]]) == (200, ["p3"])
    answer = world.eu.post(URL, headers=bearer, json={"viewed": [*many, "p1"]})
    assert (answer.status_code, answer.json()["type"]) == (422, "/docs#problem-invalid")
    answer = world.eu.post(URL, headers=bearer, json={"viewed": ["x" * 200] * MOST_VIEWED})
    assert (answer.status_code, answer.json()["type"]) == (413, "/docs#problem-too-large")
    assert "524,288 bytes" in answer.json()["detail"]


def test_what_was_viewed_counts_the_same_in_address_and_body(world: World, bearer: dict[str, str]) -> None:
    told = {"params": {"explore": 0, "limit": 3}, "headers": {**bearer, "Varai-Subject": SUBJECT}}
    by_body = world.eu.post(URL, **told, json={"viewed": ["shop/p1", "p2"]}).json()["items"]
    told["params"]["viewed"] = ["shop/p1", "p2"]
    assert by_body == world.eu.get(URL, **told).json()["items"]


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"null", b"[]", b"{}", b"\xff", b"[" * 200_000, b'{"viewed":' + b"[" * 200_000),
        *(b'{"viewed": null}', b'{"viewed": [1]}', b'{"viewed": [""]}', b'{"viewed": {"p1": 1}}'),
        b'{"viewed": ["p1"], "limit": 3}',
    ],
)
def test_hostile_bodies_are_refused(world: World, bearer: dict[str, str], body: bytes) -> None:
    answer = world.eu.post(URL, headers={**bearer, "Content-Type": "application/json"}, content=body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


def test_a_tenant_without_a_model_is_told_so(world: World, neighbour: dict[str, str]) -> None:
    for url in (URL, f"{SIMILAR}/shop/p1"):
        answer = world.eu.get(url, headers=neighbour)
        assert (answer.status_code, answer.json()["type"]) == (404, "/docs#problem-not-trained")
    assert world.eu.get("/v1/models", headers=neighbour).json() == {"tenant": "brillen-haus", "models": []}


def test_the_model_stands_beside_its_floor(world: World, bearer: dict[str, str]) -> None:
    body = world.eu.get("/v1/models", headers=bearer).json()
    (found,) = body["models"]
    assert (found["metric"], found["metric_of_floor"], found["candidate"]) == ("0.1200", "0.0800", "item_knn")
    assert (found["items"], found["version"], found["stale"]) == (7, "1", False)


def test_a_region_without_a_registry_says_what_to_do(world: World, bearer: dict[str, str]) -> None:
    stores = {name: one.model_copy(update={"registry_url": None}) for name, one in world.settings.stores.items()}
    bare = world.settings.model_copy(update={"stores": stores, "home": world.settings.home / "elsewhere"})
    secrets = {"secrets": str(world.settings.home / "secrets")}
    bare = bare.model_copy(update={"stores": {name: one.model_copy(update=secrets) for name, one in stores.items()}})
    with TestClient(create_app(bare, "eu", allowances=PLENTY, clock=lambda: NOW)) as client:
        answer = client.get(URL, headers=bearer)
        assert (answer.status_code, answer.json()["type"]) == (503, "/docs#problem-no-registry")
        assert "VARAI_STORES__EU__REGISTRY_URL" in answer.json()["detail"]
        assert client.get("/v1/models", headers=bearer).status_code == 503
        assert client.get("/v1/products", headers=bearer).status_code == 200, "The rest goes on."


def test_who_asked_to_be_forgotten_is_a_visitor(world: World, bearer: dict[str, str]) -> None:
    forgotten = f"{8:032x}"
    scope = world.scope("eu", "northwind-eu")
    Ledger(scope).add(forgotten, "asked to")
    world.eu.app.state.context.champions.renew()  # type: ignore[attr-defined]  # a FastAPI
    body = world.eu.get(URL, headers={**bearer, "Varai-Subject": forgotten}).json()
    assert replay(scope, body["answer_id"]).asked.subject is None


IDS = ["p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9"]
PART = st.sampled_from([*(f"{feed}/{name}" for feed in ("shop", "outlet") for name in IDS), *IDS, "x"])
VISIT = st.fixed_dictionaries(
    {},
    optional={
        "viewed": st.lists(PART, max_size=4),
        "product": PART,
        "limit": st.integers(1, 30),
        "explore": st.sampled_from([0, 0.3, 1]),
        "again": st.booleans(),
        "shape": st.sampled_from(["round", "square"]),
        "feed": st.sampled_from(["shop", "outlet"]),
    },
)


@pytest.fixture(scope="module")
def two(world: World) -> dict[str, set[str]]:
    """Two more tenants of the US region with half of their ids in common, and what each sells."""
    own: dict[str, set[str]] = {}
    for tenant, names, number in (("northwind-us", IDS[:7], 11), ("lakeside-optics", IDS[3:], 22)):
        scope = world.scope("us", tenant)
        items = sorted(f"{feed}/{name}" for feed in ("shop", "outlet") for name in names)
        made = bundle(scope, items, {f"{row:032x}": [row, 5] for row in range(4)}, created_at=(NOW,) * len(items))
        world.registry.promote(scope, replace(made, snapshot_id=f"of-{tenant}"), number)
        for feed in ("shop", "outlet"):
            stock(scope, feed, {name: int(place != 4) for place, name in enumerate(names)})
        own[tenant] = {item for item in items if not item.endswith(names[4])}
    return own


@given(asked=VISIT, subject=st.sampled_from([None, *(f"{row:032x}" for row in range(5))]), like=st.none() | PART)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_of_another_tenant_is_ever_served(
    world: World, two: dict[str, set[str]], asked: dict[str, Any], subject: str | None, like: str | None
) -> None:
    url = URL if like is None else f"{SIMILAR}/{like}"
    asked = asked if like is None else {name: asked[name] for name in asked.keys() & {*Wanted.__struct_fields__}}
    named = {"Varai-Subject": subject} if subject else {}
    for tenant, version in (("northwind-us", "11"), ("lakeside-optics", "22")):
        answer = world.us.get(url, headers={**_bearer(world, tenant), **named}, params=asked)
        assert answer.status_code in ((200,) if like is None else (200, 404)), answer.text
        if answer.status_code == 404:
            continue
        body = answer.json()
        assert (body["tenant"], body["version"], body["snapshot"]) == (tenant, version, f"of-{tenant}")
        assert {f"{one['feed']}/{one['product']}" for one in body["items"]} <= two[tenant]
        # As many again: of what filters leave there may be none.
        assert len(replay(world.scope("us", tenant), body["answer_id"]).items) == len(body["items"])


_TOKENS: dict[str, dict[str, str]] = {}


def _bearer(world: World, tenant: str) -> dict[str, str]:
    if tenant not in _TOKENS:
        _TOKENS[tenant] = {"Authorization": f"Bearer {world.token('us', tenant)}"}
    return _TOKENS[tenant]


def test_a_champion_that_changes_under_load_drops_no_request(world: World, bearer: dict[str, str]) -> None:
    from concurrent.futures import ThreadPoolExecutor

    scope = world.scope("eu", "northwind-eu")
    with TestClient(create_app(world.settings, "eu", allowances=PLENTY, clock=lambda: NOW)) as client:
        context = client.app.state.context  # type: ignore[attr-defined]  # a FastAPI
        context.__dict__["champions"] = Champions(context.tenant_scope, every_s=0.05)
        kept = dict(world.registry.champions)
        made = bundle(scope, [f"shop/p{number}" for number in range(7)], {SUBJECT: [0, 5]})
        try:
            with ThreadPoolExecutor(4) as pool:
                waiting = []
                for number in range(2, 6):
                    world.registry.promote(scope, replace(made, snapshot_id=f"snapshot-{number}"), number)
                    waiting += [pool.submit(client.get, URL, headers=bearer) for _ in range(15)]
                    context.champions.renew()
                    waiting += [pool.submit(client.get, URL, headers=bearer) for _ in range(15)]
                    waiting[-1].result()  # each champion answers before the next one comes
                answers = [one.result() for one in waiting]
        finally:
            world.registry.champions.clear()
            world.registry.champions.update(kept)
    assert {one.status_code for one in answers} == {200}
    pairs = {(one.json()["version"], one.json()["snapshot"]) for one in answers}
    assert pairs == {(str(number), f"snapshot-{number}") for number in range(2, 6)}


def test_filters_of_the_struct_are_described(world: World) -> None:
    operation = world.eu.app.openapi()["paths"][URL]["get"]  # type: ignore[attr-defined]  # a FastAPI
    named = {(one["in"], one["name"]) for one in operation["parameters"]}
    assert {("header", "Varai-Subject"), ("query", "viewed"), ("query", "tenant")} <= named
