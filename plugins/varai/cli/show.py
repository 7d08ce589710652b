"""`varai show`: facts that other tools read, such as Terraform and dbt."""

from __future__ import annotations

import json

import typer

from varai.canonical import ENTITIES
from varai.cli.arguments import Json
from varai.settings import load

app = typer.Typer(no_args_is_help=True, help="Print facts of the configuration.")


@app.command()
def regions(as_json: Json = False) -> None:
    """Regions of config/regions.toml."""
    found = {name: one.model_dump() for name, one in load().regions.items()}
    if as_json:
        typer.echo(json.dumps(found, indent=1))
        return
    for name, one in found.items():
        typer.echo(f"{name}: {one['location']}, recovers to {one['dr_location']}, {one['regime']}")


@app.command()
def entities(as_json: Json = False) -> None:
    """Canonical entities with their data class."""
    if as_json:
        typer.echo(json.dumps({name: [field.name for field in one.stored] for name, one in ENTITIES.items()}, indent=1))
        return
    for one in ENTITIES.values():
        typer.echo(f"{one.name} ({one.data_class}): {one.about}")
