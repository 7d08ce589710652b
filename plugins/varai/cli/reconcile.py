"""`varai reconcile`: do all places hold the same, by their counts or row by row; and mending what differs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from varai.cli import tables
from varai.cli.arguments import Json, MaybeFeed, MaybeTenant, Region, chosen_feeds, holder, operator
from varai.kernel import FeedKey, Misconfigured
from varai.river import reconcile as counts
from varai.river.proof.feeds import Proven, mend_feeds, prove_feeds
from varai.river.proof.plan import steps
from varai.river.proof.words import FeedProof
from varai.settings import Settings, load

_PATIENCE_S = 60.0
_SHOWN = 50


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command("reconcile")(reconcile)


def reconcile(
    region: Region,
    tenant: MaybeTenant = None,
    feed: MaybeFeed = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Compare every row by its content, the vendor's among them, not only counts.")
    ] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Mend what --deep finds. Only says what it would do unless --yes is given.")
    ] = False,
    reason: Annotated[
        str, typer.Option("--reason", help="Why it is mended; kept in the audit.")
    ] = "found by varai reconcile",
    yes: Annotated[bool, typer.Option("--yes", help="With --repair: do it, then compare again.")] = False,
    as_json: Json = False,
) -> None:
    """Compare what the vendor has now, what is known here, catalogue, warehouse, published. Exit code 1 when they differ."""
    if (repair or yes) and not (deep and repair):
        raise Misconfigured("Only rows can be mended.", "Say --deep --repair; add --yes to do it.")
    settings = load()
    keys = chosen_feeds(settings, region, tenant, feed)
    if not deep:
        _counts(settings, region, keys, as_json=as_json)
        return
    if yes:
        done = mend_feeds(
            settings, region, keys, reason=reason, actor=operator(), holder=holder(), patience_s=_PATIENCE_S
        )
    else:
        done = prove_feeds(settings, region, keys, holder=holder(), patience_s=_PATIENCE_S)
    if as_json:
        typer.echo(json.dumps(_document(done, planned=repair and not yes), indent=1))
    else:
        _tell(done, planned=repair and not yes)
    _finish(done.failures.items(), done.differences)


def _counts(settings: Settings, region: str, keys: Sequence[FeedKey], *, as_json: bool) -> None:
    done = counts.reconcile_feeds(settings, region, keys, holder=holder())
    if as_json:
        typer.echo(json.dumps([one.model_dump(mode="json") for one in done.found], indent=1))
    else:
        tables.wide_console().print(tables.reconciliation(done.found))
    _finish(done.failures.items(), done.differences)


def _finish(failures: Iterable[tuple[FeedKey, str]], differences: Sequence[str]) -> None:
    for key, why in failures:
        typer.echo(f"{key} could not be compared: {why}", err=True)
    if differences:
        raise typer.Exit(1)


def _document(done: Proven, *, planned: bool) -> dict[str, object]:
    """What programs read: a proof per feed, what was done or would be, and feeds that could not be compared."""
    would = [step.sentence for one in done.found for step in steps(one)] if planned else []
    return {
        "feeds": [one.model_dump(mode="json") | {"proven": one.proven} for one in done.found],
        "would": would,
        "done": [sentence for one in done.mended for sentence in one.done],
        "failures": {str(key): why for key, why in done.failures.items()},
    }


def _tell(done: Proven, *, planned: bool) -> None:
    console = tables.wide_console()
    console.print(tables.proofs(done.found))
    for mended in done.mended:
        _list(console, mended.before.key, "was mended", mended.done)
    for one in done.found:
        _list(console, one.key, "differ", one.sentences)
        if planned:
            _would(console, one)


def _would(console: Console, proof: FeedProof) -> None:
    planned = [step.sentence for step in steps(proof)]
    if planned:
        _list(console, proof.key, "would be mended", planned)
        console.print("Nothing was changed; add --yes to mend this.", highlight=False)


def _list(console: Console, key: FeedKey, title: str, sentences: Sequence[str]) -> None:
    if not sentences:
        return
    console.print(f"[bold]{key}[/] {title}:", highlight=False)
    for sentence in sentences[:_SHOWN]:
        console.print(f"  {escape(sentence)}", highlight=False, soft_wrap=True)
    if len(sentences) > _SHOWN:
        console.print(f"  and {len(sentences) - _SHOWN} more; --json lists them", highlight=False)
