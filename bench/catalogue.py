"""Unchanged re-sync of a catalogue beside a blind upsert of it: documents written, CPU of client and server; ratios.

Both read the same mapped rows (products with two variants each) from Parquet, against the same document server, whose
catalogue holds them already. Ours is the river's own way: sort rows by the hashes of the last run, publish what
changed. The blind upsert groups rows into documents in SQL and replaces every one of them. With --guarded a third case
publishes every row under the catalogue's guard, as a run without hashes would.

Run: python -m bench.catalogue [--products N] [--rounds N] [--guarded]
"""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from bench.measure import Case, Measured, compare, save, table

REPOSITORY = Path(__file__).resolve().parents[1]
LEAST_RATIO = 10.0
_ENTITIES = ("product", "variant")
_OURS, _BLIND, _GUARDED = "unchanged re-sync", "blind upsert", "publish all, guarded"

_RUN = """
'north' AS tenant, 'shop' AS feed, 'shopify' AS source, TIMESTAMPTZ '2026-01-01 00:00:00+00' AS source_updated_at,
TIMESTAMPTZ '2026-02-01 00:00:00+00' AS ingested_at, 'b1' AS batch_id, false AS deleted,
[]::VARCHAR[] AS flags, 100.0::DOUBLE AS score
"""
_PRODUCTS = f"""
SELECT (1000000 + i)::VARCHAR AS source_id, (1000000 + i)::VARCHAR AS root_id, {_RUN}, md5('p' || i) AS content_hash,
       'Frame ' || i AS title, 'frame-' || i AS handle, repeat('A light frame for every day. ', 12) AS description_html,
       'Northwind' AS brand, 'eyeglasses' AS product_type, 'active' AS status, ['unisex', 'acetate'] AS tags,
       'round' AS frame_shape, 'full' AS rim, 'acetate' AS material, true AS rx_able, i AS position, i AS row_key
FROM range($products) t(i)
"""
_VARIANTS = f"""
SELECT (5000000 + i)::VARCHAR AS source_id, (1000000 + i // 2)::VARCHAR AS root_id, {_RUN},
       md5('v' || i) AS content_hash,
       (1000000 + i // 2)::VARCHAR AS product_id, 'Black / ' || (i % 2) AS title, 'NW-' || i AS sku,
       (4000000000000 + i)::VARCHAR AS gtin, (100 + i % 90 + 0.95)::DECIMAL(18,6) AS price, 'USD' AS currency,
       i::VARCHAR AS inventory_item_id, 52::DECIMAL(18,6) AS lens_width_mm, 18::DECIMAL(18,6) AS bridge_mm,
       145::DECIMAL(18,6) AS temple_mm, i // 2 AS position, i AS row_key
FROM range(2 * $products) t(i)
"""


def write_rows(folder: Path, products: int) -> None:
    """Write mapped rows per entity in the shape the catalogue takes, and the hashes that a first run leaves."""
    import duckdb

    from varai.canonical import duckdb_type, entity
    from varai.river.classify import HASH_COLUMNS

    with duckdb.connect() as con:
        for name, rows in zip(_ENTITIES, (_PRODUCTS, _VARIANTS), strict=True):
            con.execute(f"CREATE TABLE made_{name} AS {rows}", {"products": products})
            have = {row[0] for row in con.execute(f"DESCRIBE made_{name}").fetchall()}
            null = [f"NULL::{duckdb_type(one)} AS {one.name}" for one in entity(name).stored if one.name not in have]
            con.execute(f"CREATE TABLE {name} AS SELECT {', '.join(['*', *null])} FROM made_{name}")
            con.execute(f"COPY {name} TO '{folder / name}.parquet' (FORMAT parquet, COMPRESSION zstd)")
        given = "source_id, root_id, source_updated_at, content_hash, 'm' AS mapping_version, 's' AS suite_version"
        given += ", 'published' AS verdict, deleted, batch_id"
        con.execute(
            f"""
            CREATE TABLE known AS SELECT 'product' AS entity, {given} FROM product
            UNION ALL BY NAME SELECT 'variant' AS entity, sku, gtin, {given} FROM variant
            """
        )
        have = {row[0] for row in con.execute("DESCRIBE known").fetchall()}
        columns = [name if name in have else f"NULL::{kind} AS {name}" for name, kind in HASH_COLUMNS.items()]
        con.execute(f"COPY (SELECT {', '.join(columns)} FROM known) TO '{folder}/hashes.parquet' (FORMAT parquet)")


def open_catalogue(folder: str, uri: str, server: int) -> Any:
    """Imports, a connection that has answered, and the server's process: what a task has before its slice."""
    import duckdb
    import psutil

    from varai import catalogue, river  # noqa: F401 - imported off the clock
    from varai.kernel import Feed
    from varai.settings import load
    from varai.stores import documents

    settings = load({"VARAI_HOME": folder, "VARAI_DATABASE": "bench", "VARAI_STORES__EU__DOCUMENTS_URI": uri})
    scope = settings.scope("eu", "north")
    documents(scope).command("ping")
    feed = Feed(tenant="north", name="shop", connector="shopify", base_url="http://localhost", secret="north-shop")
    con = duckdb.connect(config={"threads": "2"})
    con.execute("SELECT $warm", {"warm": []})  # the first bound list makes DuckDB import pandas
    return scope, feed, con, psutil.Process(server)


