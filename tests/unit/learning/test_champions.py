"""What serves: what the registry says, and the last good one whenever that cannot be had; never another tenant's."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from types import SimpleNamespace

import pytest

from bench.registry import Registry, registry_server
from tests.serving.shelves import bundle, stock
from varai.kernel import Gone, Malformed, Misconfigured, Scope, Unavailable
from varai.learning.bundle import Bundle, key_of, load, store
from varai.learning.champions import Champions
from varai.privacy import Ledger, move_object
from varai.settings import Settings
from varai.stores import objects

MODEL = "recommender"
ITEMS = [f"shop/p{number}" for number in range(4)]
SUBJECT = f"{7:032x}"


def with_stores(settings: Settings, **changed: str) -> Settings:
    stores = {region: one.model_copy(update=changed) for region, one in settings.stores.items()}
    return settings.model_copy(update={"stores": stores})


@pytest.fixture
def registered() -> Iterator[Registry]:
    with registry_server() as server:
        yield server


@pytest.fixture
def settings(settings_of_two: Settings, registered: Registry) -> Settings:
    """With the registry, and all products in stock."""
    found = with_stores(settings_of_two, registry_url=registered.url)
    stock(found.scope("eu", "northwind-eu"), "shop", dict.fromkeys(("p0", "p1", "p2", "p3"), 5))
    return found


@pytest.fixture
def scope(settings: Settings) -> Scope:
    return settings.scope("eu", "northwind-eu")


@pytest.fixture
def made(scope: Scope) -> Bundle:
    return bundle(scope, ITEMS, {SUBJECT: [0]})


@pytest.fixture
def champions(settings: Settings) -> Iterator[Champions]:
    """Renewed when a test says so."""
    found = Champions(lambda tenant: settings.scope("eu", tenant), every_s=3600)
    yield found
    found.close()


def number(champions: Champions, tenant: str = "northwind-eu") -> tuple[str, bool]:
    found = champions.current(tenant, MODEL)
    assert found is not None
    return found.version.number, found.stale


def test_nothing_is_loaded_before_it_is_asked_for(
    champions: Champions, registered: Registry, scope: Scope, made: Bundle
) -> None:
    registered.promote(scope, made)
    assert (champions.current("northwind-eu", MODEL), registered.asked) == (None, 0)
    found = champions.load("northwind-eu", MODEL)
    assert champions.load("northwind-eu", MODEL) is found is champions.current("northwind-eu", MODEL)
    assert registered.asked == 1
    assert (found.version.metric, found.version.floor, found.stale) == ("0.1200", "0.0800", False)
    assert found.eligible.mask.all()


def test_a_promotion_and_a_rollback_are_followed(
    champions: Champions, registered: Registry, scope: Scope, made: Bundle
) -> None:
    registered.promote(scope, made, 1)
    first = champions.load("northwind-eu", MODEL)
    registered.promote(scope, replace(made, snapshot_id="two"), 2)
    assert number(champions) == ("1", False), "Requests never wait for the registry."
    champions.renew()
    assert number(champions) == ("2", False)
    registered.promote(scope, made, 1)
    champions.renew()
    assert number(champions) == ("1", False)
    again = champions.current("northwind-eu", MODEL)
    assert again is not None
    assert again.bundle.snapshot_id == first.bundle.snapshot_id


def test_the_thread_follows_by_itself(settings: Settings, registered: Registry, scope: Scope, made: Bundle) -> None:
    quick = Champions(lambda tenant: settings.scope("eu", tenant), every_s=0.05)
    registered.promote(scope, made, 1)
    quick.load("northwind-eu", MODEL)
    registered.promote(scope, replace(made, snapshot_id="two"), 2)
    deadline = time.monotonic() + 20
    while number(quick) != ("2", False):
        assert time.monotonic() < deadline
    quick.close()
    assert not [one for one in threading.enumerate() if one.name == "champions" and one is quick._thread]


@pytest.mark.parametrize(
    "breaks",
    [(500, b"{}"), (200, b"<html>"), (200, b"[]"), (200, b'{"model_version": {}}'), (302, b"{}"), (404, b"not ours")],
)
def test_a_registry_that_fails_leaves_what_served(
    champions: Champions, registered: Registry, scope: Scope, made: Bundle, breaks: tuple[int, bytes]
) -> None:
    registered.promote(scope, made)
    champions.load("northwind-eu", MODEL)
    registered.breaks = breaks
    champions.renew()
    assert number(champions) == ("1", True)
    registered.breaks = None
    champions.renew()
    assert number(champions) == ("1", False)


def two_loaded(settings: Settings, champions: Champions, registered: Registry, scope: Scope, made: Bundle) -> None:
    """Of two tenants, the one of `scope` first, version 1 serves and 2 was promoted."""
    other = settings.scope("eu", "brillen-haus")
    for one, model in ((scope, made), (other, bundle(other, ITEMS, {}))):
        registered.promote(one, model, 1)
        champions.load(str(one.tenant), MODEL)
        registered.promote(one, replace(model, snapshot_id="two"), 2)


def test_one_tenant_s_error_of_any_kind_stops_no_other_s_renewal(
    settings: Settings,
    champions: Champions,
    registered: Registry,
    scope: Scope,
    made: Bundle,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    two_loaded(settings, champions, registered, scope, made)

    def broken(scope: Scope, key: str, sha256: str) -> Bundle:
        if scope.tenant == "northwind-eu":
            raise KeyError(key)
        return load(scope, key, sha256)

    monkeypatch.setattr("varai.learning.champions.load", broken)
    champions.renew()
    assert number(champions) == ("1", True)
    assert number(champions, "brillen-haus") == ("2", False)


def test_a_registry_that_fails_for_one_model_is_asked_for_the_next(
    settings: Settings,
    champions: Champions,
    registered: Registry,
    scope: Scope,
    made: Bundle,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    two_loaded(settings, champions, registered, scope, made)
    answer = registered.answer
    monkeypatch.setattr(
        registered, "answer", lambda target: (500, b"{}") if "northwind-eu" in target else answer(target)
    )
    champions.renew()
    assert number(champions) == ("1", True)
    assert number(champions, "brillen-haus") == ("2", False)


@pytest.mark.parametrize("write", ["eligibility.keep", "registered.remember"])
def test_what_cannot_be_written_behind_an_answer_does_not_fail_it(
    champions: Champions,
    registered: Registry,
    scope: Scope,
    made: Bundle,
    monkeypatch: pytest.MonkeyPatch,
    write: str,
) -> None:
    def full(*_: object) -> None:
        raise PermissionError(write)

    monkeypatch.setattr(f"varai.learning.champions.{write}", full)
    registered.promote(scope, made, 1)
    champions.load("northwind-eu", MODEL)
    stock(scope, "shop", {"p1": 0}, run="r2")
    registered.promote(scope, replace(made, snapshot_id="two"), 2)
    champions.renew()
    assert number(champions) == ("2", False)
    found = champions.current("northwind-eu", MODEL)
    assert found is not None
    assert found.eligible.mask.tolist() == [True, False, True, True]


def damaged(scope: Scope, made: Bundle, registered: Registry, how: str) -> None:
    """Promote version 2, with something wrong."""
    second = replace(made, snapshot_id="two")
    if how == "of another mapping by its tag":
        registered.promote(scope, second, 2, mapping="0" * 16)
    elif how == "of another mapping inside":
        registered.promote(scope, replace(second, mapping="0" * 16), 2)
    elif how == "of another checksum":
        registered.promote(scope, second, 2, sha256="0" * 64)
    elif how == "without a checksum":
        registered.promote(scope, second, 2, sha256="")
    elif how == "missing":
        objects(scope).delete(registered.promote(scope, second, 2).key)
    elif how == "altered":
        key = registered.promote(scope, second, 2).key
        raw = bytearray(objects(scope).read(key))
        raw[-1] ^= 1
        objects(scope).write(key, bytes(raw))
    elif how == "cut":
        key = registered.promote(scope, second, 2).key
        objects(scope).write(key, objects(scope).read(key)[:100])
    elif how == "elsewhere in the bucket":
        registered.promote(scope, second, 2, bundle="landing/northwind-eu/shop/orders/x.npz.sealed")
    elif how == "of another model":
        stored = store(scope, replace(second, model="other"))
        key = key_of("northwind-eu", MODEL, stored.bundle_id)
        move_object(scope, stored.key, key)
        registered.promote(scope, second, 2, bundle=key, sha256=stored.sha256)


@pytest.mark.parametrize(
    "how",
    [
        "of another mapping by its tag",
        "of another mapping inside",
        "of another checksum",
        "without a checksum",
        "missing",
        "altered",
        "cut",
        "elsewhere in the bucket",
        "of another model",
    ],
)
def test_what_may_not_serve_is_refused_and_the_one_before_stays(
    champions: Champions, settings: Settings, registered: Registry, scope: Scope, made: Bundle, how: str
) -> None:
    registered.promote(scope, made)
    champions.load("northwind-eu", MODEL)
    damaged(scope, made, registered, how)
    champions.renew()
    assert number(champions) == ("1", True)
    # A process that has just begun serves what served last; without that it says that it cannot.
    fresh = Champions(lambda tenant: settings.scope("eu", tenant), every_s=3600)
    assert (fresh.load("northwind-eu", MODEL).version.number, fresh.load("northwind-eu", MODEL).stale) == ("1", True)
    fresh.close()
    objects(scope).delete(f"models/northwind-eu/{MODEL}/served.json")
    empty = Champions(lambda tenant: settings.scope("eu", tenant), every_s=3600)
    with pytest.raises(Malformed):
        empty.load("northwind-eu", MODEL)
    empty.close()


def test_a_process_that_begins_while_the_registry_is_down_serves_what_served_last(
    champions: Champions, settings: Settings, registered: Registry, scope: Scope, made: Bundle
) -> None:
    registered.breaks = (503, b"{}")
    with pytest.raises(Unavailable):
        champions.load("northwind-eu", MODEL)
    registered.breaks = None
    registered.promote(scope, made)
    other = Champions(lambda tenant: settings.scope("eu", tenant), every_s=3600)
    other.load("northwind-eu", MODEL)
    other.close()
    registered.breaks = (503, b"{}")
    fresh = Champions(lambda tenant: settings.scope("eu", tenant), every_s=3600)
    assert fresh.load("northwind-eu", MODEL).stale
    registered.breaks = None
    fresh.renew()
    assert number(fresh) == ("1", False)
    fresh.close()


def test_a_failure_is_not_found_out_with_every_request(champions: Champions, registered: Registry) -> None:
    for _ in range(5):
        with pytest.raises(Gone):
            champions.load("northwind-eu", MODEL)
    assert registered.asked == 1


def test_a_failure_that_took_long_to_find_out_is_remembered_from_its_end(
    settings: Settings, registered: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, answer = [0.0], registered.answer

    def slow(target: str) -> tuple[int, bytes]:
        clock[0] += 60
        return answer(target)

    monkeypatch.setattr(registered, "answer", slow)
    monkeypatch.setattr("varai.learning.champions.time", SimpleNamespace(monotonic=lambda: clock[0]))
    champions = Champions(lambda tenant: settings.scope("eu", tenant), every_s=3600)
    for _ in range(3):
        with pytest.raises(Gone):
            champions.load("northwind-eu", MODEL)
    assert registered.asked == 1
    champions.close()


def test_a_document_store_that_does_not_answer_is_waited_for_once_and_not_for_long(
    settings: Settings, registered: Registry, scope: Scope, made: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered.promote(scope, made)
    monkeypatch.setattr("varai.learning.champions.PATIENCE_S", 0.1)
    monkeypatch.setattr(import_module("varai.stores.documents"), "_SELECTION_MS", 3_600_000)  # no test may take so long
    down = with_stores(settings, documents_uri="mongodb://127.0.0.1:9")
    champions = Champions(lambda tenant: down.scope("eu", tenant), every_s=3600)
    with pytest.raises(Unavailable):
        champions.load("northwind-eu", MODEL)
    champions.close()


ABSENT = {
    404: b'{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "Registered Model with name=x not found"}',
    400: b'{"error_code": "INVALID_PARAMETER_VALUE", "message": "Registered model alias champion not found."}',
}
"""As an MLflow 3.17 server answers: for a model it does not know, and for one without a champion."""


@pytest.mark.parametrize("status", ABSENT)
def test_a_champion_that_was_taken_away_serves_no_more(
    champions: Champions, registered: Registry, scope: Scope, made: Bundle, status: int
) -> None:
    registered.promote(scope, made)
    champions.load("northwind-eu", MODEL)
    registered.breaks = (400, b'{"error_code": "INVALID_PARAMETER_VALUE", "message": "Missing value for parameter"}')
    champions.renew()
    assert number(champions) == ("1", True), "Another refusal takes nothing away."
    registered.breaks = (status, ABSENT[status])
    champions.renew()
    assert champions.current("northwind-eu", MODEL) is None
    with pytest.raises(Gone):
        champions.load("northwind-eu", MODEL)


def test_without_a_registry_the_cure_is_named(settings_of_two: Settings) -> None:
    champions = Champions(lambda tenant: settings_of_two.scope("eu", tenant), every_s=3600)
    with pytest.raises(Misconfigured, match="VARAI_STORES__EU__REGISTRY_URL"):
        champions.load("northwind-eu", MODEL)
    champions.close()


def test_a_registry_where_nobody_listens_is_unavailable(home: object, settings_of_two: Settings) -> None:
    settings = with_stores(settings_of_two, registry_url="http://127.0.0.1:9")
    champions = Champions(lambda tenant: settings.scope("eu", tenant), every_s=3600)
    with pytest.raises(Unavailable):
        champions.load("northwind-eu", MODEL)
    champions.close()


def test_what_is_sold_out_or_erased_is_known_by_the_next_round(
    champions: Champions, registered: Registry, scope: Scope, made: Bundle
) -> None:
    registered.promote(scope, made)
    champions.load("northwind-eu", MODEL)
    stock(scope, "shop", {"p1": 0}, run="r2")
    Ledger(scope).add(SUBJECT, "asked to")
    registered.breaks = (500, b"{}")  # the shop's state is followed though the registry is down
    champions.renew()
    found = champions.current("northwind-eu", MODEL)
    assert found is not None
    assert found.eligible.mask.tolist() == [True, False, True, True]
    assert found.erased == {SUBJECT}
    assert found.stale


def test_one_tenant_s_word_never_serves_another(
    champions: Champions, settings: Settings, registered: Registry, scope: Scope, made: Bundle
) -> None:
    registered.promote(scope, made)
    name = f"eu.northwind-eu.{MODEL}"
    stolen = f"eu.brillen-haus.{MODEL}"
    # The registry is wrong: it gives the neighbour this tenant's version, under either name.
    for claimed in (name, stolen):
        registered.champions[stolen] = {**registered.champions[name], "name": claimed}
        fresh = Champions(lambda tenant: settings.scope("eu", tenant), every_s=3600)
        with pytest.raises(Malformed):
            fresh.load("brillen-haus", MODEL)
        fresh.close()


def test_idle_tenants_are_let_go(
    champions: Champions, registered: Registry, scope: Scope, made: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered.promote(scope, made)
    champions.load("northwind-eu", MODEL)
    monkeypatch.setattr("varai.learning.champions._IDLE_S", -1.0)
    champions.renew()
    assert champions.current("northwind-eu", MODEL) is None
    assert champions.load("northwind-eu", MODEL).version.number == "1"
