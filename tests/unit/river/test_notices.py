"""What a vendor tells beside changes: people enter the ledgers with the day by which they are due, and a lost app is told with its cure."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner

from tests.conftest import simulated
from varai import registry
from varai.cli import app
from varai.kernel import FeedKey, RequestsOpen, Scope, utc_now
from varai.learning.forget import places
from varai.privacy import Ledger, Personal, Requests, Vault, audit, overdue_requests
from varai.registry import SealedTokens, connections, feed, feed_states, inbox, put_feed
from varai.river.drain import drain
from varai.river.erasure import erase_due, pseudonym
from varai.river.notices import due
from varai.river.requests import answer_due
from varai.settings import FolderSecrets, Settings, load
from varai.sources.webhooks import Notice
from varai.stores import objects

KEY = FeedKey("northwind-eu", "shop")
TOPICS: dict[Notice, str] = {
    "uninstalled": "app/uninstalled",
    "data_request": "customers/data_request",
    "redact_customer": "customers/redact",
    "redact_shop": "shop/redact",
}


@pytest.fixture
def settings(home: Path, mongodb_uri: str, mongodb: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A region whose feeds were never read, seen by the command line too."""
    given = {"VARAI_HOME": str(home), "VARAI_DATABASE": mongodb, "VARAI_STORES__EU__DOCUMENTS_URI": mongodb_uri}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    found = load(given)
    registry.seed(found.scope("eu"), found.seeds)
    return found


@pytest.fixture
def scope(settings: Settings) -> Scope:
    return settings.scope("eu", KEY.tenant)


def told(scope: Scope, notice: Notice, subject: str | None = None, at: datetime | None = None) -> inbox.Event:
    at = at or utc_now() - timedelta(minutes=1)
    event = inbox.Event(
        id=inbox.event_id(KEY, f"{notice} {subject} {at}"),
        tenant=KEY.tenant,
        feed=KEY.feed,
        connector="shopify",
        topic=TOPICS[notice],
        notice=notice,
        received_at=at,
        try_at=at,
    )
    assert inbox.put(scope, [inbox.document(scope, event, subject)]) == [True]
    return event


def varai(*words: str) -> Any:
    return CliRunner().invoke(app, list(words))


def test_who_asks_to_be_forgotten_enters_the_ledger_and_the_inbox_forgets_them(
    settings: Settings, scope: Scope
) -> None:
    event = told(scope, "redact_customer", "77001")
    assert drain(settings, "eu", holder="t").done == 1
    [entry] = Ledger(scope).entries()
    assert entry.subject == pseudonym(settings, "eu", KEY, "77001")
    assert (entry.requested_at, entry.due_at) == (event.received_at, due(event.received_at))
    assert inbox.event(scope, event.id).state == "done"
    with pytest.raises(Exception, match="about nobody"):
        inbox.subject_of(scope, event)
    assert erase_due(settings, "eu", beyond=places, holder="operate", now=utc_now()) == 1
    assert Ledger(scope).entries("open") == []


@pytest.mark.parametrize(
    ("asked", "until"),
    [
        (datetime(2026, 1, 5, 8, tzinfo=UTC), datetime(2026, 2, 4, 8, tzinfo=UTC)),  # 30 days before the month
        (datetime(2026, 2, 5, 8, tzinfo=UTC), datetime(2026, 3, 5, 8, tzinfo=UTC)),  # the month before 30 days
    ],
)
def test_the_vendor_s_days_and_the_law_s_month_both_hold(asked: datetime, until: datetime) -> None:
    assert due(asked) == until


def test_status_is_red_when_an_erasure_or_an_answer_is_late(settings: Settings, scope: Scope) -> None:
    assert varai("status", "--region", "eu").exit_code == 0
    told(scope, "redact_customer", "77001", utc_now() - timedelta(days=29))
    told(scope, "data_request", "77002", utc_now() - timedelta(days=29))
    assert drain(settings, "eu", holder="t").done == 2
    assert varai("status", "--region", "eu").exit_code == 0
    told(scope, "redact_customer", "77003", utc_now() - timedelta(days=31))
    told(scope, "data_request", "77004", utc_now() - timedelta(days=31))
    assert drain(settings, "eu", holder="t").done == 2
    said = varai("status", "--region", "eu")
    assert said.exit_code == 1
    assert f"{KEY.tenant}: 1 erasures are overdue" in said.stdout
    assert f"{KEY.tenant}: 1 answers to people who asked for their data are overdue" in said.stdout
    assert varai("status", "--json").exit_code == 1


