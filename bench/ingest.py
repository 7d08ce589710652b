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
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.measure import Case, Measured, compare, save, table
from bench.river import LEAST_RATIO, MOST_GROWTH_MB, MOST_MB, Shop, finish, open_river, run_river
from bench.shop import PAGE, serving
from bench.theirs import open_pipeline, run_pipeline

REPOSITORY = Path(__file__).resolve().parents[1]
_OURS, _SEALED, _THEIRS = "ours", "ours, sealed", "dlt, parquet loader"
_STREAM = "products"
_SHOP = Shop("shopify", _STREAM, '{"client_id": "bench", "client_secret": "bench"}', {"bulk": False})


def open_dlt(folder: str, url: str) -> Any:
    """Imports and a pipeline with all its files in a fresh folder, which reports to nobody."""
    own, pipeline = open_pipeline(folder)
    import dlt
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

    return own, pipeline, products


def run_dlt(prepared: Any, folder: str, url: str) -> tuple[str, int]:
    """Extract, normalise and load; where it lies and how many products it gave."""
    del folder, url
    own, pipeline, products = prepared
    return own, run_pipeline(pipeline, products(), _STREAM)


def measure(products: int, rounds: int) -> dict[str, Measured]:
    """Ours in the clear, ours sealed and dlt from one server, taking turns."""
    with tempfile.TemporaryDirectory() as name, serving(Path(name), products) as url:
        ours = [
            Case(case, run_river, (name, url, _SHOP, sealed), open_river, finish)
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
