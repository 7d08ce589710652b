"""`varai inbox`: drain the webhooks of a region, and look after those that led nowhere."""

from __future__ import annotations

import json
import signal
import threading
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Annotated

import structlog
import typer
from pymongo.errors import PyMongoError
from rich.markup import escape
from rich.table import Table

from varai.cli.arguments import Json, MaybeTenant, Region, holder
from varai.cli.tables import wide_console
from varai.kernel import VaraiError, utc_now
from varai.registry import inbox
from varai.river import drain as draining
from varai.river.operate import progress_to_registry
from varai.river.silence import listen
from varai.settings import Settings, load

app = typer.Typer(no_args_is_help=True, help="Drain webhooks, and look after those that led nowhere.")
State = Annotated[str, typer.Option("--state", help="waiting, done, dead or all.")]
EVERY_S = 2.0
"""How often a follower looks for events."""
_LOOK_EVERY = 30
"""After so many rounds it is looked whether webhooks fell silent."""
log = structlog.get_logger(__name__)


@app.command("drain")
def drain(
    region: Region,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until the process is told to stop.")] = False,
    alive: Annotated[Path | None, typer.Option("--alive", help="With --follow: a file to touch every round.")] = None,
) -> None:
    """Read what webhooks told of, as far as the catalogue."""
    settings = load()
    if follow:
        settings.region(region)
        _follow(settings, region, alive)
        return
    done = draining.drain(settings, region, holder=holder(), linger=timedelta(0))
    typer.echo(f"{done.done} done, {done.waiting} waiting, {done.failed} failed, {done.dead} of these dead letters.")


def _follow(settings: Settings, region: str, alive: Path | None) -> None:
    """Rounds until a signal; one that breaks is told and the next one tried, for a store that is down comes back."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    looks = (number % _LOOK_EVERY == 0 for number in count())
    progress = progress_to_registry(settings, region)
    log.info("inbox.followed", region=region)
    while not stop.wait(EVERY_S):
        if alive is not None:
            alive.touch()
        try:
            if next(looks):
                listen(settings, region, utc_now())
            done = draining.drain(settings, region, holder=holder(), progress=progress)
        except VaraiError as error:
            log.warning("inbox.not_drained", region=region, kind=error.kind, what=error.what)
        except PyMongoError as error:
            log.warning("inbox.not_drained", region=region, kind=type(error).__name__)
        else:
            if done.feeds:
                log.info("inbox.drained", region=region, done=done.done, waiting=done.waiting, failed=done.failed)


@app.command("list")
def list_events(
    region: Region,
    tenant: MaybeTenant = None,
    state: State = "dead",
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000)] = 50,
    as_json: Json = False,
) -> None:
    """Events, newest first; dead letters unless told."""
    wanted: inbox.State | None = _state(state)
    found = inbox.events(load().scope(region, tenant), wanted, limit)
    if as_json:
        typer.echo(json.dumps([one.model_dump(mode="json") for one in found], indent=1))
        return
    if not found:
        typer.echo(
            "No webhook led nowhere; --state all lists those that did not."
            if wanted == "dead"
            else "None of that state."
        )
        return
    table = Table()
    for name in ("event", "topic", "received", "state", "attempts", "reason"):
        table.add_column(name)
    for one in found:
        received = one.received_at.strftime("%Y-%m-%d %H:%M:%S")
        table.add_row(one.id, one.topic, received, one.state, str(one.attempts), escape(one.reason))
    wide_console().print(table)


@app.command("show")
def show(region: Region, event: Annotated[str, typer.Argument(help="As `list` gives it.")]) -> None:
    """One event. Whom a notice is about is not told."""
    typer.echo(inbox.event(load().scope(region), event).model_dump_json(indent=1))


@app.command("replay")
def replay(
    region: Region,
    event: Annotated[list[str] | None, typer.Argument(help="As `list` gives them; all dead letters without.")] = None,
    tenant: MaybeTenant = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it; without this, only say what would be tried again.")
    ] = False,
) -> None:
    """Let dead letters wait again, as if they had just come. Says which unless --yes is given."""
    scope = load().scope(region, tenant)
    found = [inbox.event(scope, name) for name in event] if event else inbox.events(scope, "dead", 10_000)
    dead = [one for one in found if one.state == "dead"]
    for one in dead:
        typer.echo(f"{'' if yes else 'would try '}{one.id} ({one.topic}) again")
    if yes:
        inbox.replay(scope, dead, utc_now())
    elif dead:
        typer.echo("Nothing was changed; add --yes to try them again.")


def _state(text: str) -> inbox.State | None:
    for known in inbox.STATES:
        if text == known:
            return known
    if text != "all":
        raise typer.BadParameter("There are waiting, done, dead and all.", param_hint="--state")
    return None