def run_unchanged(prepared: Any, folder: str, uri: str, server: int) -> tuple[int, float]:
    """Sort the rows by the kept hashes, publish the changed ones."""
    from varai import catalogue
    from varai.river.classify import Census, find_gone, find_roots, find_unchanged, rank, settle_sets

    del uri, server
    scope, feed, con, process = prepared
    before = _cpu(process)
    con.execute(f"CREATE TEMP TABLE prev AS SELECT *, false AS tried FROM read_parquet('{folder}/hashes.parquet')")
    changed = {}
    for name in _ENTITIES:
        con.execute(f"CREATE TEMP VIEW rows_{name} AS FROM read_parquet('{folder}/{name}.parquet')")
        rank(con, name, "product")
        if name == "product":
            find_roots(con, name)
        find_gone(con, name, Census("product", [], whole=True))
        settle_sets(con, name, ("sku", "gtin") if name == "variant" else ())
        find_unchanged(con, name, "m", "s")
        rows = con.execute(f"FROM rows_{name} WHERE row_key NOT IN (SELECT row_key FROM same_{name})").to_arrow_table()
        if rows.num_rows:
            changed[name] = rows
    report = catalogue.publish(scope, feed, changed, run_id="b2")
    return report.written, _cpu(process) - before


def run_guarded(prepared: Any, folder: str, uri: str, server: int) -> tuple[int, float]:
    """Publish every row."""
    from varai import catalogue

    del uri, server
    scope, feed, con, process = prepared
    before = _cpu(process)
    rows = {name: con.execute(f"FROM read_parquet('{folder}/{name}.parquet')").to_arrow_table() for name in _ENTITIES}
    report = catalogue.publish(scope, feed, rows, run_id="b2")
    return report.written, _cpu(process) - before


def run_blind(prepared: Any, folder: str, uri: str, server: int) -> tuple[int, float]:
    """Replace every document by one grouped in SQL; prices as text, as cheap as it gets."""
    from pymongo import ReplaceOne

    from varai.stores import documents

    del uri, server
    scope, _, con, process = prepared
    before = _cpu(process)
    reader = con.execute(
        f"""
        SELECT 'north/shop/' || p.source_id AS _id, p.* EXCLUDE (position, row_key), v.variants
        FROM read_parquet('{folder}/product.parquet') p LEFT JOIN (
            SELECT product_id, list({{
                'source_id': source_id, 'source_updated_at': source_updated_at, 'content_hash': content_hash,
                'title': title, 'sku': sku, 'gtin': gtin, 'price': price::VARCHAR, 'currency': currency,
                'inventory_item_id': inventory_item_id, 'lens_width_mm': lens_width_mm::VARCHAR,
                'bridge_mm': bridge_mm::VARCHAR, 'temple_mm': temple_mm::VARCHAR
            }} ORDER BY source_id) AS variants
            FROM read_parquet('{folder}/variant.parquet') GROUP BY product_id
        ) v ON v.product_id = p.source_id ORDER BY _id
        """
    ).to_arrow_reader(1_000)
    target, replaced = documents(scope)["blind"], 0
    for batch in reader:
        writes = [ReplaceOne({"_id": row["_id"]}, row, upsert=True) for row in batch.to_pylist()]
        replaced += target.bulk_write(writes, ordered=False).matched_count
    return replaced, _cpu(process) - before


def _cpu(process: Any) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


@contextmanager
def server(folder: Path, *options: str) -> Iterator[tuple[str, int]]:
    """A document server of the embedded kind on a free port, with more options; yields its address and process id."""
    from pymongo import MongoClient
    from pymongo.errors import PyMongoError

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = [str(Path(sys.executable).with_name("secantusd-py")), "--host", "127.0.0.1", "--port", str(port)]
    command += ["--storage-path", str(folder / "data"), "--cache-size", "256M", "--log-level", "WARNING", *options]
    uri = f"mongodb://127.0.0.1:{port}/?directConnection=true"
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with MongoClient[dict[str, Any]](uri, serverSelectionTimeoutMS=500) as client:
            for _ in islice(iter(int, 1), 100):
                try:
                    client.admin.command("ping")
                    break
                except PyMongoError:
                    time.sleep(0.1)
        yield uri, process.pid
    finally:
        process.terminate()
        process.wait(timeout=10)


def measure(products: int, rounds: int, *, guarded: bool = False) -> dict[str, Measured]:
    """The cases against one server that holds the catalogue already, taking turns."""
    with tempfile.TemporaryDirectory() as name, server(Path(name)) as (uri, pid):
        write_rows(Path(name), products)
        arguments = (name, uri, pid)
        for fill in (run_guarded, run_blind):
            fill(open_catalogue(*arguments), *arguments)
        runs = [(_OURS, run_unchanged), (_BLIND, run_blind), *([(_GUARDED, run_guarded)] if guarded else [])]
        return compare([Case(case, run, arguments, open_catalogue) for case, run in runs], rounds)


def main() -> int:
    """Print the comparison; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--guarded", action="store_true")
    arguments = parser.parse_args()
    measured = measure(arguments.products, arguments.rounds, guarded=arguments.guarded)
    print(
        f"Re-sync of {arguments.products:,} products with two variants each, {arguments.rounds} rounds taking turns\n"
    )
    print(table(measured, _OURS, 3 * arguments.products))
    for name, one in measured.items():
        print(f"{name}: {one.result[0]:,} documents written or replaced, {one.result[1]:.2f} CPU-s of the server")
    both = {name: one.cpu + one.result[1] for name, one in measured.items()}
    ratio = both[_BLIND] / both[_OURS]
    print(f"\nCPU of client and server: {ratio:.1f}x less than a blind upsert (goal: at least {LEAST_RATIO:.0f}x)")
    print(f"CPU of the client alone: {measured[_BLIND].cpu / measured[_OURS].cpu:.1f}x less")
    print(f"documents written: {measured[_OURS].result[0]} (goal: 0)")
    save("catalogue", measured, REPOSITORY / ".cache" / "bench")
    return 0 if measured[_OURS].result[0] == 0 and ratio >= LEAST_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())
