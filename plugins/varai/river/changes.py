"""When the vendor made the changes that a slice brings: a judged slice in, a few instants out."""

from __future__ import annotations

from datetime import datetime

import duckdb

from varai.registry import Changes


def changes_since(con: duckdb.DuckDBPyConnection, primary: str, since: datetime) -> Changes | None:
    """Of the primary rows that pass and were changed since an instant; None where there are none.

    The connection holds `judged_<primary>` and `prev`: what was judged anew with the content it had is no change.
    """
    row = con.execute(
        f"""
        SELECT count(*), quantile_disc(j.source_updated_at, 0.5), quantile_disc(j.source_updated_at, 0.05), min(j.source_updated_at)
        FROM judged_{primary} j LEFT JOIN prev p ON p.entity = '{primary}' AND p.source_id = j.source_id AND NOT p.deleted
        WHERE NOT j.replayed AND len(j.reasons) = 0 AND j.source_updated_at >= $since
          AND p.content_hash IS DISTINCT FROM j.content_hash
        """,
        {"since": since},
    ).fetchone()
    if row is None or not row[0]:
        return None
    rows, median, late, oldest = row
    return Changes(rows=rows, p50_at=median, p95_at=late, oldest_at=oldest)
