"""What an answer costs beside plain text of the same worker: CPU per request, p99 and memory under 50 clients, reload under load.

One worker of a region serves a shop of the demo world: its catalogue in a document server, its model in the bucket, a registry
that names it. Requests carry a token. CPU is the worker's own, by the kernel; kinds of requests take turns.

Run: python -m bench.serving [--requests N] [--rounds N]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import httpx
import psutil

from bench.catalogue import server as document_server
from bench.recommender import load_demo
from bench.registry import Registry, registry_server
from bench.worker import EVERY_S, PLAIN
from varai import catalogue, registry
from varai.canonical import entity
from varai.kernel import Scope, utc_now
from varai.learning.bundle import Bundle
from varai.learning.bundled import bundle_of
from varai.learning.train import train
from varai.registry.accounts import issue_secret
from varai.settings import load

REPOSITORY: Final = Path(__file__).resolve().parents[1]
REGION, TENANT, FEED = "eu", "northwind-eu", "shop"
MOST_CPU: Final = 2.0
"""Goal: CPU of an authenticated recommendation over that of plain text, whatever it is made from."""
CLIENTS: Final = 50
SWAPS: Final = 5
_ANSWER: Final = "/v1/recommendations"


@dataclass(frozen=True)
class Kind:
    """A request: its name in the report, its target, its headers beside the token's, and its body where it is a POST."""

    name: str
    target: str
    headers: dict[str, str]
    body: bytes = b""


@dataclass
class Worker:
    """The process that answers, a token for it, what it serves, and the variables it was started with."""

    port: int
    process: psutil.Process
    token: str
    registered: Registry
    scope: Scope
    bundle: Bundle
    environment: Mapping[str, str]


