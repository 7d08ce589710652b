"""Publish canonical rows: staged tables in, documents written only where something changed out.

Present documents are read, compared and written only where a part changes, in bulk, and only if the part still is what
was read; new ones are inserted. Whoever loses a race reads again. A variant or image that names another product than before
leaves the document of that one first. Rows are sorted by document in DuckDB, which spills to a temporary folder, so that
memory does not grow with the batch; no entity here is personal.
"""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import Any, TypeAlias, TypeVar

import duckdb
import pyarrow as pa
from pymongo import UpdateOne
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from varai.catalogue.collections import HELD, MAPS, collection_of, document_id, held_name, in_maps, parts_of, path_of
from varai.catalogue.holders import Holding, holders, unlisted
from varai.catalogue.homes import coming, settle
from varai.catalogue.parts import Part, newer, part, replacing, unmoved
from varai.catalogue.versions import bump
from varai.kernel import Conflict, Feed, Misconfigured, ResidencyBreach, Scope
from varai.stores import documents

_READ = 50  # ids per $in: the embedded server's time grows with the square of it
_WRITE = 1_000
_ATTEMPTS = 5
_DUPLICATE = 11000
_HELD = pa.schema([("id", pa.string()), ("owner", pa.string())])
Staged: TypeAlias = "pa.Table | pa.RecordBatchReader"
Item = TypeVar("Item")


@dataclass(slots=True)
class SyncReport:
    """What `publish` did.

    Attributes:
        written: documents inserted or changed.
        skipped: documents given that held the same or newer rows already.
        tombstoned: rows given as tombstones.
    """

    written: int = 0
    skipped: int = 0
    tombstoned: int = 0


@dataclass(slots=True)
class _Document:
    """What one publish brings for one document: its newest parts by path."""

    id: str
    source_id: str
    parts: dict[str, Part] = field(default_factory=dict)


def publish(scope: Scope, feed: Feed, staged: Mapping[str, Staged], *, run_id: str) -> SyncReport:
    """Write staged rows (schema `Entity.schema()`) of one feed; the same rows twice leave the same state.

    Older rows never overwrite newer ones, whatever order they come in: (source_updated_at, ingested_at) decides.
    `run_id` is kept with every part, so that `revert` can undo it. A variant or image lives in the document of the product
    that its newest row names, and in no other.

    Args:
        staged: tables by entity; a table has one row of a source_id.

    Raises:
        Misconfigured: an entity the catalogue does not hold, or a scope of another tenant.
        Conflict: other writers kept changing the same documents.
        ResidencyBreach: rows of another tenant or feed than the feed's; nothing of their piece is written.
    """
    if scope.tenant not in (None, feed.tenant):
        raise Misconfigured(f"The scope of tenant '{scope.tenant}' may not publish rows of feed {feed.key}.")
    report = SyncReport()
    together: dict[str, dict[str, Staged]] = {}
    for name, rows in staged.items():
        together.setdefault(collection_of(name), {})[name] = rows
    for collection, entities in together.items():
        _publish(scope, feed, collection, entities, run_id, report)
    if report.written or report.skipped:
        bump(scope, feed.tenant)
    return report


def _publish(
    scope: Scope, feed: Feed, collection: str, entities: Mapping[str, Staged], run_id: str, report: SyncReport
) -> None:
    target = documents(scope)[collection]
    fresh = target.find_one({"tenant": feed.tenant, "feed": feed.name}, {"_id": 1}) is None
    for piece in _pieces(_documents(scope, feed, entities, run_id, report), _WRITE):
        written = 0
        for attempt in range(_ATTEMPTS):
            first = fresh and attempt == 0
            held = {} if first else _read(target, [one.id for one in piece])
            left, lost = (0, False) if first else _make_way(feed, target, piece, held)
            done, raced = _write(feed, target, piece, held)
            written += done
            report.written += left
            if not (raced or lost):
                break
        else:
            raise Conflict(f"Documents of {feed.key} in `{collection}` keep changing while they are published.")
        report.written += written
        report.skipped += len(piece) - written


def _make_way(
    feed: Feed, target: Collection[dict[str, Any]], piece: Sequence[_Document], held: Mapping[str, Mapping[str, Any]]
) -> tuple[int, bool]:
    """Take rows that come out of the documents they lived in, and make tombstones of those that come too late; returns as `_write`."""
    given = {
        path: (one, Holding(one.source_id, path, one.parts[path]))
        for one in piece
        for path in coming(one.parts, parts_of(held.get(one.id, {})))
    }
    moves = settle(target, feed.key, {path: holding for path, (_, holding) in given.items()})
    for path, tombstone in moves.late.items():
        given[path][0].parts[path] = tombstone
    if not moves.leaving:
        return 0, False
    result = target.bulk_write(moves.leaving, ordered=False)
    return result.modified_count, result.matched_count < len(moves.leaving)


