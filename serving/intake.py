"""Keeps what comes in at the same time by one insert: documents in, whether each was new out, when all are on a majority's disks.

While an insert is under way others wait, and go together in the next. So a disk that syncs a hundred times a second takes thousands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from starlette.concurrency import run_in_threadpool

MOST: Final = 500
"""Documents of one insert."""
Document = Mapping[str, Any]


class Intake:
    """Of one event loop.

    Args:
        insert: inserts documents durably, and says of each whether it was new.
    """

    def __init__(self, insert: Callable[[Sequence[Document]], Sequence[bool]]) -> None:
        self._insert = insert
        self._waiting: list[tuple[Document, asyncio.Future[bool]]] = []
        self._task: asyncio.Task[None] | None = None

    async def keep(self, document: Document) -> bool:
        """Keep a document; False: it was known. Raises what the insert raises; then it may be kept or not."""
        kept: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((document, kept))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return await kept

    async def _run(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            try:
                fates = await run_in_threadpool(self._insert, [document for document, _ in batch])
            except Exception as error:  # noqa: BLE001 - each of them is told, and answers for itself
                for _, kept in batch:
                    if not kept.done():
                        kept.set_exception(error)
                continue
            for (_, kept), fate in zip(batch, fates, strict=True):
                if not kept.done():  # who waited has given up; the vendor sends it again, and it is known
                    kept.set_result(fate)
