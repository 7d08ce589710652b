"""Every feed is compared row by row at least once a week, whatever becomes of the others."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from varai.kernel import FeedKey, utc_now
from varai.registry import Comparison, StreamKey, keep_comparison
from varai.registry.comparisons import SAID, comparisons
from varai.river.proof.feeds import NIGHTS, due, prove_feeds
from varai.settings import Settings, load


@pytest.fixture
def settings(home: Path, mongodb_uri: str, mongodb: str) -> Settings:
    """Settings of an embedded stack that has only documents."""
    stores = {f"VARAI_STORES__{region}__DOCUMENTS_URI": mongodb_uri for region in ("EU", "US")}
    return load({"VARAI_HOME": str(home), "VARAI_DATABASE": mongodb, **stores})


@pytest.mark.parametrize("feeds", [0, 1, 6, 7, 8, 20])
def test_within_a_week_each_feed_has_its_turn(settings: Settings, feeds: int) -> None:
    scope, start = settings.scope("eu"), utc_now()
    keys = [FeedKey(f"tenant-{number}", "shop") for number in range(feeds)]
    for week in range(2):
        seen: list[FeedKey] = []
        for night in range(NIGHTS):
            tonight = due(scope, keys)
            assert len(tonight) == -(-feeds // NIGHTS)
            seen += tonight
            for key in tonight:
                at = start + timedelta(days=NIGHTS * week + night)
                keep_comparison(scope, StreamKey(*key, "products"), Comparison(kind="rows", at=at, differences=0))
        assert set(seen) == set(keys)


def test_a_feed_that_cannot_be_compared_has_had_its_turn(settings: Settings) -> None:
    scope = settings.scope("eu")
    keys = [FeedKey("no-such", "shop"), FeedKey("other", "shop")]
    assert due(scope, keys) == [keys[0]]
    done = prove_feeds(settings, "eu", keys[:1], holder="test")
    assert list(done.failures) == [keys[0]] and "could not be compared" in done.differences[0]
    assert due(scope, keys) == [keys[1]]


def test_the_last_comparison_of_each_kind_is_kept_and_few_sentences(settings: Settings) -> None:
    scope, key = settings.scope("eu", "northwind-eu"), StreamKey("northwind-eu", "shop", "products")
    keep_comparison(
        settings.scope("eu", "other"),
        key._replace(tenant="other"),
        Comparison(kind="rows", at=utc_now(), differences=1),
    )
    for differences in (9, 3):
        found = Comparison(
            kind="rows", at=utc_now(), differences=differences, sentences=tuple(map(str, range(SAID * 2)))
        )
        keep_comparison(scope, key, found)
    keep_comparison(scope, key, Comparison(kind="counts", at=utc_now(), differences=0))
    kept = comparisons(scope)
    assert {of: one.differences for of, one in kept.items()} == {(key, "rows"): 3, (key, "counts"): 0}
    assert len(kept[key, "rows"].sentences) == SAID
