"""Seeds keep what operators changed; tokens are sealed at rest and swapped; states keep their first time; status is plain JSON."""

from __future__ import annotations

import json

import pytest

from varai.kernel import (
    Conflict,
    Feed,
    FeedKey,
    Misconfigured,
    Scope,
    Throttled,
    Unauthorised,
    Unavailable,
    Unbalanced,
    Window,
    utc_now,
)
from varai.registry import (
    FeedState,
    SealedTokens,
    SliceReport,
    SliceState,
    StreamKey,
    feed,
    feed_states,
    feeds,
    put_feed,
    seed,
    set_state,
    snapshots,
    status,
    stream_rows,
    tenants,
)
from varai.settings import Settings
from varai.stores import documents, objects

KEY = FeedKey("northwind-eu", "shop")


def test_a_region_is_seeded_with_its_own_tenants_only(settings: Settings) -> None:
    scope = settings.scope("eu")
    own = [one for one in settings.seeds if one.tenant.region == "eu"]
    assert seed(scope, settings.seeds) == len(own) > 2
    assert {one.region for one in tenants(scope)} == {"eu"}
    assert {one.tenant for one in feeds(scope)} == {one.tenant.name for one in own}
    assert [one.tenant for one in feeds(scope, "woocommerce")] == ["optik-nord"]
    assert [one.tenant for one in feeds(settings.scope("eu", "brillen-haus"))] == ["brillen-haus"]


def test_seeding_again_keeps_what_an_operator_paused(settings: Settings) -> None:
    scope = settings.scope("eu")
    seed(scope, settings.seeds)
    put_feed(scope, feed(scope, KEY).model_copy(update={"paused": True}))
    seed(scope, settings.seeds)
    assert feed(scope, KEY).paused


def test_an_unknown_feed_is_told_with_those_that_exist(settings: Settings) -> None:
    scope = settings.scope("eu")
    seed(scope, settings.seeds)
    with pytest.raises(Misconfigured, match=r"northwind-eu/nosuch.*northwind-eu/shop"):
        feed(scope, FeedKey("northwind-eu", "nosuch"))


def test_tokens_are_swapped_and_never_stored_in_clear(scope: Scope) -> None:
    store = SealedTokens(scope, "shop")
    assert store.get() == (None, 0)
    version = store.swap({"access_token": "marker-of-a-token"}, 0)
    with pytest.raises(Conflict):
        store.swap({"access_token": "other"}, 0)
    version = store.swap({"access_token": "second-marker"}, version)
    with pytest.raises(Conflict):
        store.swap({"access_token": "late"}, version - 1)
    assert store.get() == ({"access_token": "second-marker"}, version)
    assert b"marker" not in repr(list(documents(scope)["tokens"].find())).encode()


def test_tokens_that_are_forgotten_are_not_brought_back_by_who_knew_them(scope: Scope) -> None:
    store = SealedTokens(scope, "shop")
    store.forget()
    assert store.get() == (None, 0)
    version = store.swap({"access_token": "a"}, 0)
    store.forget()
    held, after = store.get()
    assert (held, after > version) == (None, True)
    with pytest.raises(Conflict):
        store.swap({"access_token": "late"}, version)
    store.swap({"access_token": "b"}, after)
    assert store.get()[0] == {"access_token": "b"}


@pytest.mark.parametrize(
    ("error", "kind"),
    [(Throttled("Slow."), "throttled"), (Unauthorised("No."), "needs reauthorisation"), (Conflict("Lost."), "failing")],
)
def test_a_failure_becomes_a_state_with_its_cure(error: Throttled, kind: str) -> None:
    state = FeedState.of(error)
    assert (state.kind, state.what, state.cure) == (kind, error.what, error.cure)


def test_a_state_says_since_when_it_lasts(scope: Scope) -> None:
    first = FeedState(kind="failing", since=utc_now())
    set_state(scope, KEY, first)
    set_state(scope, KEY, first.model_copy(update={"since": utc_now(), "what": "again"}))
    assert feed_states(scope)[str(KEY)].since == first.since
    assert feed_states(scope)[str(KEY)].what == "again"


