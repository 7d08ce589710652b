"""Compare two sets of (key, digest) by buckets: what is equal is never looked at twice, what differs is found by its key.

Rows are spread over buckets by their key. A bucket's digest is made of the count, the sum and the exclusive or of its rows' hashes, so it
does not depend on their order, and a row that comes twice does not cancel itself. Only buckets that differ are joined row by row.
"""

from __future__ import annotations

from typing import Final

import duckdb

BUCKETS: Final = 1024


def differing(con: duckdb.DuckDBPyConnection, one: str, other: str, into: str, *, buckets: int = BUCKETS) -> int:
    """Insert into the table `into` the keys that the two do not hold alike: absent in one, of another digest, or more often.

    Args:
        con: holds both; it may spill.
        one: a SELECT of (key VARCHAR, digest VARCHAR).
        other: another one.
        into: a table of one column, `key`; a key may come to be in it more than once.
        buckets: how many.

    Returns how many buckets were opened.
    """
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE opened_buckets AS
        SELECT coalesce(a.bucket, b.bucket) AS bucket
        FROM ({_digests(one, buckets)}) a FULL JOIN ({_digests(other, buckets)}) b ON a.bucket = b.bucket
        WHERE (a.n, a.total, a.mix) IS DISTINCT FROM (b.n, b.total, b.mix)
        """
    )
    opened = con.execute("SELECT count(*) FROM opened_buckets").fetchall()[0][0]
    if opened:
        con.execute(
            f"""
            INSERT INTO {into}
            SELECT coalesce(a.key, b.key) FROM ({_rows(one, buckets)}) a FULL JOIN ({_rows(other, buckets)}) b ON a.key = b.key
            WHERE (a.n, a.total, a.mix) IS DISTINCT FROM (b.n, b.total, b.mix)
            """
        )
    return int(opened)


_LINE: Final = "concat(strlen(key), ':', key, coalesce(':' || digest, '-'))"
_SUMS: Final = (
    f"count(*) AS n, sum(md5_number_lower({_LINE})::HUGEINT) AS total, bit_xor(md5_number_upper({_LINE})) AS mix"
)


def _bucket(buckets: int) -> str:
    return f"md5_number_lower(key) % {buckets}"


def _digests(select: str, buckets: int) -> str:
    return f"SELECT {_bucket(buckets)} AS bucket, {_SUMS} FROM ({select}) GROUP BY ALL"


def _rows(select: str, buckets: int) -> str:
    opened = f"{_bucket(buckets)} IN (SELECT bucket FROM opened_buckets)"
    return f"SELECT key, {_SUMS} FROM ({select}) WHERE {opened} GROUP BY key"
