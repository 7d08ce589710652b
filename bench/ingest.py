"""Ingest of a shop's products beside dlt with its parquet loader, from the same server's pages; ratios out.

Ours is the river's road up to canonical rows: the Shopify connector page by page (token, cost-aware pacing, retries, exact
counts before and after), landing (zstd, SHA-256, manifest), the window planned and the slice pended by compare-and-swap,
then typed rows of three entities (product, variant, image) with faults, content hashes and the tenant's stamp in Parquet;
once in the clear, once with landing and rows sealed.

dlt, at its best, is a resource over the same pages: dlt's own client with its retries, no nested tables, Parquet loaded
into DuckDB. It keeps no raw landing, counts nothing twice, stamps and seals nothing, and gives one table with JSON in it.

Run: python -m bench.ingest [--products N ...] [--rounds N]
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from array import array
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import varai  # noqa: F401 - before Arrow, whose memory it sets: as in every process that maps
from bench.measure import Case, Measured, compare, save, table
from bench.shop import PAGE, serving

REPOSITORY = Path(__file__).resolve().parents[1]
LEAST_RATIO = 5.0
MOST_MB = 256
MOST_GROWTH_MB = 16
_OURS, _SEALED, _THEIRS = "ours", "ours, sealed", "dlt, parquet loader"
_STREAM = "products"


class _Tokens:
    """A token store in memory: where the river has a sealed document, which the server of tokens never sees either."""

    def __init__(self) -> None:
        self._kept: tuple[dict[str, Any] | None, int] = None, 0

    def get(self) -> tuple[dict[str, Any] | None, int]:
        return self._kept

    def swap(self, tokens: Mapping[str, Any], version: int) -> int:
        self._kept = dict(tokens), version + 1
        return version + 1


def open_river(folder: str, url: str, sealed: bool) -> Any:
    """Imports, a scope over a fresh bucket and the tenant's keys: what a task has before its slice."""
    import duckdb  # noqa: F401 - imported off the clock
    import pyarrow.parquet  # noqa: F401 - likewise

    import varai.landing
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
    feed = Feed(tenant="north", name="shop", connector="shopify", base_url=url, secret="shop", settings={"bulk": False})
    shopify = connector("shopify")
    shopify.mapping(_STREAM, feed, _facts())
    session = Session(feed, url, lambda: '{"client_id": "bench", "client_secret": "bench"}', _Tokens())
    return own, scope, session, shopify


def _facts() -> Any:
    from varai.sources import ShopFacts

    return ShopFacts("USD", "America/New_York")


def run_river(prepared: Any, folder: str, url: str, sealed: bool) -> tuple[str, int]:
    """Plan, read, land, commit, map, stamp, write, pend; where it lies and how many products it gave."""
    from varai import landing
    from varai.canonical.mapping import map_lines
    from varai.registry import SliceState, StreamKey
    from varai.registry.slices import Pending, SliceReport
    from varai.river.mapped import write_mapped
    from varai.sources import stream_spec

    del folder, url
    own, scope, session, shopify = prepared
    feed, spec = session.feed, stream_spec(shopify, _STREAM)
    state = SliceState(scope, StreamKey(feed.tenant, feed.name, _STREAM))
    planned = state.plan(1, timedelta(seconds=feed.overlap_s), incremental=spec.incremental)
    extraction = shopify.extract(session, _STREAM, planned.window)
    landed = landing.land(
        scope,
        feed.key,
        _STREAM,
        planned.window,
        iter(extraction),
        sealed=sealed,
        ingested_at=planned.ingested_at,
        connector_version=shopify.version,
        token=1,
    )
    ref = landing.commit(scope, landed, vendor_count=extraction.vendor_count, query_hash=extraction.query_hash)
    del extraction
    chunks = landing.read(scope, ref, _NobodyErased(), spec)
    rows = ((name, _stamped(batch, ref)) for name, batch in map_lines(chunks, shopify.mapping(_STREAM, feed, _facts())))
    mapped = write_mapped(scope, f"canonical/{feed.tenant}/{ref.batch_id}/", rows, sealed=sealed)
    report = SliceReport(
        tenant=ref.tenant,
        feed=ref.feed,
        stream=_STREAM,
        batch_id=ref.batch_id,
        window=ref.window,
        ingested_at=ref.ingested_at,
        vendor_count=ref.vendor_count,
        landed=ref.records,
        published=mapped.rows["product"],
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
    return own, mapped.rows["product"]


class _NobodyErased:
    """An empty ledger of erased subjects."""

    def contains_any(self) -> bool:
        return False

    def erased(self, feed: str, ids: Any) -> set[str]:
        del feed, ids
        return set()


def _stamped(batch: Any, ref: Any) -> Any:
    """The rows with what says whose they are and which batch brought them."""
    stamps = {"tenant": ref.tenant, "feed": ref.feed, "source": "shopify", "batch_id": ref.batch_id}
    for name, value in {**stamps, "ingested_at": ref.ingested_at.isoformat()}.items():
        batch = batch.append_column(name, _repeated(value, batch.num_rows))
    return batch


def _repeated(text: str, rows: int) -> Any:
    """A column of one text, made of buffers: given Python values, Arrow would import pandas first."""
    import pyarrow as pa

    data = text.encode()
    ends = array("i", range(0, (rows + 1) * len(data), len(data)))
    return pa.Array.from_buffers(pa.string(), rows, [None, pa.py_buffer(ends), pa.py_buffer(data * rows)])


def finish(answer: tuple[str, int]) -> int:
    """Remove what the round wrote; how many products it gave."""
    shutil.rmtree(answer[0])
    return answer[1]


def open_dlt(folder: str, url: str) -> Any:
    """Imports and a pipeline with all its files in a fresh folder, which reports to nobody."""
    own = tempfile.mkdtemp(dir=folder)
    os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "DLT_DATA_DIR": own, "RUNTIME__LOG_LEVEL": "ERROR"}
    import dlt
    import duckdb  # noqa: F401 - imported off the clock
    import pyarrow.parquet  # noqa: F401 - likewise
    from dlt.destinations import duckdb as into
    from dlt.sources.helpers import requests

    from varai.sources.shopify.queries import PAGE as DOCUMENTS

    @dlt.resource(name=_STREAM, max_table_nesting=0, write_disposition="append")
    def products() -> Iterator[list[dict[str, Any]]]:
        token = requests.post(f"{url}/admin/oauth/access_token", json={}).json()["access_token"]
        variables: dict[str, Any] = {"query": None, "first": PAGE, "after": None}
        with requests.Session() as session:
            while True:
                answer = session.post(
                    f"{url}/admin/api/2026-10/graphql.json",
                    json={"query": DOCUMENTS[_STREAM], "variables": variables},
                    headers={"X-Shopify-Access-Token": token},
                )
                page = answer.json()["data"]["page"]
                yield page["nodes"]
                if not page["pageInfo"]["hasNextPage"]:
                    return
                variables["after"] = page["pageInfo"]["endCursor"]

    pipeline = dlt.pipeline(
        "bench", pipelines_dir=f"{own}/pipelines", destination=into(f"{own}/loaded.duckdb"), dataset_name="shop"
    )
    return own, pipeline, products


