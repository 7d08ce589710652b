"""Start and end the embedded stack."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from sandbox.stack.layout import REPOSITORY, Layout, make_keys
from sandbox.stack.programs import SERVERS, STORES, programs
from sandbox.stack.shops import configuration_for
from sandbox.stack.stored import scopes
from sandbox.stack.supervise import control, outdated, start, start_wave, stop
from varai.registry import expire_all

Told = Callable[[str], None]


def layout_of(data: Path | None = None) -> Layout:
    """The stack of $VARAI_HOME (default ./var). With `data` its tenants are those of shops from files, beside what it has already."""
    home = Path(os.environ.get("VARAI_HOME", "var")).resolve()
    return Layout(home, configuration_for(home, data))


def up(layout: Layout, make_shops: Callable[[Layout, Told], None], told: Told) -> Layout:
    """Bring the stack up and return it with its ports; safe to repeat. Raises NotWell when a program does not come up."""
    layout.home.mkdir(parents=True, exist_ok=True)
    was_down = control(layout) is None
    if not was_down and outdated(layout):
        told("the code changed: what runs is ended, and started anew")
        was_down = True
    if was_down:
        stop(layout)  # what outlived a supervisor that was killed still holds ports and files too
        layout = Layout(layout.home, layout.config, starting=True)
    make_keys(layout)
    layout.write_settings()
    for folder in ("airflow", "docs", "tmp", "warehouse", *(f"docs/{region}" for region in layout.regions)):
        (layout.home / folder).mkdir(parents=True, exist_ok=True)
    for region in layout.regions:
        for kind in ("documents", "cache", "registry"):
            (layout.home / kind / region).mkdir(parents=True, exist_ok=True)
    for vendor, region in layout.vendors:
        (layout.shops / region / vendor).mkdir(parents=True, exist_ok=True)
    make_shops(layout, told)
    found = programs(layout)
    supervisor = start(layout, found)
    start_wave(layout, supervisor, [one for one in found if one.wave == STORES], told)
    told("registry and tables")
    if was_down:
        for scope in scopes(layout).values():
            expire_all(scope)
    command(layout, "varai", "migrate")
    if not (layout.home / "airflow" / "airflow.db").exists():
        told("Airflow's database")
    command(layout, "airflow", "db", "migrate")
    _pools(layout)
    start_wave(layout, supervisor, [one for one in found if one.wave == SERVERS], told)
    return layout


def down(layout: Layout) -> int:
    """End the stack whole; returns how many processes had outlived their supervisor."""
    return stop(layout)


def command(layout: Layout, tool: str, *arguments: str) -> str:
    """Run one of the environment's commands against the stack; its output, or CalledProcessError with it."""
    environment = layout.environment() | (layout.airflow_environment() if tool == "airflow" else {})
    result = subprocess.run(
        [str(layout.tools / tool), *arguments],
        env=environment,
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        sys.stderr.write(result.stdout[-2000:] + result.stderr[-4000:])
        raise subprocess.CalledProcessError(result.returncode, [tool, *arguments])
    return result.stdout


def _pools(layout: Layout) -> None:
    """A task in a pool that does not exist would wait for ever."""
    wanted = {
        f"warehouse-{region}": {
            "slots": 1,
            "description": f"tasks that open the warehouse of {region}",
            "include_deferred": False,
        }
        for region in layout.regions
    }
    path = layout.home / "airflow" / "pools.json"
    path.write_text(json.dumps(wanted))
    command(layout, "airflow", "pools", "import", str(path))
