"""Champions that have to be loaded: in threads of their own, so that a store that is slow stops nothing but what needs it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from varai.kernel import Unavailable
from varai.learning.champions import Champion

AT_ONCE: Final = 4
"""Loads at once in a process: each reads a bundle whole, so more of them cost memory and gain little."""
JOINED_S: Final = 2.0
"""So long after its beginning others wait for the same load; later ones are told to come again, seconds."""
PATIENCE_S: Final = 15.0
"""How long after its beginning a load is waited for by anybody, seconds. It goes on, and answers whoever comes again."""


class Loads:
    """Loads of one process, one at a time of each model of a tenant.

    Args:
        load: as `varai.learning.champions.Champions.load`; called in a thread.
    """

    def __init__(self, load: Callable[[str, str], Champion]) -> None:
        self._load = load
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="loads")
        self._running: dict[tuple[str, str], tuple[float, Future[Champion]]] = {}

    async def champion(self, tenant: str, model: str) -> Champion:
        """What answers for a tenant, once it is loaded. Whoever waits holds no thread.

        Raises:
            Unavailable: the same has been loading for long, or too much else is.
            VaraiError: as `load` does.
        """
        found = self._running.get((tenant, model))
        begun, loading = found or self._begin(tenant, model)
        waited = time.monotonic() - begun
        if found is None or waited < JOINED_S or loading.done():
            told = asyncio.wrap_future(loading)
            told.add_done_callback(_seen)
            # Not `wait_for`: that would cancel the load, which others wait for.
            await asyncio.wait({told}, timeout=PATIENCE_S - waited)
            if told.done():
                return told.result()
        raise Unavailable("The tenant's model is being loaded.", "Ask again in some seconds.")

    def close(self) -> None:
        """Wait for what is being loaded, and end the threads."""
        self._threads.shutdown(cancel_futures=True)

    def _begin(self, tenant: str, model: str) -> tuple[float, Future[Champion]]:
        if len(self._running) >= AT_ONCE:
            raise Unavailable("Too many models are being loaded.", "Ask again in some seconds.")
        begun = time.monotonic(), self._threads.submit(self._load, tenant, model)
        self._running[tenant, model] = begun
        begun[1].add_done_callback(lambda _: self._running.pop((tenant, model), None))
        return begun


def _seen(told: asyncio.Future[Champion]) -> None:
    """Look at a failure, for whoever waited may have left: the next one who asks is told."""
    if not told.cancelled():
        told.exception()
