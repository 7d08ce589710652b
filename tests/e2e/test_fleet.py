"""A small fleet with broken feeds: the others settle; and however many feeds are due, a graph maps at most 64 tasks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.prove.fleet import ASKED, Fleet, fleet, plan, play_round
from varai.kernel import Feed, FeedKey
from varai.river import ingest
from varai.settings import load
from varai.stores import documents

FEEDS, BROKEN = 2 * len(ASKED), 2


@pytest.fixture
def small_fleet(
    home: Path, mongodb_uri: str, mongodb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Fleet]:
    """Feeds of all vendors, some broken, in the region that the process's environment tells, as of a task."""
    with fleet(tmp_path / "fleet", mongodb_uri, mongodb, FEEDS, BROKEN) as made:
        for name, value in (made.region.environment | {"AIRFLOW_HOME": str(home / "airflow")}).items():
            monkeypatch.setenv(name, value)
        yield made


@pytest.mark.slow
@pytest.mark.usefixtures("at_once")
def test_all_feeds_but_the_broken_ones_settle(small_fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those too that share a task with one. The broken stand with typed errors and unmoved watermarks, and are all that is due after."""
    monkeypatch.setattr(ingest, "MOST_BATCHES", 1)
    done = play_round("run", everyone=False)
    assert set(done.mapped.values()) == {1}
    assert sum(done.feeds.values()) == FEEDS
    assert len(done.failures) == BROKEN
    assert small_fleet.faults() == []
    due = {FeedKey(*key) for batches in plan(everyone=False).values() for batch in batches for key in batch}
    assert due == set(small_fleet.broken)


@pytest.mark.parametrize("count", [1, 63, 64, 65, 1_000, 10_000])
def test_however_many_feeds_are_due_a_graph_maps_at_most_64_tasks(
    home: Path, mongodb_uri: str, mongodb: str, count: int
) -> None:
    settings = load(
        {"VARAI_HOME": str(home), "VARAI_DATABASE": mongodb, "VARAI_STORES__EU__DOCUMENTS_URI": mongodb_uri}
    )
    feeds = [
        Feed(tenant=f"t-{number}", name="shop", connector="shopify", base_url="https://shop.example.com", secret="s")
        for number in range(count)
    ]
    scope = settings.scope("eu")
    documents(scope)["feeds"].insert_many([one.model_dump(mode="json") | {"_id": str(one.key)} for one in feeds])
    batches = ingest.due_feeds(settings, "eu", "shopify")
    assert len(batches) <= 64
    assert sorted(itertools.chain(*batches)) == sorted(one.key for one in feeds)
    assert max(map(len, batches)) == -(-count // 64)
