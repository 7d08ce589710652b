"""`varai privacy`: where a person is, forgetting them, and answering those who asked for their data.

Reports show pseudonyms and places, never what they hold.
"""

from __future__ import annotations

import json
from typing import Annotated

import typer

from varai.cli.arguments import Json, Region, Tenant, holder, operator, tenant_scope
from varai.kernel import FeedKey
from varai.privacy import Finding, Requests
from varai.river import erasure, requests
from varai.settings import load

app = typer.Typer(no_args_is_help=True, help="Find and forget a person.")
Subject = Annotated[str, typer.Option("--subject", help="The vendor's id of the customer.")]
FeedName = Annotated[str, typer.Option("--feed", "-f", help="Feed whose vendor gave the id.")]


@app.command("where")
def where(region: Region, tenant: Tenant, subject: Subject, feed: FeedName = "shop") -> None:
    """Every place that holds a person."""
    from varai.learning.forget import places  # SciPy takes a second, which other commands need not wait for

    settings = load()
    name = erasure.pseudonym(settings, region, FeedKey(tenant, feed), subject)
    _tell(erasure.where_is(settings, settings.scope(region, tenant), name, beyond=places, holder=holder()), name)


@app.command("erase")
def erase(
    region: Region,
    tenant: Tenant,
    subject: Subject,
    reason: Annotated[
        str, typer.Option("--reason", help="Who asked and how, without personal data; kept in the ledger.")
    ],
    feed: FeedName = "shop",
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this, only say what would go.")] = False,
) -> None:
    """Forget a person everywhere in their region. Says what would go unless --yes is given."""
    from varai.learning.forget import places

    settings = load()
    name = erasure.pseudonym(settings, region, FeedKey(tenant, feed), subject)
    report = erasure.erase_subject(
        settings,
        settings.scope(region, tenant),
        name,
        beyond=places,
        reason=reason,
        dry_run=not yes,
        holder=holder(),
        actor=operator(),
    )
    _tell(report.found, name)
    if not yes:
        typer.echo("Nothing was changed; add --yes to forget this person.")
    elif report.complete:
        typer.echo("Forgotten everywhere; the ledger keeps it that way.")
    else:
        typer.echo("Still held:")
        _tell(report.left, name)
        raise typer.Exit(1)


@app.command("requests")
def list_requests(region: Region, tenant: Tenant, as_json: Json = False) -> None:
    """People who asked for their data, the most urgent first, by pseudonym."""
    found = Requests(tenant_scope(load(), region, tenant)).entries()
    if as_json:
        typer.echo(json.dumps([one.model_dump(mode="json") for one in found], indent=1))
        return
    for one in found:
        typer.echo(f"{one.id}  {one.status:5}  due {one.due_at:%Y-%m-%d}  pseudonym {one.subject}")


@app.command("answer")
def answer(
    region: Region,
    tenant: Tenant,
    request: Annotated[str, typer.Argument(help="As `requests` gives it.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this, only say that it lies ready.")] = False,
) -> None:
    """Hand over what is held of a person who asked: printed once, then deleted here. Says whether it is ready unless --yes is given."""
    scope = tenant_scope(load(), region, tenant)
    if yes:
        typer.echo(requests.hand_over(scope, request, actor=operator()))
        return
    requests.read_answer(scope, request)
    typer.echo(
        "The answer lies ready. Nothing was changed; add --yes to print it, personal data in clear, and end the request."
    )


def _tell(found: tuple[Finding, ...], name: str) -> None:
    typer.echo(f"pseudonym {name}: {len(found)} places")
    if not found:
        typer.echo("Nothing here holds a customer of this id. Where there should be one, look at the id and at --feed.")
    for one in found:
        typer.echo(f"  {one.place:12} {one.rows:6}  {one.where}")
