"""How far the data have come: the tenant's own feeds and streams, as the registry has them."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.serving.conftest import NOW, World
from varai import registry
from varai.kernel import FeedKey, Unauthorised, Window
from varai.registry import SliceReport, SliceState, StreamKey, set_state
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


def test_feeds_and_states_are_read_once_and_nothing_besides(
    world: World, bearer: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: Counter[str] = Counter()

    def counted(name: str, look: Callable[..., Any]) -> Callable[..., Any]:
        def looked(*given: Any, **named: Any) -> Any:
            read[name] += 1
            return look(*given, **named)

        return looked

    names = ("feeds", "feed_states", "snapshots", "overdue")
    room = sys.modules["varai.registry.status"]  # its namesake in the package is the function
    for name in names:
        monkeypatch.setattr(room, name, counted(name, getattr(room, name)))
    assert world.eu.get(URL, headers=bearer).status_code == 200
    assert read == {"feeds": 1, "feed_states": 1}
