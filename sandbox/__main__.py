"""The stand-in outside world and the embedded stack: `python -m sandbox up|down|demo|status|logs|reset|prove`."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import httpx
import typer
from rich.console import Console

from sandbox.compose import engine
from sandbox.stack import demo as demonstration
from sandbox.stack.report import told
from sandbox.stack.shops import make_world
from sandbox.stack.supervise import NotWell, states
from sandbox.stack.up import down as end
from sandbox.stack.up import layout_of
from sandbox.stack.up import up as begin
from varai.cli.tables import wide_console

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
Data = Annotated[
    Path | None, typer.Option("--data", exists=True, file_okay=False, help="Folder of real files to make shops from.")
]
Profile = Annotated[
    Literal["embedded", "compose"], typer.Option(help="As processes of this machine, or in containers.")
]
_STOPPED = 130


@app.command()
def up(profile: Profile = "embedded") -> None:
    """Start the stack and leave it running."""
    if profile == "compose":
        state = engine.state_of()
        engine.up(state, typer.echo)
        for name, url in engine.addresses().items():
            typer.echo(f"{name}: {url}")
        typer.echo(f"Airflow knows `admin`, whose password is in {state.root / 'secrets' / 'airflow-admin'}.")
        return
    layout = begin(layout_of(), make_world, lambda text: Console().print(f"[dim]{text}[/]", highlight=False))
    _tell(told(layout))


@app.command()
def demo(data: Data = None) -> None:
    """Start the stack, run the river in every region, show what a merchant gets; leaves the stack up."""
    raise typer.Exit(demonstration.demo(data))


@app.command()
def down(profile: Profile = "embedded") -> None:
    """End everything the stack started; its data stay."""
    if profile == "compose":
        typer.echo("The stack is down." if engine.down(engine.state_of()) else "The compose stack was never started.")
        return
    left = end(layout_of())
    typer.echo(
        "The stack is down." + (f" {left} processes had outlived the supervisor and were ended." if left else "")
    )


@app.command()
def status() -> None:
    """State of every program, and `varai status`."""
    layout = layout_of()
    found = dict(sorted(states(layout).items()))
    if not found:
        typer.echo("The stack is down; start it with `make up`.")
        raise typer.Exit(1)
    _tell(found)
    subprocess.run([str(layout.tools / "varai"), "status"], env=layout.environment(), check=False)
    _tell(told(layout))
    dead = sorted(name for name, state in found.items() if state != "RUNNING")
    if dead:
        typer.echo(
            f"Not running: {', '.join(dead)}. `make logs NAME={dead[0]}` says why; `make down`, then `make up` starts all again."
        )
        raise typer.Exit(1)


def _tell(lines: Mapping[str, str]) -> None:
    for name, value in lines.items():
        typer.echo(f"{name:24} {value}")


@app.command()
def logs(name: Annotated[str | None, typer.Argument(help="Program; all when left out.")] = None) -> None:
    """The end of every program's log."""
    logs = {path.stem: path for path in sorted((layout_of().home / "logs").glob("*.log"))}
    if name is not None and name not in logs:
        sys.exit(f"There is no log of '{name}', known: {', '.join(logs) or 'none'}.")
    for path in logs.values() if name is None else (logs[name],):
        typer.echo(f"== {path.name}")
        typer.echo("\n".join(path.read_text(errors="replace").splitlines()[-20:]))


@app.command()
def reset(yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """End the stack and delete its state: keys, buckets, databases, logs."""
    layout = layout_of()
    if not layout.home.exists():
        typer.echo("There is no state to delete.")
        return
    if not yes:
        typer.confirm(f"Delete everything under {layout.home}, keys included?", abort=True)
    down("embedded")
    shutil.rmtree(layout.home)
    typer.echo("Deleted.")


@app.command()
def prove(
    only: Annotated[str, typer.Option(help="Cells to play: `vendor`, `vendor,fault` or `,fault`.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print every cell with its reasons as JSON.")] = False,
) -> None:
    """Play the fault matrix: every connector under every fault loses nothing in silence. Ends with 1 when a cell is red."""
    from sandbox.prove import shown
    from sandbox.prove.matrix import Matrix, NoSuchCell, chosen
    from sandbox.prove.matrix import prove as play

    began = time.monotonic()
    try:
        cells = chosen(only)
    except NoSuchCell as error:
        sys.exit(str(error))
    results = play(cells, shown.tell)
    matrix = Matrix(results, time.monotonic() - began)
    if as_json:
        typer.echo(shown.as_json(matrix))
    else:
        shown.show(matrix, wide_console())
    raise typer.Exit(1 if matrix.red else 0)


def main() -> None:
    """Run a command; what stops it is told in a sentence."""
    try:
        app()
    except SystemExit as error:
        if error.code == _STOPPED:
            typer.echo(
                "\nStopped. The next `make demo` goes on from here; `make down` ends what is still up.", err=True
            )
        raise
    except engine.NoEngine as error:
        sys.exit(str(error))
    except (NotWell, TimeoutError, httpx.HTTPError, subprocess.CalledProcessError) as error:
        sys.exit(f"{error}\n`make status` and `make logs` say more; `make down` ends what is still up.")


if __name__ == "__main__":
    main()
