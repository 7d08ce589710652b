"""The River page tells what the registry knows, also of a feed that has no slice yet."""

from __future__ import annotations

from varai.kernel import FeedKey, Scope, utc_now
from varai.registry import FeedState, seed, set_state
from varai.settings import load


def test_the_percent_of_a_first_read_is_on_the_page(scope: Scope) -> None:
    from varai.orchestration.river_page import page  # imports Airflow, which looks for its home

    settings = load()
    seed(scope, settings.seeds)
    assert "never run" in page(settings)
    backfilling = FeedState(kind="backfilling", since=utc_now(), percent=42)
    set_state(scope, FeedKey("northwind-eu", "shop"), backfilling)
    assert "backfilling 42 %" in page(settings)