def run_dlt(prepared: Any, folder: str, url: str) -> tuple[str, int]:
    """Extract, normalise and load; where it lies and how many products it gave."""
    del folder, url
    own, pipeline, products = prepared
    pipeline.run(products(), loader_file_format="parquet")
    return own, pipeline.last_trace.last_normalize_info.row_counts[_STREAM]


def measure(products: int, rounds: int) -> dict[str, Measured]:
    """Ours in the clear, ours sealed and dlt from one server, taking turns."""
    with tempfile.TemporaryDirectory() as name, serving(Path(name), products) as url:
        ours = [
            Case(case, run_river, (name, url, sealed), open_river, finish)
            for case, sealed in ((_OURS, False), (_SEALED, True))
        ]
        found = compare([*ours, Case(_THEIRS, run_dlt, (name, url), open_dlt, finish)], rounds)
    for one in found.values():
        if one.result != products:
            raise RuntimeError(f"{one.name} gave {one.result} products of {products}.")
    return found


def main() -> int:
    """Print the comparison for each size; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, nargs="+", default=[100_000, 400_000])
    parser.add_argument("--rounds", type=int, nargs="+", default=[3, 1], help="one for each size")
    given = parser.parse_args()
    rounds = [*given.rounds, *given.rounds[-1:] * len(given.products)]
    sizes = dict(zip(given.products, rounds, strict=False))
    found, met = {}, True
    for products, times in sizes.items():
        load = os.getloadavg()[0]
        found[products] = measured = measure(products, times)
        print(f"Ingest of {products:,} products, {times} rounds taking turns (load before: {load:.1f})\n")
        print(table(measured, _OURS, products))
        save(f"ingest-{products}", measured, REPOSITORY / ".cache" / "bench")
        met &= _judge(measured)
    return 0 if _flat(found) and met else 1


def _judge(measured: dict[str, Measured]) -> bool:
    """Print the ratios; False when a goal is missed."""
    theirs, met = measured[_THEIRS], True
    print()
    for name in (_OURS, _SEALED):
        ratio, whole = theirs.cpu / measured[name].cpu, theirs.process_cpu / measured[name].process_cpu
        met &= ratio >= LEAST_RATIO and measured[name].peak < MOST_MB
        print(
            f"{name}: {ratio:.1f}x less CPU per record than dlt (goal: at least {LEAST_RATIO:.0f}x),"
            f" {whole:.1f}x with start-up and imports; peak {measured[name].peak:.0f} MB (goal: under {MOST_MB} MB)"
        )
    print()
    return met


def _flat(found: dict[int, dict[str, Measured]]) -> bool:
    """Print how memory grows between the sizes; False when it does."""
    if len(found) < 2:
        return True
    small, large = min(found), max(found)
    flat = True
    for name in (_OURS, _SEALED, _THEIRS):
        growth = found[large][name].peak - found[small][name].peak
        flat &= name == _THEIRS or growth <= MOST_GROWTH_MB
        print(f"{name}: peak memory {growth:+.0f} MB from {small:,} to {large:,} products")
    print(f"(goal for ours: flat, that is at most {MOST_GROWTH_MB} MB more)")
    return flat


if __name__ == "__main__":
    sys.exit(main())
