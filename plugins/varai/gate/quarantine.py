"""Quarantine: rows that cannot be trusted, kept with their reasons under quarantine/{tenant}/{entity}/{batch_id}.parquet[.sealed]."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from varai.canonical.mapping import CHILD, UNMAPPABLE
from varai.kernel import BatchRef, FeedKey, Misconfigured, Scope
from varai.privacy import create_object, open_object
from varai.registry import SliceState, slice_keys
from varai.stores import objects

_ROOT = "quarantine"
_ABOUT = b"varai"
_COLUMNS = ("source_id", "reasons", "flags", "score")


@dataclass(frozen=True, slots=True)
class QuarantinedRow:
    """A row as a list shows it.

    Attributes:
        key: names the row for `show`: {tenant}/{entity}/{batch_id}/{source_id}, or {tenant}/unmappable/{batch_id}/{position}.
        source_id: the row's own; of an unmappable line, which has none, {batch_id}/{position}.
        since: when its slice was planned, ISO 8601.
    """

    key: str
    tenant: str
    feed: str
    stream: str
    entity: str
    batch_id: str
    source_id: str
    reasons: tuple[str, ...]
    flags: tuple[str, ...]
    score: float | None
    since: str


def write(scope: Scope, entity: str, ref: BatchRef, reader: pa.RecordBatchReader, *, sealed: bool) -> str | None:
    """Keep the rows of a batch that the gate held back; returns the object's key, or None when there are none.

    Args:
        scope: of the batch's tenant or region.
        entity: a canonical entity, or `unmappable` for lines that gave no row.
        ref: the batch that carried them; writing it again replaces what was written.
        reader: their columns and `reasons`; `flags` and `score` where the entity has a suite. The `source_id` of an unmappable line
            is {batch_id}/{position}.
        sealed: whether the stream is sealed, and so its quarantine.

    Raises:
        DiskFull: nothing half-written was kept.
    """
    key = _key(entity, ref, sealed=sealed)
    first = next((batch for batch in reader if batch.num_rows), None)
    if first is None:
        objects(scope).delete(key)
        return None
    about = {"feed": ref.feed, "stream": ref.stream, "ingested_at": ref.ingested_at.isoformat()}
    schema = reader.schema.with_metadata({_ABOUT: json.dumps(about).encode()})
    with ExitStack() as stack:
        file = stack.enter_context(create_object(scope, key))
        writer = stack.enter_context(pq.ParquetWriter(file, schema, compression="zstd"))
        writer.write_batch(first)
        for batch in reader:
            writer.write_batch(batch)
    return key


def written(scope: Scope, entity: str, ref: BatchRef, *, sealed: bool) -> pa.Table | None:
    """What an earlier attempt at the same batch wrote; None when there is nothing."""
    key = _key(entity, ref, sealed=sealed)
    return _table(scope, key, None) if objects(scope).exists(key) else None


def list_rows(
    scope: Scope, tenant: str, entity: str | None = None, reason: str | None = None, limit: int | None = 100
) -> list[QuarantinedRow]:
    """Quarantined rows of a tenant, one per row (its latest batch), newest first, then by entity and source_id.

    A row that has passed since, or that the vendor has deleted, is no longer listed; its object stays for the record. A line that
    could not be mapped is a row of its batch: nobody can tell which record it was, so a newer version of the record does not free it.
    It is listed until its batch is mapped again and gives it a row, or until its stream has been read whole since.

    Args:
        scope: of the tenant or its region.
        tenant: whose rows.
        entity: only rows of this entity.
        reason: only rows that carry this reason.
        limit: at most so many rows; None for all.
    """
    found: dict[tuple[str, str, str], QuarantinedRow] = {}
    for key in objects(scope).list(f"{_ROOT}/{tenant}/{f'{entity}/' if entity else ''}"):
        for row in _rows(scope, key):
            known = found.get((row.feed, row.entity, row.source_id))
            if known is None or row.since > known.since:
                found[row.feed, row.entity, row.source_id] = row
    freed = _freed(scope, tenant)
    rows = [row for row in found.values() if reason is None or reason in row.reasons]
    rows = [row for row in rows if (row.feed, row.entity, row.source_id) not in freed]
    read = _read_whole(scope, tenant)
    rows = [row for row in rows if not (row.entity == UNMAPPABLE and _read_since(row, read))]
    rows.sort(key=lambda row: (row.entity, row.source_id))
    rows.sort(key=lambda row: row.since, reverse=True)
    return rows[:limit]


def count_unmappable(scope: Scope, feed: FeedKey, stream: str, *, parts: bool = False) -> int:
    """How many vendor records of a stream gave no row, at most: one that could be mapped since is counted still.

    A line that was read again as it was counts once. With `parts`, lines that are children of a record count too.
    """
    lines: set[str] = set()
    for key in objects(scope).list(f"{_ROOT}/{feed.tenant}/{UNMAPPABLE}/"):
        table = _table(scope, key, ("reason", "line"))
        about = json.loads(table.schema.metadata[_ABOUT])
        if (about["feed"], about["stream"]) == (feed.feed, stream):
            records = table if parts else table.filter(pc.invert(pc.starts_with(table["reason"], CHILD)))
            lines.update(records["line"].to_pylist())
    return len(lines)


def unmappable_batches(scope: Scope, feed: FeedKey) -> frozenset[str]:
    """Batches of a feed with a line that `list_rows` shows as unmappable."""
    rows = list_rows(scope, feed.tenant, UNMAPPABLE, limit=None)
    return frozenset(row.batch_id for row in rows if row.feed == feed.feed)


def _read_whole(scope: Scope, tenant: str) -> dict[tuple[str, str], datetime]:
    """(feed, stream) -> when the last read of everything that has settled was planned."""
    found = ((key, SliceState(scope, key).read_whole_at()) for key in slice_keys(scope) if key.tenant == tenant)
    return {(key.feed, key.stream): at for key, at in found if at is not None}


def _read_since(row: QuarantinedRow, read: dict[tuple[str, str], datetime]) -> bool:
    at = read.get((row.feed, row.stream))
    return at is not None and datetime.fromisoformat(row.since) < at


def _freed(scope: Scope, tenant: str) -> set[tuple[str, str, str]]:
    """(feed, entity, source_id) of rows whose last verdict, as the streams' hashes keep it, is not quarantine."""
    store = objects(scope)
    found: set[tuple[str, str, str]] = set()
    for key in slice_keys(scope):
        state = SliceState(scope, key)
        if key.tenant != tenant or not store.exists(state.hashes):
            continue
        with store.open(state.hashes) as file:
            known = pq.read_table(file, columns=["entity", "source_id", "verdict", "deleted"])
        free = known.filter(pc.or_(pc.not_equal(known["verdict"], "quarantined"), known["deleted"]))
        pairs = zip(free["entity"].to_pylist(), free["source_id"].to_pylist(), strict=True)
        found.update((key.feed, entity, source_id) for entity, source_id in pairs)
    return found


