"""No route that is not public answers without a token of this region, and none tells of another tenant."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jwt

from serving.app import _GUARDED, create_app
from tests.serving.conftest import NOW, PLENTY, World

PUBLIC = {
    "/openapi.json",
    "/docs",
    "/docs/{name}",
    "/health/live",
    "/health/ready",
    "/metrics",
    "/v1/auth/token",
    "/.well-known/jwks.json",
}
HOOK = {"/v1/hooks/{vendor}/{tenant}/{feed}", "/v1/hooks/{vendor}/compliance"}
"""Not guarded by a token, but by the vendor's signature."""
SHOP = {"/v1/products", "/v1/recommendations", "/v1/similar/{product:path}", "/v1/events", "/v1/models"}
GUARDED = SHOP | {"/v1/reports/sales", "/v1/sync"}
EVENT = {"id": "e", "kind": "view", "feed": "shop", "product": "p0", "at": NOW.isoformat(), "consent": False}
BODIES = {"/v1/events": {"events": [EVENT]}, "/v1/recommendations": {"viewed": ["p1"]}}
OTHERS = [
    "brillen-haus",
    "northwind-us",
    "stranger",
    "no-such-tenant",
    "",
    "Northwind-EU",
    "northwind-eu/",
    "\x00",
    "é",
    "*",
]


def routes(app: FastAPI) -> Iterator[tuple[str, str]]:
    for route in app.routes:
        for method in sorted(getattr(route, "methods", None) or {"GET"}):
            yield method, str(getattr(route, "path", "?"))


def guarded(client: TestClient) -> list[tuple[str, str]]:
    return [(method, path) for method, path in routes(client.app) if path not in PUBLIC | HOOK]  # type: ignore[arg-type]  # a FastAPI


def test_every_route_is_known_to_be_public_or_guarded(world: World) -> None:
    found = {path for _, path in routes(world.eu.app)}  # type: ignore[arg-type]  # a FastAPI
    assert found == PUBLIC | GUARDED | HOOK, "A new route is guarded, or is named here as public with a reason."


@pytest.mark.parametrize(
    ("surfaces", "paths"),
    [(["hook"], HOOK), (["shop"], SHOP), (["report"], {"/v1/reports/sales", "/v1/sync"})],
)
def test_a_surface_has_its_routes_and_no_others(world: World, surfaces: list[str], paths: set[str]) -> None:
    app = create_app(world.settings, "eu", surfaces)
    assert {path for _, path in routes(app)} == PUBLIC | paths


def test_a_route_that_forgets_to_ask_for_a_token_asks_for_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    careless = APIRouter()
    careless.add_api_route("/v1/careless", lambda: {"secret": True})
    monkeypatch.setitem(_GUARDED, "shop", (careless,))
    client = TestClient(create_app(world.settings, "eu", ["shop"]))
    assert client.get("/v1/careless").status_code == 401


def forged(world: World) -> dict[str, str]:
    """Headers that must not open anything, by what is wrong with them."""
    good = world.token("eu", "northwind-eu")
    head, body, _ = good.split(".")
    kid = json.loads(unpacked(head))["kid"]
    key = world.eu.app.state.context.tokens.ring().verifying(NOW)[kid]  # type: ignore[attr-defined]  # a FastAPI
    claims = json.loads(unpacked(body))
    none = f"{packed({'alg': 'none', 'typ': 'at+jwt', 'kid': kid})}.{body}."
    unsigned = f"{packed({'alg': 'HS256', 'typ': 'at+jwt', 'kid': kid})}.{body}"
    confused = f"{unsigned}.{mac(unsigned, key.as_pem(private=False))}"

    def signed(header: dict[str, str] | None = None, **changed: object) -> str:
        made = {name: value for name, value in {**claims, **changed}.items() if value is not None}
        return jwt.encode(
            {"alg": "ES256", "typ": "at+jwt", "kid": kid, **(header or {})}, made, key, algorithms=["ES256"]
        )

    past = int((NOW - timedelta(hours=1)).timestamp())
    tokens = {
        "another region's": world.token("us", "northwind-us"),
        "with another region's key id": signed({"kid": world_kid(world)}),
        "expired": signed(exp=int(NOW.timestamp())),
        "long expired": signed(exp=past),
        "not yet good": signed(nbf=int((NOW + timedelta(minutes=1)).timestamp())),
        "without an end": signed(exp=None),
        "without an id": signed(jti=None),
        "for another audience": signed(aud="urn:varai:us:serving"),
        "from another issuer": signed(iss="urn:varai:us"),
        "of another region by claim": signed(region="us"),
        "of another type": signed({"typ": "JWT"}),
        "of an unknown key": signed({"kid": "20200101-000000000000"}),
        "alg none": none,
        "HS256 with the public key": confused,
        "another body": f"{head}.{packed({**claims, 'tenant': 'brillen-haus'})}.{good.split('.')[2]}",
        "without a signature": f"{head}.{body}.",
        "not a token": "x",
        "too long": "x" * 10_000,
    }
    headers = {name: f"Bearer {token}" for name, token in tokens.items()}
    return headers | {
        "Basic": f"Basic {base64.b64encode(b'northwind-eu.api:x').decode()}",
        "empty": "Bearer ",
        "bare": good,
    }


def world_kid(world: World) -> str:
    return str(json.loads(unpacked(world.token("us", "northwind-us").split(".")[0]))["kid"])


def mac(text: str, key: bytes) -> str:
    return base64.urlsafe_b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode().rstrip("=")


