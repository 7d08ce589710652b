"""What goes wrong ends as a sentence with its cure, whatever texts of others it quotes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pymongo.errors import OperationFailure

from tests.unit.cli.conftest import Run
from varai.cli import river
from varai.kernel import Malformed, Unavailable
from varai.registry import RunRecord
from varai.settings import Settings
from varai.stores import failures_as_sentences

NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)
HOSTILE = "Shopify said [/x] and [bold]."


def test_a_document_store_that_is_down_is_told_with_address_and_cure(
    settings: Settings, varai: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VARAI_STORES__EU__DOCUMENTS_URI", "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200")
    result = varai("status", "--region", "eu")
    assert result.exit_code == 1
    assert "unavailable: The document store does not answer (127.0.0.1:1" in result.output
    assert "make up" in result.output
    assert "Traceback" not in result.output


def test_other_texts_of_the_driver_are_not_told() -> None:
    with pytest.raises(Unavailable) as told, failures_as_sentences():
        raise OperationFailure("a document with anna@example.com")
    assert "anna" not in str(told.value)


def test_a_backfill_that_ends_before_it_begins_is_refused(settings: Settings, varai: Run) -> None:
    given = ("--region", "eu", "--tenant", "northwind-eu", "--dry-run")
    result = varai("backfill", *given, "--from", "2026-02-01", "--to", "2026-01-01")
    assert (result.exit_code, "Traceback" in result.output) == (1, False)
    assert "misconfigured: --from 2026-02-01" in result.output


def test_a_vendors_text_is_printed_as_it_is(settings: Settings, varai: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    record = RunRecord(run_id="r", started_at=NOW, ended_at=NOW, failures={"a/shop/orders": HOSTILE})
    monkeypatch.setattr(river.run, "run_feeds", lambda *given, **named: record)
    result = varai("run", "--region", "eu")
    assert (result.exit_code, HOSTILE in result.output) == (1, True), result.output


def test_an_error_that_quotes_a_vendor_is_printed_as_it_is(
    settings: Settings, varai: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*given: object, **named: object) -> None:
        raise Malformed(HOSTILE, "Ask [/x].")

    monkeypatch.setattr(river.run, "run_feeds", broken)
    result = varai("run", "--region", "eu")
    assert result.exit_code == 1
    assert HOSTILE in result.output
    assert "Ask [/x]." in result.output


def test_a_feed_that_cannot_be_checked_is_named_and_stops_no_other(settings: Settings, varai: Run) -> None:
    result = varai("feeds", "check", "--region", "eu")  # no secret of any feed is there
    assert result.exit_code == 1
    for tenant in ("brillen-haus", "northwind-eu"):
        assert f"eu {tenant}/shop: " in result.output
    assert "Traceback" not in result.output
