"""Judge a slice: which rows are new, what the gate says of them, and how many share each fate."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from dataclasses import dataclass

import duckdb
import pyarrow.parquet as pq

from varai import landing
from varai.canonical import entity as canonical_entity
from varai.canonical.mapping import Mapping
from varai.gate import Suite, judge
from varai.kernel import BatchRef
from varai.registry import Counts, SliceState
from varai.river.classify import (
    HASH_COLUMNS,
    PREV_COLUMNS,
    Census,
    find_gone,
    find_roots,
    find_unchanged,
    flipped,
    rank,
    settle_sets,
    take_attempt,
)
from varai.river.context import FeedRun
from varai.river.listed import insist
from varai.river.replay import replayed_rows
from varai.sources.contract import StreamSpec
from varai.stores import objects

NO_SUITE = "-"


@dataclass(frozen=True, slots=True)
class Judgement:
    """Fates per entity. On the connection, per entity: `judged_<entity>` (rows with reasons, flags, score) and `gone_<entity>`."""

    counts: Dict[str, Counts]


def judge_slice(
    run: FeedRun,
    spec: StreamSpec,
    state: SliceState,
    con: duckdb.DuckDBPyConnection,
    ref: BatchRef,
    mapping: Mapping,
    suites: Dict[str, Suite],
    census: Census,
    *,
    remap: bool = False,
) -> Judgement:
    """Sort and judge the rows of every entity of a slice; `rows_<entity>` must be attached, and what the census needs.

    Raises Unbalanced when a listing would have most of what is known gone.
    """
    attach_hashes(con, state)
    later = _landed_since(run, ref) if remap else []
    counts = {}
    for name in spec.entities:
        rank(con, name, spec.primary, later, dated=spec.dated)
        if name == spec.primary:
            find_roots(con, spec.primary)
        find_gone(con, name, census)
        if census.listed and name == spec.primary:
            insist(state, spec, con, run.lease.token)
        counts[name] = _judge_entity(run, spec, con, name, mapping, suites.get(name), remap=remap)
    return Judgement(counts)


def attach_hashes(con: duckdb.DuckDBPyConnection, state: SliceState) -> None:
    """Offer the stream's hashes as `prev`, with what runs that died may have put out; an empty table before the first slice."""
    columns = ", ".join(f"{name} {kind}" for name, kind in PREV_COLUMNS.items())
    con.execute(f"CREATE TEMP TABLE prev ({columns})")
    store = objects(state.scope)
    known = state.newest_hashes()
    if store.exists(known):
        with store.open(known) as file:
            con.register("known_hashes", pq.read_table(file))
        con.execute(f"INSERT INTO prev SELECT {', '.join(HASH_COLUMNS)}, false FROM known_hashes")
        con.unregister("known_hashes")
    for key in state.attempts():
        with store.open(key) as file:
            con.register("attempt", pq.read_table(file))
        take_attempt(con)
        con.unregister("attempt")


def batches_in_force(state: SliceState) -> frozenset[str]:
    """Batches that carried a row as it stands now."""
    store = objects(state.scope)
    if not store.exists(state.hashes):
        return frozenset()
    with store.open(state.hashes) as file:
        table = pq.read_table(file, columns=["batch_id"])
    return frozenset(table["batch_id"].unique().to_pylist())


def _landed_since(run: FeedRun, ref: BatchRef) -> list[str]:
    """Other batches of the stream that landed with this one or after it."""
    kept = landing.batches(run.scope, run.feed.key, ref.stream)
    return [one.batch_id for one in kept if one.ingested_at >= ref.ingested_at and one.batch_id != ref.batch_id]


def _judge_entity(
    run: FeedRun,
    spec: StreamSpec,
    con: duckdb.DuckDBPyConnection,
    name: str,
    mapping: Mapping,
    suite: Suite | None,
    *,
    remap: bool,
) -> Counts:
    keys = tuple(suite.set_keys) if suite else ()
    settle_sets(con, name, keys)
    find_unchanged(con, name, mapping.version, suite.version if suite else NO_SUITE, remap=remap)
    con.execute(
        f"""
        CREATE TEMP TABLE new_{name} AS
        SELECT r.*, false AS replayed FROM rows_{name} r
        SEMI JOIN own_{name} o ON o.row_key = r.row_key
        WHERE r.row_key NOT IN (SELECT row_key FROM same_{name})
        """
    )
    replays = replayed_rows(run, spec, name, flipped(con, name), mapping)
    if replays is not None:
        con.register("replays", replays)
        con.execute(f"INSERT INTO new_{name} BY NAME SELECT *, true AS replayed FROM replays")
        con.unregister("replays")
    _verdict(con, name, suite)
    return _count(con, name)


def missing(name: str) -> str:
    """SQL: the reasons of a row of an entity that no suite judges, that is which of its required fields it lacks."""
    reasons = [
        f"CASE WHEN {field.name} IS NULL THEN 'missing_{field.name}' END"
        for field in canonical_entity(name).fields
        if field.required and not field.subject
    ]
    return f"list_filter([{', '.join(reasons)}], lambda x: x IS NOT NULL)" if reasons else "[]::VARCHAR[]"


def _verdict(con: duckdb.DuckDBPyConnection, name: str, suite: Suite | None) -> None:
    """Create `judged_<entity>`: new and replayed rows with reasons, flags and score."""
    if suite is None:
        con.execute(
            f"CREATE TEMP TABLE judged_{name} AS "
            f"SELECT n.*, {missing(name)} AS reasons, n.faults AS flags, 100.0::DOUBLE AS score FROM new_{name} n"
        )
        return
    keys = ", ".join(suite.set_keys)
    columns = f"source_id, {keys}" if keys else "source_id"
    con.execute(
        f"""
        CREATE TEMP VIEW holders_{name} AS
        SELECT {columns} FROM others_{name} WHERE source_id NOT IN (SELECT source_id FROM new_{name} WHERE replayed)
        UNION ALL
        SELECT {columns} FROM own_{name} WHERE row_key IN (SELECT row_key FROM same_{name})
        """
    )
    judge(con, suite, f"new_{name}", f"holders_{name}" if keys else None, f"failing_{name}")
    con.execute(
        f"""
        CREATE TEMP TABLE judged_{name} AS
        SELECT n.*, coalesce(f.reasons, []) AS reasons, coalesce(f.flags, []) AS flags, coalesce(f.score, 100.0) AS score
        FROM new_{name} n LEFT JOIN failing_{name} f ON f.source_id = n.source_id AND f.position = n.position
        """
    )


def _count(con: duckdb.DuckDBPyConnection, name: str) -> Counts:
    row = con.execute(
        f"""
        SELECT (SELECT count(*) FROM rank_{name}),
               (SELECT count(*) FROM rank_{name} WHERE superseded),
               (SELECT count(*) FROM same_{name} WHERE verdict <> 'quarantined'),
               (SELECT count(*) FROM same_{name} WHERE verdict = 'quarantined'),
               (SELECT count(*) FROM judged_{name} WHERE NOT replayed AND len(reasons) = 0),
               (SELECT count(*) FROM judged_{name} WHERE NOT replayed AND len(reasons) > 0),
               (SELECT count(*) FROM judged_{name} WHERE replayed),
               (SELECT count(*) FROM gone_{name})
        """
    ).fetchone()
    mapped, superseded, unchanged, still_quarantined, published, quarantined, replayed, gone = row or (0,) * 8
    return Counts(
        mapped=mapped,
        superseded=superseded,
        unchanged=unchanged,
        published=published,
        quarantined=quarantined + still_quarantined,
        replayed=replayed,
        tombstoned=gone,
    )
