"""From published marts to an answer over HTTP, with the real registry between: what rollback changes, and how soon."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from serving.app import create_app
from tests.serving.shelves import stock
from tests.unit.learning.shops import product, publish_marts, sales
from varai import catalogue, registry
from varai.learning import steps
from varai.learning.answers import replay
from varai.learning.registered import registered_name
from varai.learning.tracking import Registry
from varai.registry.accounts import issue_secret
from varai.settings import Seed, Settings, load

MODEL = "recommender"
SOON_S = 60.0
SUBJECT = f"{8:032x}"


@pytest.fixture
def settings(home: Path, mongodb_uri: str, mongodb: str, registry_url: str) -> Settings:
    stores = {"DOCUMENTS_URI": mongodb_uri, "REGISTRY_URL": registry_url}
    found = {f"VARAI_STORES__EU__{name}": value for name, value in stores.items()}
    return load({"VARAI_HOME": str(home), "VARAI_DATABASE": mongodb, **found})


@pytest.fixture
def tenant(settings: Settings) -> str:
    """A tenant of this test alone, with 42 products on sale."""
    scope, name = settings.scope("eu"), f"probe-{uuid4().hex[:8]}"
    first = next(seed for seed in settings.seeds if seed.tenant.region == scope.region)
    feed = first.feeds[0].model_copy(update={"tenant": name, "name": "shop"})
    registry.seed(scope, [Seed(tenant=first.tenant.model_copy(update={"name": name}), feeds=(feed,))])
    registry.ensure_indexes(scope)
    catalogue.ensure_indexes(scope)
    stock(settings.scope("eu", name), "shop", {f"p{number}": 5 for number in range(42)})
    return name


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings, "eu")) as client:
        yield client


@pytest.fixture
def bearer(settings: Settings, tenant: str, client: TestClient) -> dict[str, str]:
    issued = issue_secret(settings.scope("eu", tenant))
    asked = {"grant_type": "client_credentials"}
    answer = client.post("/v1/auth/token", data=asked, auth=(issued.client_id, issued.client_secret))
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def publish(settings: Settings, tenant: str, seed: int) -> None:
    offered = [product(number, frame_shape=("round", "square")[number % 2]) for number in range(42)]
    publish_marts(settings.scope("eu"), sales(seed, taste=True), offered, tenant=tenant)


def test_a_rollback_brings_back_the_answers_of_the_version_before_within_a_minute(
    settings: Settings, tenant: str, client: TestClient, bearer: dict[str, str]
) -> None:
    def asked() -> dict[str, Any]:
        answer = client.get("/v1/recommendations", headers={**bearer, "Varai-Subject": SUBJECT}, params={"explore": 0})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def within_a_minute(version: str) -> dict[str, Any]:
        ends = time.monotonic() + SOON_S
        while (found := asked())["version"] != version:
            assert time.monotonic() < ends, found["version"]
            time.sleep(0.5)
        return found

    publish(settings, tenant, 1)
    assert steps.learn(settings, "eu", [tenant], MODEL)[tenant].kind == "served"
    first = within_a_minute("1")
    publish(settings, tenant, 2)
    assert steps.learn(settings, "eu", [tenant], MODEL)[tenant].kind == "served"
    second = within_a_minute("2")
    assert first["items"] != second["items"]
    scope = settings.scope("eu", tenant)
    Registry(scope).rollback(registered_name(scope, MODEL), "A probe.")
    again = within_a_minute("1")
    assert again["items"] == first["items"]
    for told in (first, second):  # of the version that answered then, whichever serves now
        replayed = replay(scope, told["answer_id"])
        assert [one.score for one in replayed.items] == [one["score"] for one in told["items"]]
        assert replayed.version == told["version"]
