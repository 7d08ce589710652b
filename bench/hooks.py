"""What a webhook costs at the door beside a bare ASGI route of the same worker: CPU per delivery, and p99 while 200 come every second.

One worker serves the hook surface of a region over a document server that syncs at commit, as the stack's does. Deliveries are products of
Shopify of 2 KB, each signed; the bare route reads the body and answers. CPU is the worker's own, by the kernel; kinds take turns.

Run: python -m bench.hooks [--deliveries N] [--rounds N]
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hmac
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import psutil
import uvicorn

from bench.catalogue import server as document_server
from serving.allowance import Allowances
from serving.app import create_app
from serving.logs import configure
from varai import registry
from varai.registry import inbox
from varai.settings import FolderSecrets, Settings, load
from varai.stores import documents

REPOSITORY: Final = Path(__file__).resolve().parents[1]
REGION, TENANT = "eu", "northwind-eu"
SECRET: Final = "s3cret-of-the-app"
BARE, HOOK = "/bare", f"/v1/hooks/shopify/{TENANT}/shop"
PER_S, SECONDS = 200, 5
MOST_CPU: Final = 6.0
"""Goal: CPU of a delivery that is kept over that of the bare route, at PER_S a second. Most of it is the insert's."""
Asgi = Callable[
    [MutableMapping[str, Any], Callable[..., Awaitable[Any]], Callable[..., Awaitable[None]]], Awaitable[None]
]


@dataclass(frozen=True)
class Worker:
    """The process that answers, and the settings of its region."""

    port: int
    process: psutil.Process
    settings: Settings


@dataclass(frozen=True)
class Kind:
    """A delivery: its name in the report, its path, whether each is new, and whether it is signed."""

    name: str
    path: str
    fresh: bool = True
    signed: bool = True
    status: int = 200


KINDS: Final = (
    Kind("bare ASGI", BARE),
    Kind("kept", HOOK),
    Kind("known before", HOOK, fresh=False),
    Kind("not signed", HOOK, signed=False, status=401),
)
_BODY: Final = json.dumps(
    {"id": 1, "title": "Frame", "body_html": "x" * 1900, "updated_at": "2026-11-10T12:00:00Z"}
).encode()
_SIGNATURE: Final = base64.b64encode(hmac.digest(SECRET.encode(), _BODY, "sha256")).decode()


