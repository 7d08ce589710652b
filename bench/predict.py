"""What one customer's question costs here and in `mlflow models serve`: CPU of the whole server per answer, same model, same questions.

The champion of a shop of the demo world is registered in an MLflow server, as training does, and served twice: by a worker of
serving, which checks a token, leaves out what is not on sale and gives the answer an id; and by `mlflow models serve` from the
registry, which does nothing of that. Both have one worker process. Rounds take turns.

Run: python -m bench.predict [--requests N] [--rounds N]
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
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import httpx
import psutil

from bench.serving import REGION, REPOSITORY, TENANT, Client, Kind, Worker, cpu, served
from varai.learning import bundle as bundles
from varai.learning.promote import recipe_text
from varai.learning.registered import registered_name
from varai.learning.tracking import Registry
from varai.learning.words import Choice, Pointer
from varai.settings import load

LEAST_TIMES: Final = 5.0
"""Goal: CPU of `mlflow models serve` over that of serving, for one row."""
LIMIT: Final = 10
_PATIENCE_S: Final = 180.0
_QUIET: Final = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


@contextmanager
def running(arguments: Sequence[str], environment: Mapping[str, str], path: str) -> Iterator[tuple[int, int]]:
    """Run `mlflow` with these arguments and a port until the block ends; yields port and process id once `path` answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = int(listener.getsockname()[1])
    command = [sys.executable, "-m", "mlflow", *arguments, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # MLflow starts uvicorn by its name
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command, env={**os.environ, **_QUIET, **environment, "PATH": tools}, stdout=log, stderr=log, cwd=REPOSITORY
        )
        try:
            ends = time.monotonic() + _PATIENCE_S
            while not _answers(f"http://127.0.0.1:{port}{path}"):
                if process.poll() is not None or time.monotonic() > ends:
                    log.seek(0)
                    raise RuntimeError(f"mlflow did not start:\n{log.read()[-2000:].decode(errors='replace')}")
                time.sleep(0.2)
            yield port, process.pid
        finally:
            children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
            process.terminate()
            process.wait(timeout=20)
            for one in psutil.wait_procs(children, timeout=10)[1]:
                one.kill()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def registered(worker: Worker, url: str) -> str:
    """Register what the worker serves; returns the address of the version, as MLflow writes it."""
    scope = load({**worker.environment, f"VARAI_STORES__{REGION.upper()}__REGISTRY_URL": url}).scope(REGION, TENANT)
    stored, name = bundles.store(scope, worker.bundle), registered_name(scope, worker.bundle.model)
    pointer = Pointer(
        region=scope.region,
        bundle=stored.key,
        sha256=stored.sha256,
        snapshot=worker.bundle.snapshot_id,
        mapping=worker.bundle.mapping,
        code="bench",
        suites="{}",
        trained_at="2026-11-10T03:00:00+00:00",
        metric="0",
        floor="0",
        difference="",
        recipe=recipe_text(Choice(worker.bundle.candidate, {}, None, 1.0, 0.0)),
        serves="candidate",
        decision="To be measured.",
    )
    return f"models:/{name}/{Registry(scope).register(name, pointer, '# To be measured', {}).number}"


async def asked(worker: Worker, questions: Sequence[Kind]) -> float:
    """CPU of a server's processes per answer, microseconds; each question is asked once."""
    before = cpu(worker)
    for kind in questions:
        async with Client(worker, kind) as client:
            status, body = await client.ask()
            assert status == 200, body
            assert len(_items(json.loads(body))) == LIMIT
    return (cpu(worker) - before) / len(questions) * 1e6


def _items(body: Mapping[str, Sequence[object]]) -> Sequence[object]:
    return body["predictions"] if "predictions" in body else body["items"]


def ours(subject: str) -> Kind:
    """A customer's question to serving."""
    return Kind("serving", f"/v1/recommendations?limit={LIMIT}&explore=0", {"Varai-Subject": subject})


def theirs(subject: str) -> Kind:
    """The same question to MLflow."""
    row = {"subject": subject, "product": None, "limit": LIMIT}
    return Kind("mlflow", "/invocations", {}, json.dumps({"dataframe_records": [row]}).encode())


def main() -> int:
    """Print the comparison; 1 when the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    costs: dict[str, list[float]] = {"serving": [], "mlflow models serve": []}
    with served() as worker, tempfile.TemporaryDirectory() as folder:
        place = ["--backend-store-uri", f"sqlite:///{folder}/registry.db", "--artifacts-destination", f"{folder}/files"]
        with running(["server", *place], {}, "/health") as (port, _):
            url = f"http://127.0.0.1:{port}"
            model = registered(worker, url)
            served_by = ["models", "serve", "--model-uri", model, "--env-manager", "local"]
            with running(served_by, {**worker.environment, "MLFLOW_TRACKING_URI": url}, "/ping") as (at, pid):
                other = replace(worker, port=at, process=psutil.Process(pid))
                subjects = [each.decode() for each in worker.bundle.subjects[: given.requests]]
                pairs = (
                    ("serving", worker, [ours(each) for each in subjects]),
                    ("mlflow models serve", other, [theirs(each) for each in subjects]),
                )
                for _, one, questions in pairs:
                    asyncio.run(asked(one, questions[:20]))
                for _ in range(given.rounds):
                    for name, one, questions in pairs:
                        costs[name].append(asyncio.run(asked(one, questions)))
    print(f"{'one customer, ten items':<26}{'CPU us':>9}{'least':>9}{'most':>9}")
    for name, cost in costs.items():
        print(f"{name:<26}{statistics.median(cost):>9.0f}{min(cost):>9.0f}{max(cost):>9.0f}")
    times = statistics.median(costs["mlflow models serve"]) / statistics.median(costs["serving"])
    print(f"\nmlflow models serve takes {times:.1f}x the CPU of serving (goal: at least {LEAST_TIMES:.0f}x)")
    kept = REPOSITORY / ".cache" / "bench"
    kept.mkdir(parents=True, exist_ok=True)
    (kept / "predict.json").write_text(json.dumps({"cpu_us": costs}, indent=1) + "\n", encoding="utf-8")
    return 0 if times >= LEAST_TIMES else 1


if __name__ == "__main__":
    sys.exit(main())
