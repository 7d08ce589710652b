"""Live rows of the catalogue as the canonical rows they were, for whoever compares them with other places."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import pyarrow as pa
from bson import Decimal128

from varai.canonical import Entity
from varai.canonical import entity as canonical_entity
from varai.catalogue.collections import COLLECTIONS, MAPS, collection_of, parts_of, plain_name
from varai.kernel import FeedKey, Scope
from varai.stores import documents

UNREADABLE: Final = "unreadable"
"""The content hash of a part that somebody made into what no row can be."""
_BATCH: Final = 1_000


def live_rows(scope: Scope, key: FeedKey, entities: Iterable[str]) -> Iterator[tuple[str, pa.RecordBatch]]:
    """(entity, rows in the entity's schema) of a feed, tombstones left out; a collection is read once for all its entities."""
    wanted = {name for name in entities if name in COLLECTIONS}
    for collection in sorted({collection_of(name) for name in wanted}):
        held: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for document in documents(scope)[collection].find({"tenant": key.tenant, "feed": key.feed}):
            for name, row in _rows(document, wanted):
                held[name].append(row)
                if len(held[name]) >= _BATCH:
                    yield name, _batch(canonical_entity(name), held.pop(name))
        for name, rows in held.items():
            yield name, _batch(canonical_entity(name), rows)


def _rows(document: Mapping[str, Any], wanted: set[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    of_holder = {holder: name for name, holder in MAPS.items()}
    parts: Mapping[str, Any] = parts_of(document)  # somebody may have made anything of them
    for path, part in parts.items():
        holder, _, key = path.partition(".")
        name = of_holder.get(holder, holder)
        source_id = plain_name(key) if key else document["source_id"]
        if name in wanted and not isinstance(part, dict):
            yield name, {"source_id": source_id, "content_hash": UNREADABLE}
        elif name in wanted and not part.get("deleted"):
            yield name, {**part, "source_id": source_id, "root_id": document["source_id"]}


def _batch(kind: Entity, rows: list[dict[str, Any]]) -> pa.RecordBatch:
    try:
        return _typed(kind, rows)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return pa.concat_batches([_row(kind, row) for row in rows])


def _row(kind: Entity, row: dict[str, Any]) -> pa.RecordBatch:
    try:
        return _typed(kind, [row])
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return _typed(kind, [{"source_id": row["source_id"], "content_hash": UNREADABLE}])


def _typed(kind: Entity, rows: list[dict[str, Any]]) -> pa.RecordBatch:
    schema = kind.schema()
    columns = [pa.array([_value(row.get(field.name)) for row in rows], field.type) for field in schema]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _value(value: Any) -> Any:
    return value.to_decimal() if isinstance(value, Decimal128) else value
