"""A run of the clock waits for a slice of what webhooks told of, instead of failing beside it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from varai import registry
from varai.kernel import FeedKey, LeaseHeld
from varai.river.context import lease_name
from varai.river.ingest import ingest_feed
from varai.settings import load

KEY = FeedKey("northwind-eu", "shop")


def test_a_run_waits_for_a_feed_as_long_as_it_is_told(home: Path, mongodb_uri: str, mongodb: str) -> None:
    given = {"VARAI_HOME": str(home), "VARAI_DATABASE": mongodb, "VARAI_STORES__EU__DOCUMENTS_URI": mongodb_uri}
    settings = load(given)
    scope = settings.scope("eu", KEY.tenant)
    registry.seed(scope, settings.seeds)
    lease = registry.acquire(scope, lease_name(KEY), "inbox")
    with pytest.raises(LeaseHeld):
        ingest_feed(settings, "eu", KEY, holder="clock")
    timer = threading.Timer(0.5, registry.release, (scope, lease))
    timer.start()
    outcome = ingest_feed(settings, "eu", KEY, holder="clock", patience_s=30)
    timer.join()
    assert set(outcome.failures) == {"shop"}  # there is no vendor here, and no more is asked of this run
