"""Where each stream is right now, for those who watch: one small document per stream, overwritten as it goes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from varai.kernel import Scope, utc_now
from varai.registry.slices import StreamKey
from varai.stores import documents

_EVERY_S = 1.0


def progress_writer(scope: Scope) -> Callable[[StreamKey, str, int], None]:
    """A progress callback that writes to the region's registry, at most once a second while a step repeats."""
    last: dict[StreamKey, tuple[str, float]] = {}

    def write(key: StreamKey, step: str, records: int) -> None:
        before, at = last.get(key, ("", 0.0))
        now = time.monotonic()
        if step == before and now - at < _EVERY_S:
            return
        last[key] = (step, now)
        documents(scope)["progress"].update_one(
            {"_id": "/".join(key)}, {"$set": {"step": step, "records": records, "at": utc_now()}}, upsert=True
        )

    return write


def read_progress(scope: Scope) -> dict[str, dict[str, Any]]:
    """The latest step of every stream, by `tenant/feed/stream`."""
    return {found["_id"]: found for found in documents(scope)["progress"].find()}