def test_who_asks_for_their_data_is_answered_once_and_sealed_until_then(settings: Settings, scope: Scope) -> None:
    subject = pseudonym(settings, "eu", KEY, "77001")
    Vault(scope).put([Personal(subject, {"email": "anna.zq7@example.com"}, None)])
    told(scope, "data_request", "77001")
    assert drain(settings, "eu", holder="t").done == 1
    assert answer_due(settings, "eu") == 1
    assert answer_due(settings, "eu") == 0
    [request] = Requests(scope).entries("ready")
    assert b"zq7" not in objects(scope).read(request.answer)
    dry = varai("privacy", "answer", "-r", "eu", "-t", KEY.tenant, request.id)
    assert "zq7" not in dry.stdout and Requests(scope).entries("ready")
    said = varai("privacy", "answer", "-r", "eu", "-t", KEY.tenant, request.id, "--yes")
    assert json.loads(said.stdout)["person"] == {"email": "anna.zq7@example.com"}
    assert not objects(scope).exists(request.answer)
    assert [one.status for one in Requests(scope).entries()] == ["done"]


def test_an_answer_that_lies_about_is_overdue_and_turns_the_graph_red(settings: Settings, scope: Scope) -> None:
    told(scope, "data_request", "77001", utc_now() - timedelta(days=31))
    drain(settings, "eu", holder="t")
    with pytest.raises(RequestsOpen, match=KEY.tenant):
        answer_due(settings, "eu")
    assert overdue_requests(settings.scope("eu"), utc_now()) == {KEY.tenant: 1}


def test_an_erasure_takes_the_answer_with_it(settings: Settings, scope: Scope) -> None:
    told(scope, "data_request", "77001")
    drain(settings, "eu", holder="t")
    answer_due(settings, "eu")
    [request] = Requests(scope).entries()
    told(scope, "redact_customer", "77001")
    drain(settings, "eu", holder="t")
    assert erase_due(settings, "eu", beyond=places, holder="operate", now=utc_now()) == 1
    assert not objects(scope).exists(request.answer)


def test_an_app_that_was_taken_off_needs_reauthorisation_and_keeps_no_token(
    home: Path, settings: Settings, scope: Scope
) -> None:
    FolderSecrets(home / "secrets").write(f"{KEY.tenant}-shop", '{"client_id": "app", "client_secret": "s"}')
    held = {"access_token": "a", "expires_at": (utc_now() + timedelta(hours=1)).isoformat()}
    SealedTokens(scope, KEY.feed).swap(held, 0)
    told(scope, "uninstalled")
    empty = home / "no-shops"
    empty.mkdir()
    with simulated("shopify", home, empty) as url:  # a shop that is not there is refused as one whose app is not
        vendors = settings.model_copy(update={"vendors": {"shopify_eu": url}})
        assert drain(vendors, "eu", holder="t").done == 1
    state = feed_states(scope)[str(KEY)]
    assert state.kind == "needs reauthorisation"
    assert "varai feeds connect" in state.cure
    assert SealedTokens(scope, KEY.feed).get()[0] is None
    assert [one.action for one in audit.entries(scope)] == ["feed.disconnected"]


def test_a_vendor_without_a_page_to_connect_at_is_told_of_and_asked_on(settings: Settings, scope: Scope) -> None:
    """Its merchant makes new credentials, and an operator writes them: there is nothing that could take a mark off."""
    put_feed(scope, feed(scope, KEY).model_copy(update={"connector": "bigcommerce"}))
    told(scope, "uninstalled")
    assert drain(settings, "eu", holder="t").done == 1
    assert feed_states(scope)[str(KEY)].kind == "needs reauthorisation"
    assert connections.connection(scope, KEY).disconnected_at is None


def test_a_shop_that_left_is_read_no_more(settings: Settings, scope: Scope) -> None:
    told(scope, "redact_shop")
    with capture_logs() as logs:
        assert drain(settings, "eu", holder="t").done == 1
    assert feed(scope, KEY).paused
    assert [one["people"] for one in logs if one["event"] == "shop.left"] == [0]


def test_a_notice_that_cannot_be_heeded_is_a_dead_letter_in_the_end(settings: Settings, scope: Scope) -> None:
    """The vendor's id is none of its customers': somebody has to look at it, and the sentence does not quote it."""
    event = told(scope, "redact_customer", "anna@example.com")
    for _ in range(len(inbox.WAITS) + 1):
        now = inbox.event(scope, event.id)
        inbox.postpone(scope, [now], utc_now() - timedelta(seconds=1), now.reason)
        drain(settings, "eu", holder="t")
    found = inbox.event(scope, event.id)
    assert (found.state, found.attempts) == ("dead", len(inbox.WAITS) + 1)
    assert "no id of a Shopify customer" in found.reason and "anna" not in found.reason
    assert inbox.subject_of(scope, found) == "anna@example.com"  # kept for the replay
