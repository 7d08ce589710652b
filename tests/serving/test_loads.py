"""A tenant whose model has to be loaded waits for itself alone; whoever asks again meanwhile is told to come later."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient

from serving import loads
from serving.app import create_app
from serving.loads import AT_ONCE, Loads
from tests.serving.conftest import NOW, PLENTY, World
from varai.kernel import Unavailable
from varai.learning.champions import Champion, Champions


class Held(Champions):
    """Champions that load when they are told to."""

    def __init__(self, world: World) -> None:
        super().__init__(lambda tenant: world.scope("eu", tenant))
        self.begun, self.free = threading.Event(), threading.Event()

    def load(self, tenant: str, model: str) -> Champion:
        """As Champions does, once it may."""
        self.begun.set()
        assert self.free.wait(60)
        return super().load(tenant, model)


@pytest.fixture
def held(world: World) -> Iterator[Held]:
    found = Held(world)
    yield found
    found.free.set()
    found.close()


def test_a_load_that_hangs_takes_no_thread_from_other_requests(
    world: World, held: Held, bearer: dict[str, str]
) -> None:
    app = create_app(world.settings, "eu", allowances=PLENTY, clock=lambda: NOW)
    app.state.context.__dict__["champions"] = held
    with TestClient(app) as client, ThreadPoolExecutor(60) as visitors:
        asked = [visitors.submit(client.get, "/v1/recommendations", headers=bearer) for _ in range(50)]
        assert held.begun.wait(60)
        assert client.get("/health/ready").status_code == 200
        assert client.get("/v1/products", headers=bearer).status_code == 200
        held.free.set()
        told = [one.result() for one in asked]
        assert {one.status_code for one in told} <= {200, 503}
        assert told[0].status_code == 200, "Who asks first waits for the load."
        assert all("Retry-After" in one.headers for one in told if one.status_code == 503)


def test_who_comes_late_is_not_kept_waiting_and_the_load_goes_on(held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loads, "JOINED_S", 0.0)

    async def asked(one: Loads) -> None:
        first = asyncio.create_task(one.champion("northwind-eu", "recommender"))
        await asyncio.to_thread(held.begun.wait, 60)
        with pytest.raises(Unavailable):
            await one.champion("northwind-eu", "recommender")
        held.free.set()
        assert (await first).version.model == "recommender"

    run(held, asked)


def test_only_so_many_are_loaded_at_once(held: Held) -> None:
    async def asked(one: Loads) -> None:
        waiting = [asyncio.create_task(one.champion(f"tenant-{number}", "recommender")) for number in range(AT_ONCE)]
        await asyncio.to_thread(held.begun.wait, 60)
        with pytest.raises(Unavailable):
            await one.champion("northwind-eu", "recommender")
        held.free.set()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert (await one.champion("northwind-eu", "recommender")).version.model == "recommender"

    run(held, asked)


def run(held: Held, asked: Callable[[Loads], Coroutine[None, None, None]]) -> None:
    one = Loads(held.load)
    asyncio.run(asked(one))
    one.close()