def _write(
    feed: Feed, target: Collection[dict[str, Any]], piece: Sequence[_Document], held: Mapping[str, Mapping[str, Any]]
) -> tuple[int, bool]:
    """Insert what is absent and update what changed; (documents written, whether another writer was met)."""
    new = [_inserted(feed, one) for one in piece if one.id not in held]
    updates = [update for one in piece if one.id in held and (update := _updated(one, held[one.id]))]
    taken = _insert(target, new)
    written = len(new) - taken
    raced = taken > 0
    if updates:
        result = target.bulk_write(updates, ordered=False)
        written += result.modified_count
        raced = raced or result.matched_count < len(updates)
    return written, raced


def _documents(
    scope: Scope, feed: Feed, entities: Mapping[str, Staged], run_id: str, report: SyncReport
) -> Iterator[_Document]:
    """Rows of all entities of a collection, grouped into their documents, in order of their ids."""
    with tempfile.TemporaryDirectory(prefix="varai-catalogue-") as spill, duckdb.connect() as con:
        con.execute("SET memory_limit = '192MB'")
        con.execute("SET temp_directory = $spill", {"spill": spill})
        streams = [_sorted(scope, feed, con.cursor(), name, rows) for name, rows in entities.items()]
        for source_id, rows in groupby(heapq.merge(*streams, key=_owner), key=_owner):
            found = _Document(document_id(feed.tenant, feed.name, source_id), source_id)
            for name, row in ((name, row) for _, name, row in rows):
                _check(feed, row)
                made, path = part(name, row, run_id), path_of(name, row["source_id"])
                report.tombstoned += made["deleted"]
                if path not in found.parts or not newer(found.parts[path], made):
                    found.parts[path] = made
            yield found


def _sorted(
    scope: Scope, feed: Feed, con: duckdb.DuckDBPyConnection, name: str, rows: Staged
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(source_id of the document, entity, row) in order of the document; a tombstone comes for every document that holds its row."""
    con.register("given", rows)
    if name in MAPS:
        con.execute("CREATE TEMP TABLE staged AS SELECT * FROM given")
        roots = dict(con.execute("SELECT source_id, root_id FROM staged WHERE deleted").fetchall())
        held = holders(scope, feed, name, roots)
        con.register("held", pa.table({"id": [one for one, _ in held], "owner": [one for _, one in held]}, _HELD))
        source = (
            "SELECT s.*, coalesce(h.owner, s.product_id) AS owner FROM staged s LEFT JOIN held h ON h.id = s.source_id"
        )
    else:
        source = "SELECT *, source_id AS owner FROM given"
    reader = con.execute(f"{source} ORDER BY owner, source_id").to_arrow_reader(_WRITE)
    for batch in reader:
        for row in batch.to_pylist():
            yield row["owner"], name, row


def _owner(item: tuple[str, str, dict[str, Any]]) -> str:
    return item[0]


def _check(feed: Feed, row: Mapping[str, Any]) -> None:
    if (row["tenant"], row["feed"]) != (feed.tenant, feed.name):
        raise ResidencyBreach(f"Rows of {row['tenant']}/{row['feed']} were about to be published as {feed.key}.")


def _inserted(feed: Feed, one: _Document) -> dict[str, Any]:
    made: dict[str, Any] = {"_id": one.id, "tenant": feed.tenant, "feed": feed.name, "source_id": one.source_id}
    if listed := [held_name(feed.key, path) for path in one.parts if in_maps(path)]:
        made[HELD] = listed
    for path, new in one.parts.items():
        holder, _, key = path.partition(".")
        if key:
            made.setdefault(holder, {})[key] = replacing(new, None)
        else:
            made[holder] = replacing(new, None)
    return made


def _updated(one: _Document, held: Mapping[str, Any]) -> UpdateOne | None:
    """A write of the parts that change, if they still are what was read; None when none does."""
    stored = parts_of(held)
    changes = {path: made for path, new in one.parts.items() if (made := replacing(new, stored.get(path)))}
    if not changes:
        return None
    guard: dict[str, Any] = {"_id": one.id}
    for path in changes:
        guard |= unmoved(path, stored.get(path))
    update: dict[str, Any] = {"$set": changes}
    if names := unlisted(held, list(changes)):
        update["$addToSet"] = {HELD: {"$each": names}}
    return UpdateOne(guard, update)


def _read(target: Collection[dict[str, Any]], ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for piece in _pieces(ids, _READ):
        found |= {str(one["_id"]): one for one in target.find({"_id": {"$in": piece}})}
    return found


def _insert(target: Collection[dict[str, Any]], new: list[dict[str, Any]]) -> int:
    """Insert; returns how many another writer had inserted meanwhile."""
    if not new:
        return 0
    try:
        target.insert_many(new, ordered=False)
    except BulkWriteError as error:
        failures = error.details["writeErrors"]
        if any(failure["code"] != _DUPLICATE for failure in failures):
            raise
        return len(failures)
    return 0


def _pieces(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    walker = iter(items)
    while piece := list(islice(walker, size)):
        yield piece
