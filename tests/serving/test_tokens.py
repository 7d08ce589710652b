"""Credentials become tokens by RFC 6749; keys rotate without refusing a good token; what was verified once still ends."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from joserfc import jwt
from joserfc.jwk import KeySet

from serving.app import create_app
from tests.serving.conftest import NOW, PLENTY, World, settings_of
from varai import registry
from varai.kernel import Scope
from varai.registry import signing
from varai.registry.accounts import Issued, issue_secret

URL = "/v1/auth/token"
GRANT = {"grant_type": "client_credentials"}


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Region:
    """An app with a clock of its own over an empty home."""

    client: TestClient
    scope: Scope
    clock: Clock
    issued: Issued = field(init=False)

    def __post_init__(self) -> None:
        self.issued = issue_secret(self.scope, now=self.clock.now)

    def token(self) -> str:
        answer = self.client.post(URL, data=GRANT, auth=(self.issued.client_id, self.issued.client_secret))
        assert answer.status_code == 200
        return str(answer.json()["access_token"])

    def status(self, token: str) -> int:
        return self.client.get("/v1/sync", headers={"Authorization": f"Bearer {token}"}).status_code


@pytest.fixture
def region(tmp_path: Path, mongodb_uri: str, mongodb: str) -> Region:
    settings = settings_of(tmp_path, mongodb_uri, VARAI_DATABASE=mongodb)
    registry.seed(settings.scope("eu"), settings.seeds)
    clock = Clock()
    app = create_app(settings, "eu", allowances=PLENTY, clock=clock)
    return Region(TestClient(app), settings.scope("eu", "northwind-eu"), clock)


@pytest.fixture(scope="module")
def issued(world: World) -> Issued:
    return issue_secret(world.scope("us", "lakeside-optics"))


def test_credentials_come_in_the_header_or_in_the_form(world: World, issued: Issued) -> None:
    pair = (issued.client_id, issued.client_secret)
    form = {"client_id": pair[0], "client_secret": pair[1]}
    for answer in (world.us.post(URL, data=GRANT, auth=pair), world.us.post(URL, data={**GRANT, **form})):
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        assert answer.json()["token_type"] == "Bearer"


def test_a_token_says_what_it_should(world: World, issued: Issued) -> None:
    answer = world.us.post(URL, data=GRANT, auth=(issued.client_id, issued.client_secret)).json()
    keys = KeySet.import_key_set(world.us.get("/.well-known/jwks.json").json())
    read = jwt.decode(answer["access_token"], keys, algorithms=["ES256"])
    claims = read.claims
    assert (claims["iss"], claims["aud"]) == ("urn:varai:us", "urn:varai:us:serving")
    assert (claims["sub"], claims["tenant"], claims["region"]) == ("lakeside-optics.api", "lakeside-optics", "us")
    assert claims["exp"] - claims["iat"] == answer["expires_in"] == 900
    assert claims["nbf"] == claims["iat"]
    assert claims["jti"]
    assert read.header["kid"] in {key["kid"] for key in world.us.get("/.well-known/jwks.json").json()["keys"]}


def test_an_unknown_client_and_a_wrong_secret_get_the_same_answer(world: World, issued: Issued) -> None:
    pairs = [
        (issued.client_id, "wrong"),
        ("nobody.api", "wrong"),
        ("nobody.api", issued.client_secret),
        ("\x00", "x" * 4000),
    ]
    answers = [world.us.post(URL, data=GRANT, auth=pair) for pair in pairs]
    bodies = {json.dumps({**answer.json(), "request_id": ""}, sort_keys=True) for answer in answers}
    assert {answer.status_code for answer in answers} == {401}
    assert len(bodies) == 1
    assert answers[0].json()["error"] == "invalid_client"
    assert answers[0].headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize(
    ("content", "status", "error"),
    [
        ("", 400, "invalid_request"),
        ("grant_type=password", 400, "unsupported_grant_type"),
        ("grant_type=client_credentials&grant_type=client_credentials", 400, "invalid_request"),
        ("grant_type=client_credentials&scope=everything", 400, "invalid_scope"),
        ("grant_type=client_credentials&scope=", 400, "invalid_scope"),
        ("grant_type=client_credentials&client_secret=x", 400, "invalid_request"),
        ("grant_type=client_credentials&x=%ff", 400, "invalid_request"),
        ("x=" + "y" * 10_000, 413, "invalid_request"),
    ],
)
def test_a_wrong_request_is_told_by_the_code_of_the_standard(
    world: World, issued: Issued, content: str, status: int, error: str
) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = world.us.post(URL, content=content, headers=headers, auth=(issued.client_id, issued.client_secret))
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.headers["content-type"] == "application/problem+json"


def test_json_is_no_form(world: World) -> None:
    assert world.us.post(URL, json=GRANT).status_code == 415


@pytest.mark.parametrize("header", ["Basic ???", "Basic " + base64.b64encode(b"nocolon").decode(), "Bearer x", "Basic"])
def test_a_broken_header_is_an_invalid_client(world: World, header: str) -> None:
    assert world.us.post(URL, data=GRANT, headers={"Authorization": header}).status_code == 401


def test_a_token_that_was_verified_once_still_ends(region: Region) -> None:
    token = region.token()
    assert region.status(token) == 200
    region.clock.now += signing.TOKEN_LIFE - timedelta(seconds=1)
    assert region.status(token) == 200
    region.clock.now += timedelta(seconds=1)
    assert region.status(token) == 401


def test_rotation_refuses_no_good_token_and_no_new_one(region: Region) -> None:
    """A second process that read the keys before the rotation takes tokens of the next key at once."""
    other = TestClient(create_app(settings_like(region), "eu", allowances=PLENTY, clock=region.clock))
    old = region.token()
    assert other.get("/v1/sync", headers={"Authorization": f"Bearer {old}"}).status_code == 200
    before = kids(region.client)
    signing.rotate(region.scope, now=region.clock.now)
    region.clock.now += signing.REREAD
    new = region.token()
    assert kid_of(new) != kid_of(old)
    assert kid_of(new) in before, "The key that signs now was published before."
    for client in (region.client, other):
        for token in (old, new):
            assert client.get("/v1/sync", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_a_key_ends_with_its_overlap_though_its_token_was_remembered(region: Region) -> None:
    begun, token = region.clock.now, region.token()
    ends = timedelta(seconds=75)
    signing.rotate(region.scope, now=begun - signing.TOKEN_LIFE, overlap=signing.TOKEN_LIFE + ends)
    region.clock.now = begun + ends - signing.REREAD / 2
    assert region.status(token) == 200, "The keys are read again here, and the token is remembered."
    region.clock.now = begun + ends
    assert region.status(token) == 401
    assert kid_of(token) not in kids(region.client)


def test_the_key_set_holds_no_private_part(world: World) -> None:
    keys: list[dict[str, Any]] = world.eu.get("/.well-known/jwks.json").json()["keys"]
    assert len(keys) == 2, "the current and the next"
    assert all(key.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"} for key in keys)
    assert not {key["kid"] for key in keys} & kids(world.us)


def settings_like(region: Region) -> Any:
    return region.client.app.state.context.settings  # type: ignore[attr-defined]  # a FastAPI


def kids(client: TestClient) -> set[str]:
    return {key["kid"] for key in client.get("/.well-known/jwks.json").json()["keys"]}


def kid_of(token: str) -> str:
    head = token.split(".", maxsplit=1)[0]
    return str(json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"])
