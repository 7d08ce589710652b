"""Events of visitors: kept with their consent alone, once, and refused when they say who somebody is."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from serving.bodies import LARGEST
from tests.serving.conftest import NOW, SUBJECT, World
from varai.registry.accounts import issue_secret
from varai.stores import documents

URL = "/v1/events"


def event(**given: Any) -> dict[str, Any]:
    made = {"id": uuid4().hex, "kind": "view", "feed": "shop", "product": "p1", "at": NOW.isoformat(), "consent": True}
    return made | given


def tell(world: World, headers: dict[str, str], *events: dict[str, Any]) -> dict[str, Any]:
    answer = world.eu.post(URL, headers=headers, json={"events": list(events)})
    assert answer.status_code == 200, answer.text
    return {name: count for name, count in answer.json().items() if name != "tenant"}


def kept(world: World, name: str, tenant: str = "northwind-eu") -> dict[str, Any] | None:
    return documents(world.scope("eu"))["events"].find_one({"_id": f"{tenant}/shop/{name}"})


def test_with_consent_it_is_kept_once(world: World, bearer: dict[str, str]) -> None:
    one, other = event(subject=SUBJECT), event(kind="add_to_cart")
    assert tell(world, bearer, one, other, one) == {"landed": 2, "duplicate": 1, "without_consent": 0, "withheld": 0}
    assert tell(world, bearer, one) == {"landed": 0, "duplicate": 1, "without_consent": 0, "withheld": 0}
    found = kept(world, one["id"])
    assert found is not None
    assert (found["subject"], found["kind"], found["at"], found["received_at"]) == (SUBJECT, "view", NOW, NOW)


def test_without_consent_it_is_counted_and_dropped(world: World, bearer: dict[str, str]) -> None:
    before = counted(world)
    refused = event(consent=False, subject=SUBJECT)
    assert tell(world, bearer, refused, event())["without_consent"] == 1
    assert kept(world, refused["id"]) is None
    assert counted(world) == before + 1


def counted(world: World) -> float:
    found = re.search(r'varai_events_total\{fate="without_consent"\} (\S+)', world.eu.get("/metrics").text)
    return float(found[1]) if found else 0.0


def test_a_neighbour_s_id_is_another(world: World, bearer: dict[str, str], neighbour: dict[str, str]) -> None:
    one = event()
    assert tell(world, bearer, one)["landed"] == tell(world, neighbour, one)["landed"] == 1


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"consent": None}, "body.events.0.consent"),
        ({"consent": "perhaps"}, "body.events.0.consent"),
        ({"email": "anna@example.com"}, "body.events.0.email"),
        ({"subject": "anna@example.com"}, "body.events.0.subject"),
        ({"product": "anna@example.com"}, "body.events.0.product"),
        ({"id": "a b"}, "body.events.0.id"),
        ({"id": ""}, "body.events.0.id"),
        ({"feed": {"$gt": ""}}, "body.events.0.feed"),
        ({"kind": "buy"}, "body.events.0.kind"),
        ({"at": "2026-11-10T12:00:00"}, "body.events.0.at"),
        ({"at": "9" * 400}, "body.events.0.at"),
        ({"at": "0001-01-01T00:00:00+14:00"}, "body.events.0.at"),
        ({"at": "9999-12-31T23:59:59-14:00"}, "body.events.0.at"),
        ({"at": "1999-12-31T23:59:59Z"}, "body.events.0.at"),
        ({"at": (NOW + timedelta(days=2)).isoformat()}, "body.events.0.at"),
        ({"feed": "nowhere"}, "body.events.feed"),
    ],
)
def test_what_is_wrong_is_named_and_not_quoted_and_nothing_of_the_batch_is_kept(
    world: World, bearer: dict[str, str], wrong: dict[str, Any], where: str
) -> None:
    good = event()
    answer = world.eu.post(URL, headers=bearer, json={"events": [event(**wrong), good]})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["where"] == where
    assert "anna" not in answer.text
    assert kept(world, good["id"]) is None


def test_an_event_says_whether_the_visitor_agreed(world: World, bearer: dict[str, str]) -> None:
    silent = event()
    del silent["consent"]
    assert world.eu.post(URL, headers=bearer, json={"events": [silent]}).status_code == 422


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'{"events": []}',
        b'{"events": null}',
        b"[" * 100_000,
        b'{"events": [1]}',
        b"\xff\xfe",
        b"NaN",
    ],
)
def test_hostile_bodies_are_refused(world: World, bearer: dict[str, str], body: bytes) -> None:
    answer = world.eu.post(URL, headers={**bearer, "Content-Type": "application/json"}, content=body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


def test_a_batch_has_a_bound(world: World, bearer: dict[str, str]) -> None:
    assert tell(world, bearer, *(event() for _ in range(500)))["landed"] == 500
    too_many = world.eu.post(URL, headers=bearer, json={"events": [event() for _ in range(501)]})
    assert too_many.status_code == 422
    large = json.dumps({"events": [event()]}).encode() + b" " * LARGEST
    answer = world.eu.post(URL, headers={**bearer, "Content-Type": "application/json"}, content=large)
    assert answer.status_code == 413
    other = world.eu.post(URL, headers={**bearer, "Content-Type": "text/plain"}, content=b"{}")
    assert other.status_code == 415


def test_a_token_that_reads_does_not_write(world: World) -> None:
    headers = {"Authorization": f"Bearer {world.token('eu', 'northwind-eu', scope='recommendations:read')}"}
    assert world.eu.post(URL, headers=headers, json={"events": [event()]}).status_code == 403


def test_who_asks_for_no_scope_may_not_write(world: World) -> None:
    """What reads reports must not become able to write because there is more to do."""
    issued = issue_secret(world.scope("eu", "northwind-eu"))
    form = {"grant_type": "client_credentials"}
    given = world.eu.post("/v1/auth/token", data=form, auth=(issued.client_id, issued.client_secret)).json()
    assert all(scope.endswith(":read") for scope in given["scope"].split())
    headers = {"Authorization": f"Bearer {given['access_token']}"}
    assert world.eu.post(URL, headers=headers, json={"events": [event()]}).status_code == 403
    assert world.eu.get("/v1/sync", headers=headers).status_code == 200
