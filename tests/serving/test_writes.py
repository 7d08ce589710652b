"""Serving writes what decision 0017 names, and nothing else: a tour of every route, then a look at all that the region holds."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from bench.registry import Registry
from serving.app import create_app
from serving.auth.tokens import SCOPES
from tests.serving import conftest, signing
from tests.serving.conftest import NOW, PLENTY, SUBJECT
from tests.serving.test_events import event
from tests.serving.test_schema import OPERATIONS
from varai import registry
from varai.kernel import Scope
from varai.registry.accounts import issue_secret
from varai.settings import FolderSecrets, Settings
from varai.stores import documents, objects

WRITTEN = re.compile(r"eligibility/northwind-eu/[0-9a-f]{32}\.json|models/northwind-eu/recommender/served\.json")
HOOKS = ("/v1/hooks/{vendor}/{tenant}/{feed}", "/v1/hooks/{vendor}/compliance")
INSERTED = {"events", "inbox", "signing"}  # the region's signing keys are made with the first token


@pytest.fixture
def settings(tmp_path: Path, mongodb_uri: str, registered: Registry) -> Settings:
    """A region that has never served."""
    urls = {"VARAI_STORES__EU__REGISTRY_URL": registered.url}
    found = conftest.settings_of(tmp_path, mongodb_uri, **urls)
    registry.seed(found.scope("eu"), found.seeds)
    registry.ensure_indexes(found.scope("eu"))
    conftest._stock(found.scope("eu", "northwind-eu"))
    conftest._sell(found.scope("eu"))
    return found


def bucket(scope: Scope) -> dict[str, bytes]:
    return {key: objects(scope).read(key) for key in objects(scope).list("")}


def rows(scope: Scope) -> dict[tuple[str, str], object]:
    """Every document by collection and id."""
    database = documents(scope)
    return {
        (name, str(one["_id"])): one for name in database.list_collection_names() for one in database[name].find({})
    }


def test_a_tour_of_every_route_leaves_what_was_decided_and_nothing_else(
    settings: Settings, registered: Registry
) -> None:
    scope, kept = settings.scope("eu"), dict(registered.champions)
    conftest._train(settings.scope("eu", "northwind-eu"), registered)
    issued = issue_secret(settings.scope("eu", "northwind-eu"))
    before, known, asked = bucket(scope), rows(scope), registered.asked
    try:
        with TestClient(create_app(settings, "eu", allowances=PLENTY, clock=lambda: NOW)) as client:
            form = {"grant_type": "client_credentials", "scope": " ".join(SCOPES)}
            token = client.post("/v1/auth/token", data=form, auth=(issued.client_id, issued.client_secret)).json()
            headers = {"Authorization": f"Bearer {token['access_token']}", "Varai-Subject": SUBJECT}
            bodies = {"/v1/events": {"events": [event(subject=SUBJECT)]}, "/v1/recommendations": {"viewed": ["p1"]}}
            told = [
                client.request(
                    method, path.replace("{product}", "shop/p1"), headers=headers, json=bodies.get(path)
                ).status_code
                for method, path in OPERATIONS
                if path not in ("/v1/auth/token", *HOOKS)
            ]
            ring = FolderSecrets(settings.home / "secrets")
            ring.write("northwind-eu-shop", json.dumps({"client_id": "app", "client_secret": "s"}))
            sent = signing.shopify("customers/update", {"id": 7}, "s")
            told.append(client.post("/v1/hooks/shopify/northwind-eu/shop", **sent).status_code)
            client.app.state.context.champions.renew()  # type: ignore[attr-defined]  # a FastAPI
    finally:
        registered.champions.clear()
        registered.champions.update(kept)
    assert set(told) == {200}
    after, found = bucket(scope), rows(scope)
    assert {key: after.get(key) for key in before} == before, "Nothing that was there is changed or gone."
    fresh = sorted(after.keys() - before.keys())
    assert [key.split("/")[0] for key in fresh] == ["eligibility", "models"]
    assert [key for key in fresh if not WRITTEN.fullmatch(key)] == []
    assert [key for key in fresh if SUBJECT.encode() in after[key]] == []
    assert {one for one in known if found.get(one) != known[one]} == set()
    assert {name for name, _ in found.keys() - known.keys()} == INSERTED
    assert registered.asked > asked
    documents(scope).client.drop_database(scope.database)
