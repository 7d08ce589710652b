"""Gate of 1M variants beside Great Expectations on pandas: the same suite, the same rows, the same verdicts; ratios out.

Both read the same Parquet file, derive the same columns and end with the failing rows; imports are off the clock. Great
Expectations is at its best: DuckDB reads and derives for it, and decimals come as binary floats, so that pandas compares whole
columns. It is asked for what a row-level verdict needs (COMPLETE).

Run: python -m bench.gate [--rows N] [--rounds N]
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from bench.measure import Case, Measured, compare, cpu_seconds, save, table

REPOSITORY = Path(__file__).resolve().parents[1]
SUITE = REPOSITORY / "expectations" / "commerce" / "variant.yml"
LEAST_RATIO = 5.0
MOST_MB = 512

# A true check digit for a number of twelve digits; planted faults: one row in so many, each on rows of its own.
_DATA = """
SELECT (40000000 + i)::VARCHAR AS source_id, i AS position, (i // 4)::VARCHAR AS root_id,
       TIMESTAMPTZ '2026-01-01 00:00:00+00' + i * INTERVAL 1 SECOND AS source_updated_at, (i // 4)::VARCHAR AS product_id,
       'Black / ' || (i % 40) AS title,
       CASE WHEN i % 500 = 1 THEN 'NW-' || (i - 1) ELSE 'NW-' || i END AS sku,
       (n * 10 + (true_digit + CASE WHEN i % 250 = 2 THEN 3 ELSE 0 END) % 10)::VARCHAR AS gtin,
       (CASE WHEN i % 700 = 3 THEN 0 ELSE 50 + i % 200 END + 0.95)::DECIMAL(18,6) - CASE WHEN i % 700 = 3 THEN 0.95 ELSE 0 END AS price,
       CASE WHEN i % 600 = 4 THEN 10 WHEN i % 3 = 0 THEN 300 + i % 20 END::DECIMAL(18,6) AS compare_at,
       'USD' AS currency, (20 + i % 30)::DECIMAL(18,6) AS unit_cost, 'USD' AS unit_cost_currency, i::VARCHAR AS inventory_item_id,
       CASE WHEN i % 900 = 5 THEN NULL ELSE 'black' END AS colour, '52-18-145' AS size_label,
       (CASE WHEN i % 800 = 6 THEN 520 ELSE 52 END)::DECIMAL(18,6) AS lens_width_mm, 18::DECIMAL(18,6) AS bridge_mm,
       145::DECIMAL(18,6) AS temple_mm, (35 + i % 10)::DECIMAL(18,6) AS lens_height_mm,
       (126 + i % 20)::DECIMAL(18,6) AS frame_width_mm, 25::DECIMAL(18,6) AS weight_g,
       CASE WHEN i % 950 = 7 THEN ['nul_byte:title'] ELSE []::VARCHAR[] END AS faults
FROM (
    SELECT i, 300000000000 + i AS n,
           (10 - (3 * (n % 10 + n // 100 % 10 + n // 10000 % 10 + n // 1000000 % 10 + n // 100000000 % 10 + n // 10000000000 % 10)
            + n // 10 % 10 + n // 1000 % 10 + n // 100000 % 10 + n // 10000000 % 10 + n // 1000000000 % 10
            + n // 100000000000 % 10) % 10) % 10 AS true_digit
    FROM range($rows) t(i)
)
"""


def write_rows(path: Path, rows: int) -> None:
    """Write the variants as Parquet, in the shape of mapped rows."""
    import duckdb

    with duckdb.connect() as con:
        con.execute("CREATE TABLE made AS " + _DATA, {"rows": rows})
        con.execute(f"COPY made TO '{path}' (FORMAT parquet, COMPRESSION zstd)")


def load_compiled(path: str) -> Any:
    """Imports and the suite: what a task has done before its first slice."""
    import duckdb

    from varai.gate import load_suite

    con = duckdb.connect(config={"memory_limit": "256MB", "threads": "2"})
    con.execute("SET preserve_insertion_order = false")
    return con, load_suite(SUITE)


def run_compiled(prepared: Any, path: str) -> Any:
    """Judge the file; the failing rows stay in a table."""
    from varai.gate import judge

    con, suite = prepared
    con.execute(f"CREATE VIEW rows AS SELECT * FROM read_parquet('{path}')")
    judge(con, suite, "rows", None, "failing")
    return con


def finish_compiled(con: Any) -> tuple[int, str]:
    """Number and digest of the verdicts."""
    return _digest(
        {row[0]: (row[1], row[2]) for row in con.execute("SELECT source_id, reasons, flags FROM failing").fetchall()}
    )


def load_oracle(path: str) -> Any:
    """Imports, context and suite."""
    from varai.gate import load_suite
    from varai.gate.document import Oracle

    return Oracle(), load_suite(SUITE)


def run_oracle(prepared: Any, path: str) -> Any:
    """Read the file, derive the columns (with DuckDB, as it is quickest) and validate; row numbers that fail, by rule.

    Decimals are handed over as binary floats: comparisons of whole columns are the best case of pandas.
    """
    import duckdb

    from varai.gate.compile import derived_sql

    oracle, suite = prepared
    with duckdb.connect() as con:
        con.execute(f"CREATE VIEW rows AS SELECT * FROM read_parquet('{path}')")
        names = [
            f'"{name}"::DOUBLE AS "{name}"' if suite.types[name].startswith("DECIMAL") else f'"{name}"'
            for name in suite.judged
        ]
        derived = derived_sql(suite, "rows", ("source_id", *suite.judged))
        rows = con.execute(f"SELECT source_id, {', '.join(names)} FROM ({derived})").to_arrow_table()
    started = cpu_seconds()
    failing = oracle.failing("variant", suite.rules, rows.select(list(suite.judged)))
    return suite, rows["source_id"], failing, cpu_seconds() - started


def finish_oracle(answer: Any) -> tuple[int, str, float]:
    """Number and digest of the verdicts, and the CPU-seconds of the validation alone."""
    suite, ids, failing, validation = answer
    told: dict[int, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for rule in suite.rules:
        for number in failing[rule.meta.id]:
            told[number][0 if rule.meta.severity == "hard" else 1].add(rule.meta.reason)
    names = ids.to_pylist()
    return *_digest({names[number]: (sorted(hard), sorted(soft)) for number, (hard, soft) in told.items()}), validation


def _digest(verdicts: dict[str, Any]) -> tuple[int, str]:
    text = "\n".join(f"{name} {list(hard)} {list(soft)}" for name, (hard, soft) in sorted(verdicts.items()))
    return len(verdicts), hashlib.sha256(text.encode()).hexdigest()


def measure(rows: int, rounds: int) -> dict[str, Measured]:
    """Both gates on the same file, taking turns."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "variants.parquet"
        write_rows(path, rows)
        ours = Case("gate, compiled", run_compiled, (str(path),), load_compiled, finish_compiled)
        theirs = Case("Great Expectations on pandas", run_oracle, (str(path),), load_oracle, finish_oracle)
        return compare([ours, theirs], rounds)


def main() -> int:
    """Print the comparison; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    measured = measure(arguments.rows, arguments.rounds)
    ours, theirs = measured["gate, compiled"], measured["Great Expectations on pandas"]
    print(f"Gate of {arguments.rows:,} variants, {arguments.rounds} rounds taking turns\n")
    print(table(measured, "gate, compiled", arguments.rows))
    ratio, equal = theirs.cpu / ours.cpu, ours.result == theirs.result[:2]
    print(f"\nCPU: {ratio:.1f}x less than Great Expectations on pandas (goal: at least {LEAST_RATIO:.0f}x)")
    print(
        f"its validation alone, the frame in memory: {theirs.result[2] / ours.cpu:.1f}x all that ours does (last round)"
    )
    print(f"peak memory: {ours.peak:.0f} MB (goal: under {MOST_MB} MB)")
    print(f"verdicts: {ours.result[0]:,} failing rows, {'equal' if equal else f'DIFFERENT ({theirs.result[0]:,})'}")
    save("gate", measured, REPOSITORY / ".cache" / "bench")
    return 0 if equal and ratio >= LEAST_RATIO and ours.peak < MOST_MB else 1


if __name__ == "__main__":
    sys.exit(main())
