"""`varai status` shows what an operator acts on: lag, state and cure, from the first run on."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests.unit.cli.conftest import Run
from varai.kernel import FeedKey, Unauthorised, Window, utc_now
from varai.privacy import Ledger
from varai.registry import FeedState, SliceReport, SliceState, StreamKey, set_state
from varai.registry.slices import Watermark
from varai.settings import Settings
from varai.stores import objects

KEY = FeedKey("northwind-eu", "shop")


def test_a_feed_that_needs_reauthorisation_on_its_first_run_is_shown_with_its_cure(
    settings: Settings, varai: Run
) -> None:
    set_state(
        settings.scope("eu", KEY.tenant), KEY, FeedState.of(Unauthorised("The token was refused.", "Ask [/x] again."))
    )
    told = json.loads(varai("status", "--json").stdout)["regions"]["eu"]["slices"]
    assert {row["state"] for row in told if row["tenant"] == KEY.tenant} == {"needs reauthorisation"}
    table = varai("status", "--region", "eu")
    assert table.exit_code == 0, table.output
    assert "needs reauthorisation" in table.output
    assert "Ask [/x] again." in table.output


def test_the_table_is_whole_in_a_narrow_terminal_too(
    settings: Settings, varai: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    table = varai("status", "--region", "eu").output
    for text in (KEY.tenant, "inventory", "balanced", "never run", "cure"):
        assert text in table
    assert "…" not in table


def test_the_table_shows_the_lag(settings: Settings, varai: Run) -> None:
    scope, key = settings.scope("eu", KEY.tenant), StreamKey(*KEY, "orders")
    at = utc_now() - timedelta(hours=5)
    window = Window(start=None, end=at)
    report = SliceReport(**key._asdict(), batch_id="b", window=window, ingested_at=at, vendor_count=0, landed=0)
    SliceState(scope, key).write_report(report)
    mark = Watermark(token=1, watermark=at, batch_id="b")
    objects(scope).write(f"{key.prefix}watermark.json", mark.model_dump_json().encode())
    line = next(
        one for one in varai("status", "--region", "eu").output.splitlines() if "orders" in one and "5:00:" in one
    )
    assert KEY.tenant in line


def test_erasures_whose_month_is_over_are_shown(settings: Settings, varai: Run) -> None:
    ledger = Ledger(settings.scope("eu", KEY.tenant))
    ledger.add("pseudonym-1", "letter", utc_now() - timedelta(days=40))
    ledger.add("pseudonym-2", "letter", utc_now())
    assert json.loads(varai("status", "--json").stdout)["regions"]["eu"]["overdue_erasures"] == {KEY.tenant: 1}
    assert f"{KEY.tenant}: 1 erasures are overdue" in varai("status", "--region", "eu").output