class Client:
    """One kept connection, and no more HTTP than that takes."""

    def __init__(self, worker: Worker, kind: Kind) -> None:
        named = {"Host": "localhost", "Accept": "*/*", "Authorization": f"Bearer {worker.token}", **kind.headers}
        if kind.body:
            named |= {"Content-Type": "application/json", "Content-Length": str(len(kind.body))}
        method = "POST" if kind.body else "GET"
        lines = [f"{method} {kind.target} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items()), "", ""]
        self._port, self._request = worker.port, "\r\n".join(lines).encode() + kind.body

    async def __aenter__(self) -> Client:
        self._read, self._write = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._write.close()

    async def ask(self) -> tuple[int, bytes]:
        """One answer: its status and its body."""
        self._write.write(self._request)
        head = await self._read.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        return int(head[9:12]), await self._read.readexactly(length)


def cpu(worker: Worker) -> float:
    """User and system seconds of the worker, and of the processes it started."""
    spent = [one.cpu_times() for one in (worker.process, *worker.process.children(recursive=True))]
    return float(sum(one.user + one.system for one in spent))


async def one_after_another(worker: Worker, kind: Kind, requests: int) -> float:
    """CPU of the worker per request, microseconds."""
    async with Client(worker, kind) as client:
        await client.ask()
        before = cpu(worker)
        for _ in range(requests):
            status, _ = await client.ask()
            assert status == 200
        return (cpu(worker) - before) / requests * 1e6


async def together(worker: Worker, kind: Kind, each: int) -> list[float]:
    """Seconds that each request of 50 clients took."""

    async def ask() -> list[float]:
        async with Client(worker, kind) as client:
            marks = [time.perf_counter()]
            for _ in range(each):
                status, _ = await client.ask()
                assert status == 200
                marks.append(time.perf_counter())
            return [after - before for before, after in pairwise(marks)]

    return [took for one in await asyncio.gather(*(ask() for _ in range(CLIENTS))) for took in one]


async def reloaded(worker: Worker, kind: Kind) -> tuple[int, int, set[str]]:
    """50 clients, while the champion changes: (requests, failures, versions seen)."""
    ended = threading.Event()
    failures, asked, seen = 0, 0, set()

    def swap() -> None:
        for number in range(2, SWAPS + 2):
            time.sleep(3 * EVERY_S)
            worker.registered.promote(worker.scope, replace(worker.bundle, snapshot_id=f"bench-{number}"), number)
        time.sleep(3 * EVERY_S)
        ended.set()

    async def ask() -> None:
        nonlocal failures, asked
        async with Client(worker, kind) as client:
            while not ended.is_set():
                status, body = await client.ask()
                asked += 1
                failures += status != 200
                if status == 200:
                    seen.add(str(json.loads(body)["version"]))

    thread = threading.Thread(target=swap)
    thread.start()
    await asyncio.gather(*(ask() for _ in range(CLIENTS)))
    thread.join()
    return asked, failures, seen


@contextmanager
def served() -> Iterator[Worker]:
    """A worker that serves the demo's shop, until the block ends."""
    with (
        tempfile.TemporaryDirectory() as name,
        document_server(Path(name)) as (uri, _),
        registry_server() as registered,
    ):
        stores = {"DOCUMENTS_URI": uri, "REGISTRY_URL": registered.url}
        environment = {"VARAI_HOME": name, "VARAI_DATABASE": "bench"}
        environment |= {f"VARAI_STORES__{REGION.upper()}__{key}": value for key, value in stores.items()}
        settings = load(environment)
        registry.seed(settings.scope(REGION), settings.seeds)
        scope = settings.scope(REGION, TENANT)
        bundle = bundle_of(scope, train(*load_demo(TENANT)))
        registered.promote(scope, bundle)
        _stock(scope, [item.partition("/")[2] for item in bundle.item_ids])
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
        command = [sys.executable, "-m", "bench.worker", "--port", str(port), "--region", REGION]
        with (Path(name) / "log").open("wb") as log:
            process = subprocess.Popen(
                command, env={**os.environ, **environment}, stdout=log, stderr=log, cwd=REPOSITORY
            )
            try:
                token = _token(f"http://127.0.0.1:{port}", scope)
                yield Worker(port, psutil.Process(process.pid), token, registered, scope, bundle, environment)
            finally:
                process.terminate()
                process.wait(timeout=20)


def _token(url: str, scope: Scope) -> str:
    issued = issue_secret(scope)
    with httpx.Client(base_url=url, trust_env=False) as client:
        for _ in range(300):
            try:
                client.get("/health/live")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        given = (issued.client_id, issued.client_secret)
        answer = client.post("/v1/auth/token", data={"grant_type": "client_credentials"}, auth=given)
        return str(answer.raise_for_status().json()["access_token"])


def _stock(scope: Scope, products: Sequence[str]) -> None:
    """All products active, published and in stock, but every seventh."""
    import pyarrow as pa

    at = utc_now()
    rows: dict[str, list[dict[str, Any]]] = {"product": [], "variant": [], "inventory_level": []}
    for place, product in enumerate(products):
        rows["product"].append({"source_id": product, "title": product, "status": "active", "published_at": at})
        rows["variant"].append({"source_id": f"v{product}", "product_id": product, "inventory_item_id": f"i{product}"})
        pieces = {"inventory_item_id": f"i{product}", "location_id": "l", "available": place % 7}
        rows["inventory_level"].append({"source_id": f"s{product}", **pieces})
    feed = registry.feeds(scope)[0]
    staged = {}
    for name, some in rows.items():
        kind = entity(name)
        given: dict[str, Any] = {field.name: None for field in kind.stored}
        given |= {
            "tenant": scope.tenant,
            "feed": feed.name,
            "source": feed.connector,
            "ingested_at": at,
            "batch_id": "b",
        }
        given |= {"deleted": False, "flags": [], "score": 100.0, "content_hash": "h"}
        made = [given | {"root_id": one.get("product_id", one["source_id"])} | one for one in some]
        staged[name] = pa.Table.from_pylist(made, schema=kind.schema())
    catalogue.publish(scope, feed, staged, run_id="bench")


def kinds(bundle: Bundle) -> list[Kind]:
    """Plain text first."""
    subject = {"Varai-Subject": bundle.subjects[len(bundle.subjects) // 2].decode()}
    viewed = "&".join(f"viewed={item}" for item in bundle.item_ids[:3])
    return [
        Kind("plain text", PLAIN, {}),
        Kind("a customer", _ANSWER, subject),
        Kind("a visitor", _ANSWER, {}),
        Kind("a visitor who viewed three", f"{_ANSWER}?{viewed}", {}),
        Kind("a customer beside a product", f"{_ANSWER}?product={bundle.item_ids[9]}", subject),
        Kind("similar to a product", f"/v1/similar/{bundle.item_ids[9]}", {}),
    ]


def main() -> int:
    """Print the comparison; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with served() as worker:
        asked = kinds(worker.bundle)
        costs: dict[str, list[float]] = {kind.name: [] for kind in asked}
        for _ in range(given.rounds):
            for kind in asked:
                costs[kind.name].append(asyncio.run(one_after_another(worker, kind, given.requests)))
        base = statistics.median(costs[asked[0].name])
        ratios = {name: statistics.median(cost) / base for name, cost in costs.items()}
        print(f"{'request':<30}{'CPU us':>9}{'least':>9}{'most':>9}{'x plain':>9}")
        for name, cost in costs.items():
            told = (statistics.median(cost), min(cost), max(cost))
            print(f"{name:<30}{''.join(f'{one:>9.0f}' for one in told)}{ratios[name]:>9.2f}")
        idle = worker.process.memory_info().rss
        tails: dict[str, list[float]] = {kind.name: [] for kind in asked[:2]}
        for _ in range(given.rounds):
            for kind in asked[:2]:
                tails[kind.name].append(_p99(asyncio.run(together(worker, kind, 40))))
        busy = worker.process.memory_info().rss
        requests, failures, seen = asyncio.run(reloaded(worker, asked[1]))
    dearest = max(asked[1:], key=lambda kind: ratios[kind.name]).name
    plain, answered = (statistics.median(tails[kind.name]) for kind in asked[:2])
    print(f"\nthe dearest, {dearest}: {ratios[dearest]:.2f}x the CPU of plain text (goal: at most {MOST_CPU:.0f}x)")
    print(f"p99 under {CLIENTS} clients: {answered / plain:.2f}x that of plain text")
    print(f"memory after {CLIENTS} clients: {busy / idle:.2f}x that before ({idle / 2**20:.0f} MB)")
    print(
        f"{SWAPS} new champions under load: {failures} of {requests:,} requests failed (goal: 0); versions seen {len(seen)}"
    )
    folder = REPOSITORY / ".cache" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    figures = {"cpu_us": costs, "p99_s": tails, "rss": [idle, busy], "requests": requests, "failures": failures}
    (folder / "serving.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0 if ratios[dearest] <= MOST_CPU and not failures and len(seen) > 1 else 1


def _p99(took: Sequence[float]) -> float:
    return statistics.quantiles(took, n=100)[98]


if __name__ == "__main__":
    sys.exit(main())
