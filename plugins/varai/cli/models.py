"""`varai models`: what is served to whom and why, the way back, and training without Airflow."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console

from varai.cli import tables
from varai.cli.arguments import Json, MaybeRegion, MaybeTenant, Region, Tenant, chosen_regions, operator
from varai.kernel import Gone, Misconfigured, Scope
from varai.learning import answers, states
from varai.learning.registered import registered_name
from varai.learning.spec import specs
from varai.learning.tracking import Registry
from varai.learning.turns import turn
from varai.privacy import audit
from varai.registry import tenants
from varai.settings import Settings, load

app = typer.Typer(no_args_is_help=True, help="Train, compare, promote and roll back models.")
Model = Annotated[str, typer.Option("--model", "-m", help="Model, as a file of ml_pipelines/models is named.")]
Number = Annotated[int, typer.Argument(help="Number of the version.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept in the audit.")]
_RECOMMENDER = "recommender"


@app.command("list")
def list_models(region: MaybeRegion = None, tenant: MaybeTenant = None, as_json: Json = False) -> None:
    """Every tenant's versions: the champion, its metric beside the floor's, and how training went last."""
    settings = load()
    rows = [
        row
        for scope in _scopes(settings, region, tenant)
        for model in specs(settings.ml_pipelines / "models")
        for row in _rows(scope, model)
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
    else:
        tables.wide_console().print(tables.models(rows))


@app.command()
def compare(region: Region, tenant: Tenant, one: Number, other: Number, model: Model = _RECOMMENDER) -> None:
    """Judge the recipes of two versions on the tenant's present test window, each fitted to what came before it."""
    from varai.learning import steps  # SciPy takes a second, which other commands need not wait for

    settings = load()
    scope = settings.scope(region, tenant)
    registry, name = Registry(scope), registered_name(scope, model)
    pair = [registry.version(name, number) for number in (one, other)]
    for version in pair:
        typer.echo(f"version {version.number}, when trained: {version.pointer.decision}")
    typer.echo(steps.compare(settings, region, tenant, model, *(version.pointer for version in pair)))


@app.command()
def promote(region: Region, tenant: Tenant, version: Number, reason: Reason, model: Model = _RECOMMENDER) -> None:
    """Make a version the champion. Serving takes it up by itself."""
    scope = load().scope(region, tenant)
    name = registered_name(scope, model)
    with (
        turn(scope, model, operator()),
        audit.act(scope, "model.promotion", f"{name}/{version}", reason, actor=operator()),
    ):
        Registry(scope).promote(name, version)
    typer.echo(f"Version {version} is the champion of {name}.")


@app.command()
def rollback(region: Region, tenant: Tenant, reason: Reason, model: Model = _RECOMMENDER) -> None:
    """Make the champion before this one the champion again; training does not replace it until somebody promotes."""
    scope = load().scope(region, tenant)
    name = registered_name(scope, model)
    with turn(scope, model, operator()):
        # Only the registry finds out to which version, so the act is named by the model before it is done.
        audit.append(scope, "model.rollback.begun", name, reason, actor=operator())
        version = Registry(scope).rollback(name, reason)
        audit.append(scope, "model.rollback.done", f"{name}/{version.number}", reason, actor=operator())
    typer.echo(f"Version {version.number} is the champion of {name} again: {version.pointer.decision}")


@app.command()
def delete(region: Region, tenant: Tenant, version: Number, reason: Reason, model: Model = _RECOMMENDER) -> None:
    """Delete a version, its run and its bundle. Refused for a champion."""
    from varai.learning import forget

    scope = load().scope(region, tenant)
    name = registered_name(scope, model)
    with (
        turn(scope, model, operator()),
        audit.act(scope, "model.deletion", f"{name}/{version}", reason, actor=operator()),
    ):
        forget.delete(scope, model, version)
    typer.echo(f"Version {version} of {name} is deleted.")