def request(kind: Kind, number: int) -> bytes:
    """A delivery as it goes over the wire."""
    lines = [
        f"POST {kind.path} HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        f"Content-Length: {len(_BODY)}",
        "X-Shopify-Topic: products/update",
        f"X-Shopify-Event-Id: {number if kind.fresh else 'the same'}",
        f"X-Shopify-Hmac-Sha256: {_SIGNATURE if kind.signed else 'AAAA'}",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + _BODY


async def ask(read: asyncio.StreamReader, write: asyncio.StreamWriter, sent: bytes) -> int:
    """The status of one answer."""
    write.write(sent)
    head = await read.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    await read.readexactly(length)
    return int(head[9:12])


async def one_after_another(worker: Worker, kind: Kind, numbers: Iterator[int], deliveries: int) -> float:
    """CPU of the worker per delivery, microseconds."""
    read, write = await asyncio.open_connection("127.0.0.1", worker.port)
    await ask(read, write, request(kind, next(numbers)))
    before = sum(worker.process.cpu_times()[:2])
    for _ in range(deliveries):
        assert await ask(read, write, request(kind, next(numbers))) == kind.status
    write.close()
    return float((sum(worker.process.cpu_times()[:2]) - before) / deliveries * 1e6)


async def at_a_pace(worker: Worker, kind: Kind, numbers: Iterator[int]) -> tuple[float, list[float]]:
    """CPU of the worker per delivery, microseconds, while PER_S come every second over kept connections.

    And seconds from the instant at which each was due until it was answered.
    """
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(64):
        free.put_nowait(await asyncio.open_connection("127.0.0.1", worker.port))
    began = time.perf_counter()

    async def send(due: float, number: int) -> float:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        connection = await free.get()
        assert await ask(*connection, request(kind, number)) == kind.status
        free.put_nowait(connection)
        return time.perf_counter() - due

    count, before = PER_S * SECONDS, sum(worker.process.cpu_times()[:2])
    took = await asyncio.gather(*(send(began + place / PER_S, next(numbers)) for place in range(count)))
    spent = (sum(worker.process.cpu_times()[:2]) - before) / count * 1e6
    while not free.empty():
        free.get_nowait()[1].close()
    return float(spent), list(took)


@contextmanager
def served() -> Iterator[Worker]:
    """A worker that serves the hook surface, until the block ends."""
    with tempfile.TemporaryDirectory() as name, document_server(Path(name), "--sync-on-commit") as (uri, _):
        environment = {"VARAI_HOME": name, "VARAI_DATABASE": "bench"}
        environment[f"VARAI_STORES__{REGION.upper()}__DOCUMENTS_URI"] = uri
        settings = load(environment)
        registry.seed(settings.scope(REGION), settings.seeds)
        registry.ensure_indexes(settings.scope(REGION))
        secret = json.dumps({"client_id": "app", "client_secret": SECRET})
        FolderSecrets(Path(name) / "secrets").write(f"{TENANT}-shop", secret)
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
        command = [sys.executable, "-m", "bench.hooks", "--serve", str(port)]
        with (Path(name) / "log").open("wb") as log:
            given = {**os.environ, **environment}
            process = subprocess.Popen(command, env=given, stdout=log, stderr=log, cwd=REPOSITORY)
            try:
                _await(f"http://127.0.0.1:{port}/health/live")
                yield Worker(port, psutil.Process(process.pid), settings)
            finally:
                process.terminate()
                process.wait(timeout=20)


def _await(url: str) -> None:
    for _ in range(600):
        try:
            httpx.get(url, trust_env=False)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("The worker did not start.")


def serve(port: int) -> None:
    """The worker: the hook surface, and before it a bare route."""
    configure()
    surface: Asgi = create_app(load(), REGION, ["hook"], allowances=Allowances(unsigned=10**9))

    async def app(scope: MutableMapping[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        if scope.get("path") != BARE:
            await surface(scope, receive, send)
            return
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    uvicorn.run(app, host="127.0.0.1", port=port, log_config=None, access_log=False, server_header=False)


def main() -> int:
    """Print the comparison; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deliveries", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--serve", type=int, metavar="PORT", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve)
        return 0
    numbers = iter(range(10**9))
    costs: dict[str, list[float]] = {kind.name: [] for kind in KINDS}
    tails: dict[str, list[float]] = {kind.name: [] for kind in KINDS[:2]}
    paced: dict[str, list[float]] = {kind.name: [] for kind in KINDS[:2]}
    with served() as worker:
        for _ in range(given.rounds):
            for kind in KINDS:
                costs[kind.name].append(asyncio.run(one_after_another(worker, kind, numbers, given.deliveries)))
        for _ in range(given.rounds):
            for kind in KINDS[:2]:
                spent, took = asyncio.run(at_a_pace(worker, kind, numbers))
                paced[kind.name].append(spent)
                tails[kind.name].append(statistics.quantiles(took, n=100)[98])
        kept = documents(worker.settings.scope(REGION))[inbox.INBOX].estimated_document_count()
    wanted = given.rounds * (given.deliveries + 1 + PER_S * SECONDS) + 1
    base = statistics.median(costs[KINDS[0].name])
    print(f"{'delivery':<20}{'CPU us':>9}{'least':>9}{'most':>9}{'x bare':>9}")
    for name, cost in costs.items():
        told = (statistics.median(cost), min(cost), max(cost))
        print(f"{name:<20}{''.join(f'{one:>9.0f}' for one in told)}{statistics.median(cost) / base:>9.2f}")
    bare, door = (statistics.median(tails[kind.name]) for kind in KINDS[:2])
    least, most = (statistics.median(paced[kind.name]) for kind in KINDS[:2])
    ratio = most / least
    print(
        f"\nCPU at {PER_S}/s: {ratio:.1f}x that of a bare route, {most:.0f} us beside {least:.0f} (goal: at most {MOST_CPU:.0f}x)"
    )
    print(
        f"p99 at {PER_S}/s: {door / bare:.1f}x that of a bare route ({door * 1000:.0f} ms beside {bare * 1000:.0f} ms)"
    )
    print(f"kept {kept:,} of {wanted:,} (goal: each once)")
    folder = REPOSITORY / ".cache" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    figures = {"cpu_us": costs, "paced_us": paced, "p99_s": tails, "kept": kept, "wanted": wanted}
    (folder / "hooks.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0 if ratio <= MOST_CPU and kept == wanted else 1


if __name__ == "__main__":
    sys.exit(main())
