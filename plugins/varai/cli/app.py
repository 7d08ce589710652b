"""Root of the command line: commands and groups, and typed errors turned into a sentence, a cure and exit code 1."""

from __future__ import annotations

import sys
from typing import Any

import structlog
import typer
from rich.console import Console
from rich.markup import escape
from typer.core import TyperGroup

from varai.cli import feeds, inbox, models, privacy, quarantine, reconcile, river, show, tokens
from varai.kernel import VaraiError
from varai.stores import failures_as_sentences


class Sentences(TyperGroup):
    """A group whose typed errors end as sentences instead of stack traces."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; a VaraiError is printed with its cure and runbook."""
        try:
            with failures_as_sentences():
                return super().invoke(ctx)
        except VaraiError as error:
            console = Console(stderr=True)
            console.print(f"[bold red]{error.kind}[/]: {escape(error.what)}", highlight=False, soft_wrap=True)
            console.print(f"[bold]cure[/]: {escape(error.cure)} ({error.runbook})", highlight=False, soft_wrap=True)
            sys.exit(1)


app = typer.Typer(
    cls=Sentences,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def prepare() -> None:
    """Run, inspect and repair the river of VARAi Commerce Studio."""
    # JSON lines to the error stream, so that what a command prints stays its own.
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


app.add_typer(feeds.app, name="feeds")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(privacy.app, name="privacy")
app.add_typer(inbox.app, name="inbox")
app.add_typer(models.app, name="models")
app.add_typer(show.app, name="show")
app.add_typer(river.slices, name="slice")
river.register(app)
reconcile.register(app)
tokens.register(app)