def show(scope: Scope, key: str) -> dict[str, Any]:
    """Every column of one row, by the key a list gave it; raises Misconfigured when it is no longer in quarantine."""
    parts = key.split("/", 3)
    if len(parts) == 4:
        tenant, entity, batch_id, name = parts
        source_id = f"{batch_id}/{name}" if entity == UNMAPPABLE else name
        for suffix in ("", ".sealed"):
            place = f"{_ROOT}/{tenant}/{entity}/{batch_id}.parquet{suffix}"
            if objects(scope).exists(place):
                table = _table(scope, place, None, filters=[("source_id", "==", source_id)])
                if table.num_rows:
                    row: dict[str, Any] = table.slice(0, 1).to_pylist()[0]
                    return row
    raise Misconfigured(f"There is no quarantined row '{key}'.", "List what there is with `varai quarantine list`.")


def _key(entity: str, ref: BatchRef, *, sealed: bool) -> str:
    return f"{_ROOT}/{ref.tenant}/{entity}/{ref.batch_id}.parquet{'.sealed' if sealed else ''}"


def _rows(scope: Scope, key: str) -> Iterator[QuarantinedRow]:
    tenant, entity, name = key.split("/")[1:4]
    table = _table(scope, key, _COLUMNS)
    about = json.loads(table.schema.metadata[_ABOUT])
    batch_id = name.partition(".")[0]
    named = f"{tenant}/{entity}" if entity == UNMAPPABLE else f"{tenant}/{entity}/{batch_id}"
    for row in table.to_pylist():
        yield QuarantinedRow(
            key=f"{named}/{row['source_id']}",
            tenant=tenant,
            feed=about["feed"],
            stream=about["stream"],
            entity=entity,
            batch_id=batch_id,
            source_id=row["source_id"],
            reasons=tuple(row["reasons"] or ()),
            flags=tuple(row.get("flags") or ()),
            score=row.get("score"),
            since=about["ingested_at"],
        )


def _table(
    scope: Scope, key: str, columns: tuple[str, ...] | None, filters: list[tuple[str, str, str]] | None = None
) -> pa.Table:
    """Read an object; sealed ones are opened into memory only."""
    with open_object(scope, key) as file:
        data = pa.py_buffer(file.read())
    kept = None
    if columns is not None:
        kept = [name for name in pq.read_schema(pa.BufferReader(data)).names if name in columns]
    return pq.read_table(pa.BufferReader(data), columns=kept, filters=filters)
