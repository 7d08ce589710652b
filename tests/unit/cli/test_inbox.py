"""`varai inbox`: the consumer goes round until it is told to stop, and dead letters are tried again only when that is said."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.unit.cli.conftest import Run
from varai.kernel import FeedKey, utc_now
from varai.registry import inbox
from varai.settings import Settings

KEY = FeedKey("northwind-eu", "shop")


def dead(settings: Settings, name: str) -> inbox.Event:
    """A dead letter of a notice about a person."""
    scope, at = settings.scope("eu", KEY.tenant), utc_now() - timedelta(hours=1)
    event = inbox.Event(
        id=inbox.event_id(KEY, name),
        tenant=KEY.tenant,
        feed=KEY.feed,
        connector="shopify",
        topic="customers/redact",
        notice="redact_customer",
        received_at=at,
        state="dead",
        reason="It could not be [/] read.",
        try_at=at,
    )
    inbox.put(scope, [inbox.document(scope, event, "anna@example.com")])
    return event


def test_dead_letters_are_listed_and_replayed_when_that_is_said(settings: Settings, varai: Run) -> None:
    one, other = dead(settings, "1"), dead(settings, "2")
    listed = varai("inbox", "list", "-r", "eu")
    assert one.id in listed.stdout and "It could not be [/] read." in listed.stdout
    shown = varai("inbox", "show", "-r", "eu", one.id)
    assert one.topic in shown.stdout
    assert "anna" not in listed.stdout + shown.stdout
    dry = varai("inbox", "replay", "-r", "eu")
    assert "would try" in dry.stdout
    assert len(inbox.events(settings.scope("eu"), "dead")) == 2
    varai("inbox", "replay", "-r", "eu", one.id, "--yes")
    assert [event.id for event in inbox.events(settings.scope("eu"), "dead")] == [other.id]
    [again] = inbox.events(settings.scope("eu"), "waiting")
    assert (again.id, again.attempts) == (one.id, 0)
    assert varai("inbox", "list", "-r", "eu", "--state", "lost").exit_code == 2
    assert varai("inbox", "show", "-r", "eu", "no/such/event").exit_code == 1


def test_dead_letters_are_told_in_status(settings: Settings, varai: Run) -> None:
    dead(settings, "1")
    said = varai("status", "--region", "eu")
    assert said.exit_code == 0
    assert f"{KEY}: 1 webhooks led nowhere" in said.stdout


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_follower_goes_round_until_it_is_told_to_stop(
    settings: Settings, tmp_path: Path, sign: signal.Signals
) -> None:
    event, alive = dead(settings, "1"), tmp_path / "alive"
    inbox.replay(settings.scope("eu"), [event], utc_now() - timedelta(minutes=1))
    command = [sys.executable, "-c", "from varai.cli import app; app()", "inbox", "drain", "-r", "eu", "--follow"]
    stores = {
        "VARAI_STORES__EU__DOCUMENTS_URI": settings.stores["eu"].documents_uri,
        "VARAI_DATABASE": settings.database,
    }
    path = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "plugins")])
    environment = {**os.environ, **stores, "VARAI_HOME": str(settings.home), "PYTHONPATH": path}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([*command, "--alive", str(alive)], env=environment, stdout=log, stderr=log)
    try:
        ends = time.monotonic() + 120
        while not (alive.exists() and inbox.event(settings.scope("eu"), event.id).attempts):
            assert process.poll() is None and time.monotonic() < ends, (tmp_path / "log").read_text()
            time.sleep(0.1)
        process.send_signal(sign)
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
    told = (tmp_path / "log").read_text()
    assert "inbox.drained" in told and "anna" not in told