def test_the_gravest_failure_makes_the_state_whatever_came_first() -> None:
    throttled, refused = Throttled("Slow down."), Unauthorised("The token was refused.")
    broken, counted = Unavailable("Nobody answered."), Unbalanced("Counts differ.")
    assert FeedState.worst([throttled, broken, refused]).kind == "needs reauthorisation"
    assert FeedState.worst([throttled, counted, broken]).what == "Counts differ."
    assert FeedState.worst([throttled]).kind == "throttled"


def test_status_of_an_empty_region_is_empty_json(scope: Scope) -> None:
    found = status(scope, {"airflow": "http://127.0.0.1:1"}, lambda one: ())
    assert json.loads(json.dumps(found)) == {
        "slices": [],
        "snapshots": {},
        "addresses": {"airflow": "http://127.0.0.1:1"},
        "overdue_erasures": {},
        "overdue_requests": {},
        "dead_letters": {},
    }


def test_a_feed_that_fails_before_its_first_slice_has_rows_with_state_and_cure(settings: Settings) -> None:
    scope = settings.scope("eu", KEY.tenant)
    seed(scope, settings.seeds)
    window = Window(start=None, end=utc_now())
    key = StreamKey(*KEY, "orders")
    report = SliceReport(**key._asdict(), batch_id="b", window=window, ingested_at=utc_now(), vendor_count=3, landed=3)
    SliceState(scope, key).write_report(report)
    set_state(scope, KEY, FeedState.of(Unauthorised("The token was refused.")))
    rows = status(scope, {}, lambda one: ("customers", "orders"))["slices"]
    assert [(row["stream"], row["landed"], row["balanced"]) for row in rows] == [
        ("customers", None, None),
        ("orders", 3, False),
    ]
    assert {row["state"] for row in rows} == {"needs reauthorisation"}
    assert all("varai feeds check" in row["cure"] for row in rows)
    assert json.loads(json.dumps(rows)) == rows


def test_snapshots_of_a_tenants_scope_are_its_own(settings: Settings) -> None:
    for tenant in ("acme", "acme-too"):
        objects(settings.scope("eu")).write(
            f"published/{tenant}/current.json", b'{"snapshot_id": "s-%s"}' % tenant.encode()
        )
    assert snapshots(settings.scope("eu")) == {"acme": "s-acme", "acme-too": "s-acme-too"}
    assert snapshots(settings.scope("eu", "acme")) == {"acme": "s-acme"}
    assert snapshots(settings.scope("eu", "northwind-eu")) == {}


def test_a_row_names_its_feeds_connector_while_it_is_configured(settings: Settings) -> None:
    scope = settings.scope("eu", KEY.tenant)
    seed(scope, settings.seeds)
    key = StreamKey(KEY.tenant, "old-shop", "orders")
    report = SliceReport(
        **key._asdict(),
        batch_id="b",
        window=Window(start=None, end=utc_now()),
        ingested_at=utc_now(),
        vendor_count=3,
        landed=3,
    )
    SliceState(scope, key).write_report(report)
    rows = stream_rows(scope, lambda one: ("orders",))
    assert [(row["feed"], row["connector"]) for row in rows] == [("old-shop", None), ("shop", "shopify")]


def test_a_feed_that_was_never_run_says_so(settings: Settings) -> None:
    scope = settings.scope("eu")
    seed(scope, settings.seeds)
    rows = status(scope, {}, lambda one: ("orders",))["slices"]
    tenants = sorted(one.tenant.name for one in settings.seeds if one.tenant.region == "eu")
    assert "brillen-haus" in tenants
    assert [(row["tenant"], row["stream"], row["state"]) for row in rows] == [
        (name, "orders", "never run") for name in tenants
    ]


def test_a_feed_whose_connector_does_not_exist_is_told_with_its_cure(settings: Settings) -> None:
    scope = settings.scope("eu", KEY.tenant)
    seed(scope, settings.seeds)

    def unknown(one: Feed) -> tuple[str, ...]:
        raise Misconfigured(f"There is no connector '{one.connector}'.", "Name another.")

    rows = status(scope, {}, unknown)["slices"]
    assert [(row["state"], row["landed"], row["cure"]) for row in rows] == [
        ("failing", None, "There is no connector 'shopify'. Name another.")
    ]
