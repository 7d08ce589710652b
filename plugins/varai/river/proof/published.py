"""The published snapshot as a place: every file as its manifest says, every row as the mart was built, and none that the warehouse lacks.

What was loaded since the snapshot's contents were first seen may be in it or not, and is no difference.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import duckdb

from varai.kernel import FeedKey, Scope
from varai.marts.publish import read_manifest
from varai.registry.comparisons import SNAPSHOT as NAME
from varai.river.proof.buckets import differing
from varai.river.proof.compare import MOST
from varai.river.proof.snapshot import LOST, SHOWN, broken, take_built, take_due, take_shown
from varai.river.proof.words import Difference, StreamProof
from varai.stores import objects
from varai.warehouse.duck import DuckDBWarehouse

_SAID: Final = {
    "missing": "the snapshot lacks it",
    "extra": "the snapshot has it still",
    "altered": "it is not in the snapshot as the mart was built",
}


def prove_published(
    con: duckdb.DuckDBPyConnection, scope: Scope, opened: DuckDBWarehouse, key: FeedKey
) -> StreamProof | None:
    """Compare the rows that a feed has in its tenant's snapshot; None where nothing is published yet.

    The caller holds the region's warehouse lease, so that nobody publishes meanwhile.
    """
    found = read_manifest(objects(scope), key.tenant)
    if found is None:
        return None
    manifest = found[0]
    differences, rows, compared = list[Difference](), 0, list[_Compared]()
    for mart, file in sorted(manifest.marts.items()):
        if sentence := broken(scope, file):
            differences.append(_of_file(key, mart, sentence))
        if mart not in SHOWN or sentence == LOST:
            continue
        con.execute("CREATE OR REPLACE TEMP TABLE shown (key VARCHAR, digest VARCHAR)")
        if not take_shown(con, scope, file, key, SHOWN[mart].column):
            continue
        take_built(con, opened, key, mart)
        take_due(con, scope, opened, key, manifest, SHOWN[mart])
        rows += con.execute("SELECT count(*) FROM shown").fetchall()[0][0]
        compared.append(_compare(con))
        differences += [_of_row(key, SHOWN[mart].entity, mart, *one) for one in compared[-1].wrong]
    since = sum(one.since for one in compared)
    return StreamProof(
        stream=NAME,
        asked=False,
        as_of=manifest.as_of,
        rows={NAME: rows},
        buckets=sum(one.buckets for one in compared),
        explained={"loaded since": since} if since else {},
        differences=tuple(differences),
        more=sum(one.suspects - one.since - len(one.wrong) for one in compared),
    )


class _Compared(NamedTuple):
    """Buckets opened, rows that differ and how many are explained, and the first of the others with what is wrong."""

    buckets: int
    suspects: int
    since: int
    wrong: list[tuple[str, str]]


def _compare(con: duckdb.DuckDBPyConnection) -> _Compared:
    """Hold `shown` against `built` and `due`. What was loaded since is explained, but for a row unlike the mart as it was built."""
    con.execute("CREATE OR REPLACE TEMP TABLE suspects (key VARCHAR)")
    opened = differing(con, "SELECT * FROM built", "SELECT * FROM shown", "suspects")
    due, ids = "SELECT DISTINCT key, '' AS digest FROM due WHERE live", "SELECT key, '' AS digest FROM shown"
    opened += differing(con, due, ids, "suspects")
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE judged AS
        SELECT s.key, coalesce(d.late, false) AND b.digest IS NOT DISTINCT FROM v.digest AS explained,
               CASE WHEN v.key IS NULL THEN 'missing' WHEN b.key IS NULL OR NOT coalesce(d.live, false) THEN 'extra'
                    ELSE 'altered' END AS what
        FROM (SELECT DISTINCT key FROM suspects) s
        LEFT JOIN (SELECT key, bool_or(live) AS live, bool_or(late) AS late FROM due GROUP BY key) d ON d.key = s.key
        LEFT JOIN built b ON b.key = s.key LEFT JOIN shown v ON v.key = s.key
        """
    )
    suspects, since = con.execute("SELECT count(*), count(*) FILTER (explained) FROM judged").fetchall()[0]
    wrong = con.execute(f"SELECT key, what FROM judged WHERE NOT explained ORDER BY key LIMIT {MOST}").fetchall()
    return _Compared(opened, suspects, since, wrong)


def _of_row(key: FeedKey, entity: str, mart: str, source_id: str, what: str) -> Difference:
    return Difference(
        key=f"{key}/{entity}/{source_id}",
        entity=entity,
        source_id=source_id,
        what=f"{_SAID[what]} ({mart})",
        wrong={NAME: what},
        held={NAME: what},
    )


def _of_file(key: FeedKey, mart: str, sentence: str) -> Difference:
    return Difference(
        key=f"{key}/{NAME}/{mart}",
        entity=mart,
        source_id="",
        what=sentence,
        wrong={NAME: "altered"},
        held={NAME: "altered"},
    )
