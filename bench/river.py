"""The river's road up to canonical rows, as benchmarks run it: connector, landing, and typed rows in Parquet, over a bucket of its own."""

from __future__ import annotations

import shutil
import tempfile
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import varai  # noqa: F401 - before Arrow, whose memory it sets: as in every process that maps

LEAST_RATIO = 5.0
"""How many times as much CPU dlt takes."""
MOST_MB = 256
MOST_GROWTH_MB = 16
"""From a shop to one several times as large."""


class _Tokens:
    """A token store in memory: where the river has a sealed document, which the server of tokens never sees either."""

    def __init__(self) -> None:
        self._kept: tuple[dict[str, Any] | None, int] = None, 0

    def get(self) -> tuple[dict[str, Any] | None, int]:
        return self._kept

    def swap(self, tokens: Mapping[str, Any], version: int) -> int:
        self._kept = dict(tokens), version + 1
        return version + 1


@dataclass(frozen=True)
class Shop:
    """What is read, and who reads it: connector, stream, and what the feed has besides its address."""

    connector: str
    stream: str
    secret: str
    settings: Mapping[str, Any] = field(default_factory=dict)


def open_river(folder: str, url: str, shop: Shop, sealed: bool) -> Any:
    """Imports, a scope over a fresh bucket and the tenant's keys: what a task has before its slice."""
    import duckdb  # noqa: F401 - imported off the clock
    import pyarrow.parquet  # noqa: F401 - likewise
    import structlog.dev  # noqa: F401 - likewise; stamina's first retry would import it

    import varai.canonical.mapper
    import varai.landing
    import varai.registry
    import varai.river.mapped  # noqa: F401 - likewise
    from varai.kernel import Feed
    from varai.privacy import seal_bytes
    from varai.settings import load
    from varai.sources import Session, connector

    own = tempfile.mkdtemp(dir=folder)
    # No document server takes part: state and landing are objects, and nobody was erased.
    settings = load({"VARAI_HOME": own, "VARAI_STORES__EU__DOCUMENTS_URI": "mongodb://127.0.0.1:1"})
    scope = settings.scope("eu", "north")
    seal_bytes(scope, "warm", b"")
    feed = Feed(
        tenant="north",
        name="shop",
        connector=shop.connector,
        base_url=url,
        secret="shop",
        settings=dict(shop.settings),
    )
    vendor = connector(shop.connector)
    vendor.mapping(shop.stream, feed, _facts())
    return own, scope, Session(feed, url, lambda: shop.secret, _Tokens()), vendor


def _facts() -> Any:
    from varai.sources import ShopFacts

    return ShopFacts("USD", "America/New_York")


def run_river(prepared: Any, folder: str, url: str, shop: Shop, sealed: bool) -> tuple[str, int]:
    """Plan, read, land, commit, map, stamp, write, pend; where it lies and how many records became a row."""
    from varai import landing
    from varai.canonical.mapper import map_lines
    from varai.registry import SliceState, StreamKey
    from varai.registry.slices import Pending, SliceReport
    from varai.river.mapped import write_mapped
    from varai.sources import stream_spec

    del folder, url
    own, scope, session, vendor = prepared
    feed, spec = session.feed, stream_spec(vendor, shop.stream)
    state = SliceState(scope, StreamKey(feed.tenant, feed.name, shop.stream))
    planned = state.plan(1, timedelta(seconds=feed.overlap_s), incremental=spec.incremental)
    extraction = vendor.extract(session, shop.stream, planned.window)
    landed = landing.land(
        scope,
        feed.key,
        shop.stream,
        planned.window,
        iter(extraction),
        sealed=sealed,
        ingested_at=planned.ingested_at,
        connector_version=vendor.version,
        token=1,
    )
    ref = landing.commit(scope, landed, vendor_count=extraction.vendor_count, query_hash=extraction.query_hash)
    del extraction
    chunks = landing.read(scope, ref, _NobodyErased(), spec)
    rows = (
        (name, _stamped(batch, ref)) for name, batch in map_lines(chunks, vendor.mapping(shop.stream, feed, _facts()))
    )
    mapped = write_mapped(scope, f"canonical/{feed.tenant}/{ref.batch_id}/", rows, sealed=sealed)
    report = SliceReport(
        tenant=ref.tenant,
        feed=ref.feed,
        stream=shop.stream,
        batch_id=ref.batch_id,
        window=ref.window,
        ingested_at=ref.ingested_at,
        vendor_count=ref.vendor_count,
        landed=ref.records,
        published=mapped.rows[spec.primary],
    )
    if report.differences:
        raise RuntimeError("; ".join(report.differences))
    state.pend(
        Pending(
            token=1,
            batch=ref,
            report=report,
            staged=tuple(key for keys in mapped.keys.values() for key in keys),
            hashes=state.hashes,
        )
    )
    return own, mapped.rows[spec.primary]


class _NobodyErased:
    """An empty ledger of erased subjects."""

    def contains_any(self) -> bool:
        return False

    def erased(self, feed: str, ids: Any) -> set[str]:
        del feed, ids
        return set()


def _stamped(batch: Any, ref: Any) -> Any:
    """The rows with what says whose they are and which batch brought them."""
    stamps = {"tenant": ref.tenant, "feed": ref.feed, "source": ref.feed, "batch_id": ref.batch_id}
    for name, value in {**stamps, "ingested_at": ref.ingested_at.isoformat()}.items():
        batch = batch.append_column(name, _repeated(value, batch.num_rows))
    return batch


def _repeated(text: str, rows: int) -> Any:
    """A column of one text, made of buffers: given Python values, Arrow would import pandas first."""
    import pyarrow as pa

    data = text.encode()
    one = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(array("i", [0, len(data)])), pa.py_buffer(data)])
    return pa.repeat(one[0], rows)


def finish(answer: tuple[str, int]) -> int:
    """Remove what the round wrote; how many records it gave."""
    shutil.rmtree(answer[0])
    return answer[1]