def packed(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def unpacked(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_what_is_signed_well_is_let_in(world: World, bearer: dict[str, str]) -> None:
    """The forgeries below fail for what is wrong with each, and not because every token does."""
    for method, path in guarded(world.eu):
        assert send(world.eu, method, path, headers=bearer).status_code == 200


def test_no_guarded_route_takes_a_forged_token_or_tells_why_not(world: World) -> None:
    assert {path for _, path in guarded(world.eu)} == GUARDED
    for method, path in guarded(world.eu):
        told = set()
        for name, header in {**forged(world), "none at all": ""}.items():
            answer = send(world.eu, method, path, headers={"Authorization": header} if header else {})
            assert answer.status_code == 401, f"{method} {path} with a token {name}"
            assert answer.headers["www-authenticate"].startswith("Bearer ")
            assert answer.headers["content-type"] == "application/problem+json"
            told.add(json.dumps({**answer.json(), "request_id": ""}, sort_keys=True))
        assert len(told) == 1, f"{method} {path} tells refused tokens apart."


def test_a_token_is_asked_for_before_anything_else(world: World) -> None:
    assert world.eu.get("/v1/products", params={"limit": "many"}).status_code == 401
    assert world.eu.get("/v1/reports/sales", params={"grain": "year", "tenant": "brillen-haus"}).status_code == 401


def test_two_authorizations_are_none(world: World, bearer: dict[str, str]) -> None:
    twice = [("Authorization", bearer["Authorization"]), ("Authorization", bearer["Authorization"])]
    assert world.eu.get("/v1/sync", headers=twice).status_code == 401


@given(part=st.integers(0, 2), place=st.integers(0, 10_000), bit=st.integers(0, 7))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_token_with_one_bit_turned_is_refused(
    world: World, bearer: dict[str, str], part: int, place: int, bit: int
) -> None:
    parts = bearer["Authorization"].removeprefix("Bearer ").split(".")
    raw = bytearray(unpacked(parts[part]))
    raw[place % len(raw)] ^= 1 << bit
    parts[part] = base64.urlsafe_b64encode(bytes(raw)).decode().rstrip("=")
    assert world.eu.get("/v1/sync", headers={"Authorization": f"Bearer {'.'.join(parts)}"}).status_code == 401


def with_tenant(client: TestClient) -> list[tuple[str, str]]:
    """Guarded operations; each takes `tenant`, as the document says."""
    paths = client.app.openapi()["paths"]  # type: ignore[attr-defined]  # a FastAPI
    found = []
    for method, path in guarded(client):
        parameters = paths[path.replace(":path", "")][method.lower()]["parameters"]
        assert "tenant" in {one["name"] for one in parameters}, f"{path} does not say whose data it shows."
        found.append((method, path))
    return found


def send(client: TestClient, method: str, path: str, **more: Any) -> httpx.Response:
    """A request that the route answers when the token may."""
    body = {"json": BODIES[path]} if method == "POST" else {}
    return client.request(method, path.replace("{product:path}", "shop/p0"), **body, **more)


def test_another_tenant_s_name_gets_the_same_403_whether_it_exists(world: World, bearer: dict[str, str]) -> None:
    for method, path in with_tenant(world.eu):
        told = set()
        for name in OTHERS:
            answer = send(world.eu, method, path, params={"tenant": name}, headers=bearer)
            assert answer.status_code == 403, f"{method} {path} for {name!r}"
            told.add(json.dumps({**answer.json(), "request_id": ""}, sort_keys=True))
        assert len(told) == 1
        assert send(world.eu, method, path, params={"tenant": "northwind-eu"}, headers=bearer).status_code == 200


@given(name=st.text(max_size=40).filter(lambda name: name != "northwind-eu"))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_other_name_opens_anything(world: World, bearer: dict[str, str], name: str) -> None:
    for method, path in with_tenant(world.eu):
        assert send(world.eu, method, path, params={"tenant": name}, headers=bearer).status_code == 403


def test_a_scope_opens_its_own_routes_alone(world: World) -> None:
    headers = {"Authorization": f"Bearer {world.token('eu', 'northwind-eu', scope='sync:read')}"}
    statuses = {path: send(world.eu, method, path, headers=headers).status_code for method, path in guarded(world.eu)}
    assert statuses == dict.fromkeys(GUARDED, 403) | {"/v1/sync": 200}


def test_a_noisy_tenant_uses_up_its_own_allowance_alone(
    world: World, bearer: dict[str, str], neighbour: dict[str, str]
) -> None:
    from serving.allowance import Allowances

    few = Allowances(reads=3, tokens=PLENTY.tokens, addresses=PLENTY.addresses)
    with TestClient(create_app(world.settings, "eu", allowances=few, clock=lambda: NOW)) as client:
        assert [client.get("/v1/sync", headers=bearer).status_code for _ in range(4)] == [200, 200, 200, 429]
        assert int(client.get("/v1/sync", headers=bearer).headers["retry-after"]) > 0
        assert client.get("/v1/sync", headers=neighbour).status_code == 200


def test_a_parameter_that_a_route_does_not_describe_is_refused_and_named(world: World, bearer: dict[str, str]) -> None:
    """A misspelt one would silently be the default."""
    for method, path in guarded(world.eu):
        answer = world.eu.request(method, path, params={"garin": "month", "x" * 5000: "1"}, headers=bearer)
        assert answer.status_code == 422, path
        errors = answer.json()["errors"]
        assert errors[0]["where"] == "query.garin"
        assert "known: " in errors[0]["what"]
        assert len(errors) == 2 and len(errors[1]["where"]) < 100
        many = {f"p{number}": "1" for number in range(50)}
        assert len(world.eu.request(method, path, params=many, headers=bearer).json()["errors"]) == 10
        assert world.eu.request(method, path, params={"garin": "month"}).status_code == 401
