"""How far the data have come: the tenant's own feeds and streams, as the registry has them."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from serving.schemas import SyncStatus
from tests.serving.conftest import NOW, World
from varai import registry
from varai.kernel import BatchRef, FeedKey, Unauthorised, Window
from varai.registry import Comparison, Lag, Pending, SliceReport, SliceState, StreamKey, set_state
from varai.registry.states import FeedState

URL = "/v1/sync"


def test_a_stream_is_told_with_counts_balance_and_cure(world: World) -> None:
    tenant = "northwind-us"
    for owner in (tenant, "lakeside-optics"):
        scope = world.scope("us", owner)
        window = Window(start=None, end=NOW - timedelta(hours=1))
        report = SliceReport(
            tenant=owner, feed="shop", stream="products", batch_id="b", window=window, ingested_at=NOW, vendor_count=7,
            landed=7, published=6,
        )  # fmt: skip
        SliceState(scope, StreamKey(owner, "shop", "products")).write_report(report)
    set_state(world.scope("us", tenant), FeedKey(tenant, "shop"), FeedState.of(Unauthorised("The token was refused.")))
    headers = {"Authorization": f"Bearer {world.token('us', tenant)}"}
    found = world.us.get(URL, headers=headers).json()
    assert (found["tenant"], found["snapshot"]) == (tenant, None)
    assert [(feed["feed"], feed["state"]) for feed in found["feeds"]] == [("shop", "needs reauthorisation")]
    assert "varai feeds check" in found["feeds"][0]["cure"]
    stream = next(one for one in found["feeds"][0]["streams"] if one["stream"] == "products")
    assert (stream["stream"], stream["vendor_count"], stream["balanced"]) == ("products", 7, False)
    assert "lakeside" not in str(found)


def test_a_feed_that_never_ran_says_so(world: World, bearer: dict[str, str]) -> None:
    found = world.eu.get(URL, headers=bearer).json()
    assert found["snapshot"]
    assert [feed["state"] for feed in found["feeds"]] == ["never run"]
    streams = found["feeds"][0]["streams"]
    assert "orders" in {one["stream"] for one in streams}
    assert {(one["landed"], one["balanced"], one["watermark"]) for one in streams} == {(None, None, None)}


def test_a_first_read_says_how_far_it_is(world: World) -> None:
    tenant = "northwind-us"
    state = FeedState(kind="backfilling", since=NOW, percent=42)
    set_state(world.scope("us", tenant), FeedKey(tenant, "shop"), state)
    found = world.us.get(URL, headers={"Authorization": f"Bearer {world.token('us', tenant)}"}).json()
    assert [(feed["state"], feed["percent"]) for feed in found["feeds"]] == [("backfilling", 42)]


def test_a_paused_feed_is_told_with_how_to_take_it_up(world: World) -> None:
    scope = world.scope("us", "lakeside-optics")
    feed = registry.feeds(scope)[0]
    registry.put_feed(scope, feed.model_copy(update={"paused": True}))
    try:
        found = world.us.get(URL, headers={"Authorization": f"Bearer {world.token('us', 'lakeside-optics')}"}).json()
    finally:
        registry.put_feed(scope, feed)
    assert [(one["state"], one["percent"]) for one in found["feeds"]] == [("paused", None)]
    assert "varai feeds resume" in found["feeds"][0]["cure"]


def test_how_far_a_stream_is_in_sync_is_told_with_its_promise(world: World) -> None:
    """What comparisons found, what is not here, how long changes take, and whether that is what was promised."""
    tenant = "lakeside-optics"
    scope, key = world.scope("us", tenant), StreamKey("lakeside-optics", "shop", "customers")
    mark = NOW - timedelta(hours=2)
    pending = Pending(
        token=1,
        batch=BatchRef(
            region="us", tenant=tenant, feed="shop", stream="customers", batch_id="b", window=Window(start=None, end=mark),
            ingested_at=NOW, uri="-", records=7, lines=7, sha256="-", vendor_count=7, token=1,
        ),
        report=SliceReport(
            tenant=tenant, feed="shop", stream="customers", batch_id="b", window=Window(start=None, end=mark),
            ingested_at=NOW, vendor_count=7, landed=7, published=7,
        ),
        staged=(),
        hashes="state/none",
    )  # fmt: skip
    SliceState(scope, key).settle(pending)
    registry.keep_lag(scope, key, Lag(at=NOW, rows=10, p50_s=60, p95_s=600, max_s=1200))
    registry.keep_lag(scope, key, Lag(at=NOW, rows=10, p50_s=60, p95_s=600, max_s=7200))

    def told() -> tuple[dict[str, Any], dict[str, Any]]:
        headers = {"Authorization": f"Bearer {world.token('us', tenant)}"}
        [feed] = world.us.get(URL, headers=headers).json()["feeds"]
        SyncStatus.model_validate_json(world.us.get(URL, headers=headers).content)
        return feed, next(one for one in feed["streams"] if one["stream"] == "customers")

    feed, stream = told()
    assert stream["in_sync_as_of"] == stream["watermark"] == mark.isoformat()
    assert (stream["oldest_unsynced_at"], stream["compared"]) == (None, {"counts": None, "rows": None})
    assert (stream["lag_p50_s"], stream["lag_max_s"]) == (60, 7200)
    assert (stream["promised_s"], stream["kept"]) == (3600, 0.5)
    assert (feed["history_from"], feed["snapshot_compared"]) == (None, None)

    missed = mark - timedelta(days=3)
    found = Comparison(kind="rows", at=NOW, differences=2, sentences=("a/b/customer/1: it is lost",), oldest_at=missed)
    registry.keep_comparison(scope, key, found)
    registry.keep_comparison(scope, key._replace(stream="published"), found.model_copy(update={"differences": 1}))
    feed, stream = told()
    assert (stream["in_sync_as_of"], stream["oldest_unsynced_at"]) == (None, missed.isoformat())
    assert stream["compared"]["rows"]["differences"] == 2 and "it is lost" in stream["compared"]["rows"]["sentences"][0]
    assert feed["snapshot_compared"]["differences"] == 1
    registry.keep_comparison(scope, key, Comparison(kind="rows", at=NOW, differences=0))
    assert told()[1]["in_sync_as_of"] == mark.isoformat()


def test_where_history_begins_is_told_of_the_snapshot(world: World, bearer: dict[str, str]) -> None:
    found = world.eu.get(URL, headers=bearer).json()
    assert found["feeds"][0]["history_from"]


def test_feeds_and_states_are_read_once_and_nothing_besides(
    world: World, bearer: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: Counter[str] = Counter()

    def counted(name: str, look: Callable[..., Any]) -> Callable[..., Any]:
        def looked(*given: Any, **named: Any) -> Any:
            read[name] += 1
            return look(*given, **named)

        return looked

    names = ("feeds", "feed_states", "comparisons", "lags", "snapshots", "overdue")
    room = sys.modules["varai.registry.status"]  # its namesake in the package is the function
    for name in names:
        monkeypatch.setattr(room, name, counted(name, getattr(room, name)))
    assert world.eu.get(URL, headers=bearer).status_code == 200
    assert read == {"feeds": 1, "feed_states": 1, "comparisons": 1, "lags": 1}
