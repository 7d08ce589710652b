"""Whatever order streams are counted, read and ended in: the percent is what has landed of what was counted, and never falls."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from varai.kernel import Feed, utc_now
from varai.registry import Lease, StreamKey, feed_states
from varai.river.context import FeedRun
from varai.river.first_read import FirstRead
from varai.settings import Settings, load
from varai.sources.contract import StreamSpec
from varai.stores import documents

FEED = Feed(tenant="a", name="shop", connector="shopify", base_url="http://127.0.0.1:1", secret="a-shop")
EXACT = tuple(StreamSpec(name, name, (name,)) for name in ("products", "customers", "orders"))
IDS = StreamSpec("inventory", "inventory_level", ("inventory_level",), census="ids")
Step = tuple[str, str, int]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def run(home: Path, mongodb_uri: str, mongodb: str) -> FeedRun:
    """A feed while a run works on it."""
    found: Settings = load(
        {"VARAI_HOME": str(home), "VARAI_DATABASE": mongodb, "VARAI_STORES__EU__DOCUMENTS_URI": mongodb_uri}
    )
    return FeedRun(found, found.scope("eu", "a"), FEED, Lease("feed:a/shop", "run", 1, utc_now()))


@st.composite
def reads(draw: st.DrawFn) -> list[Step]:
    """The steps of three streams, each in its own order, in any order among each other."""
    streams = []
    for spec in EXACT:
        count = draw(st.integers(0, 500))
        marks = sorted(draw(st.lists(st.integers(0, count + 3), max_size=4)))
        steps = [(spec.name, "counted", count), *((spec.name, "landing", mark) for mark in marks)]
        whole = [*steps, (spec.name, "landed", count), (spec.name, "ended", 0)]
        streams.append(draw(st.sampled_from([whole, [(spec.name, "ended", 0)]])))
    order = draw(st.permutations([index for index, steps in enumerate(streams) for _ in steps]))
    waiting = [iter(steps) for steps in streams]
    return [next(waiting[index]) for index in order]


@given(steps=reads())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_percent_is_what_landed_of_what_was_counted(run: FeedRun, steps: list[Step]) -> None:
    documents(run.scope)["feed_states"].delete_many({})
    first_read = FirstRead(run, [*EXACT, IDS])
    counts: dict[str, int] = {}
    landed: dict[str, int] = {}
    open_ = {spec.name for spec in EXACT}
    before = 0
    for stream, step, records in steps:
        if step == "ended":
            first_read.ended(stream)
        else:
            first_read(StreamKey("a", "shop", stream), step, records)
        if step == "counted":
            counts[stream] = records
        elif step != "ended":
            landed[stream] = min(records, counts[stream])
        open_ -= {stream}
        total = sum(counts.values())
        wanted = 0 if open_ or not total else min(99, 100 * sum(landed.values()) // total)
        found = feed_states(run.scope)["a/shop"].percent
        assert found == wanted >= before
        before = wanted


def test_a_state_is_written_only_when_the_whole_percent_moves(run: FeedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    first_read, written = FirstRead(run, EXACT[:1]), list[int]()
    monkeypatch.setattr("varai.river.first_read.set_state", lambda scope, key, state: written.append(state.percent))
    key = StreamKey("a", "shop", "products")
    first_read(key, "counted", 10_000)
    for records in range(0, 10_001, 10):
        first_read(key, "landing", records)
    assert written == list(range(1, 100))
