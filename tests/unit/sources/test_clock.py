"""Windows are cut by our clock and hold what the vendor dates by its own: where that lags, nothing may pass as read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.sources.conftest import MemoryTokens
from varai.kernel import Feed, Misconfigured, Window
from varai.sources import Session
from varai.sources.clock import dated, insist_on

END = datetime(2026, 11, 1, 12, tzinfo=UTC)
WINDOW = Window(start=END - timedelta(hours=1), end=END)


def session(now: datetime = END) -> Session:
    feed = Feed(tenant="north", name="shop", connector="magento", base_url="http://shop", secret="shop", overlap_s=300)
    return Session(feed, "http://shop", lambda: "{}", MemoryTokens(), clock=lambda: now)


@pytest.mark.parametrize("lag_s", [-3600, 0, 300])
def test_a_clock_that_lags_by_no_more_than_the_overlap_is_good(lag_s: int) -> None:
    insist_on(WINDOW, session(), END - timedelta(seconds=lag_s))


def test_a_clock_that_lags_by_more_is_told_with_its_cure() -> None:
    with pytest.raises(Misconfigured, match=r"answered as of 2026-11-01 11:54:59 .* overlap_s, now 300"):
        insist_on(WINDOW, session(), END - timedelta(seconds=301))


def test_who_gives_no_date_and_who_reads_into_the_future_is_not_judged() -> None:
    insist_on(WINDOW, session(), None)
    insist_on(WINDOW, session(END - timedelta(minutes=1)), END - timedelta(hours=2))


def test_dates_are_read_with_their_zone() -> None:
    assert dated({"date": "Sun, 01 Nov 2026 12:00:00 GMT"}) == END
    assert dated({"date": "Sun, 01 Nov 2026 12:00:00 -0000"}) == END
    assert dated({"date": "soon"}) is dated({}) is None