@app.command()
def retire(
    region: Region,
    tenant: Tenant,
    reason: Reason,
    model: Model = _RECOMMENDER,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this, only say what would go.")] = False,
) -> None:
    """Take the champion from service and delete it; nobody is served until another is trained or promoted."""
    from varai.learning import forget

    scope = load().scope(region, tenant)
    name = registered_name(scope, model)
    champion = Registry(scope).champion(name)
    if champion is None:
        raise Gone(f"{name} has no champion.", "See `varai models list`.")
    typer.echo(
        f"Version {champion.number} is the champion of {name}, trained at {champion.tags.get('varai.trained_at')}."
    )
    if not yes:
        typer.echo("Nothing was changed; add --yes to retire it.")
        return
    with turn(scope, model, operator()):
        forget.retire(scope, model, champion, reason, actor=operator())
    typer.echo("It is retired and deleted; nobody is served until `varai models train` or `promote` makes another.")


@app.command()
def train(region: MaybeRegion = None, tenant: MaybeTenant = None, model: Model = _RECOMMENDER) -> None:
    """Train now, in this process: assemble, train, evaluate, promote. Too little data is a state, not a failure."""
    from varai.learning import steps

    settings, failed = load(), False
    scopes = _scopes(settings, region, tenant)
    for name in sorted({scope.region for scope in scopes}):
        found = steps.learn(settings, name, [str(scope.tenant) for scope in scopes if scope.region == name], model)
        for who, state in found.items():
            Console().print(
                f"{name} {who}: {state.kind}. {state.sentence}", highlight=False, markup=False, soft_wrap=True
            )
            failed = failed or state.kind == "failed"
    if failed:
        raise typer.Exit(1)


@app.command()
def replay(
    answer_id: Annotated[str, typer.Argument(help="`answer_id` of an answer of /v1/recommendations or /v1/similar.")],
    region: MaybeRegion = None,
    tenant: MaybeTenant = None,
    as_json: Json = False,
) -> None:
    """Give an answer again, bit for bit, from the model and the state of the shop that it was made from."""
    scope = answers.owner(_scopes(load(), region, tenant), answer_id)
    again = answers.replay(scope, answer_id)
    made_from = {"region": scope.region, "tenant": scope.tenant} | {
        name: getattr(again, name) for name in ("model", "version", "bundle_id", "snapshot_id", "digest", "seed")
    }
    if as_json:
        # By the encoder of serving, so that equal answers are equal bytes.
        told = made_from | {"asked": asdict(again.asked), "items": [one.told() for one in again.items]}
        typer.echo(orjson.dumps(told))
        return
    typer.echo(" ".join(f"{name}={value}" for name, value in made_from.items()))
    for place, one in enumerate(again.items, 1):
        typer.echo(f"{place:>3}  {one.score!r:<24}  {one.item}  {one.reason}{', explored' if one.explored else ''}")


def _scopes(settings: Settings, region: str | None, tenant: str | None) -> list[Scope]:
    """Scopes of the tenants that were named, or of all; raises Misconfigured where there is none of that name."""
    known = [
        settings.scope(name, one.name)
        for name in chosen_regions(settings, region)
        for one in tenants(settings.scope(name))
        if tenant in (None, one.name)
    ]
    if tenant and not known:
        where = f"region '{region}'" if region else "any region"
        raise Misconfigured(f"There is no tenant '{tenant}' in {where}.", "See `varai feeds list`.")
    return known


def _rows(scope: Scope, model: str) -> list[dict[str, Any]]:
    """A row per version, and one for a tenant without any."""
    state = states.read(scope, model)
    about = {"region": scope.region, "tenant": scope.tenant, "model": model}
    last = {"state": "never trained", "sentence": "", "drift": ""}
    if state is not None:
        last = {"state": state.kind, "sentence": state.sentence, "drift": state.drift}
    versions = Registry(scope).versions(registered_name(scope, model))
    told = ("trained_at", "metric", "floor", "serves", "snapshot")
    if not versions:
        return [about | dict.fromkeys(("version", "champion", *told, "difference", "recipe")) | last]
    return [
        about
        | {"version": one.number, "champion": one.champion}
        | {name: one.tags.get(f"varai.{name}") for name in told}
        | {name: json.loads(one.tags.get(f"varai.{name}", "null")) for name in ("difference", "recipe")}
        | (last if one.number == versions[0].number else dict.fromkeys(last, ""))
        for one in versions
    ]
