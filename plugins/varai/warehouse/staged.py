"""Staged objects of a region's bucket: found by name, opened as record batches. Sealed ones are opened in memory only."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq

from varai.canonical import ENTITIES, Entity
from varai.kernel import Malformed, Scope
from varai.privacy import open_object
from varai.stores import objects
from varai.warehouse.protocol import StagedObject

PREFIX = "canonical/"
_SEALED = ".parquet.sealed"
_NAME = re.compile(r"(?P<batch>.+?)(-(?P<token>\d+))?\.parquet(\.sealed)?")
_ROWS = 16_384


class Unreadable(Malformed):
    """One staged object cannot be read; the others can."""

    def __init__(self, what: str, cure: str | None = None, *, key: str = "") -> None:
        super().__init__(what, cure or "Delete the object and run `varai remap` for its tenant, which stages it anew.")
        self.key = key


def staged_key(tenant: str, entity: Entity, batch_id: str, token: int) -> str:
    """Where a batch's rows are staged under a lease: no two leases write to one key."""
    return f"{PREFIX}{tenant}/{entity.name}/{batch_id}-{token}.parquet{'.sealed' if entity.sealed else ''}"


def staged(scope: Scope) -> tuple[StagedObject, ...]:
    """What is staged in the bucket now, by key: of each batch and entity the object of the highest token.

    Objects under the prefix that are no staged rows are left alone.
    """
    batches: dict[tuple[str, str, str], list[StagedObject]] = defaultdict(list)
    for key in objects(scope).list(PREFIX):
        item = _parsed(scope, key)
        if item is not None:
            batches[item.tenant, item.entity.name, item.batch_id].append(item)
    return tuple(sorted(map(_newest, batches.values()), key=lambda item: item.key))


def _newest(found: Iterable[StagedObject]) -> StagedObject:
    *older, newest = sorted(found, key=lambda item: item.token)
    return replace(newest, older=tuple(item.key for item in older))


def _parsed(scope: Scope, key: str) -> StagedObject | None:
    parts = key.split("/")
    name = _NAME.fullmatch(parts[-1])
    if len(parts) != 4 or name is None or parts[2] not in ENTITIES:
        return None
    entity = ENTITIES[parts[2]]
    open_ = partial(_batches, scope, key, parts[1], entity)
    return StagedObject(key, parts[1], entity, name["batch"], open_, int(name["token"] or 0))


def _batches(scope: Scope, key: str, tenant: str, entity: Entity) -> Iterator[pa.RecordBatch]:
    """The rows of one object, in the entity's schema; raises Unreadable naming the object."""
    schema = entity.schema()
    try:
        with open_object(scope, key) as stream:
            # Parquet is read from its end; a sealed stream only goes forward, so its plaintext is held in memory.
            source = pa.BufferReader(stream.read()) if key.endswith(_SEALED) else stream
            file = pq.ParquetFile(source)
            unknown = set(file.schema_arrow.names) - set(schema.names)
            if unknown:
                raise Unreadable(
                    f"{key} holds columns that {entity.name} does not have: {', '.join(sorted(unknown))}.",
                    "Deploy the version that staged it, or delete it and run `varai remap`.",
                    key=key,
                )
            for batch in file.iter_batches(batch_size=_ROWS):
                if batch.column("tenant").unique().to_pylist() not in ([], [tenant]):
                    raise Unreadable(f"{key} holds rows of another tenant than its own.", key=key)
                yield _fitted(batch, schema)
    except FileNotFoundError as error:
        raise Unreadable(f"{key} went away while it was being loaded.", key=key) from error
    except (pa.ArrowException, Malformed, OSError, KeyError) as error:
        if isinstance(error, Unreadable):
            raise
        raise Unreadable(f"{key} cannot be read ({type(error).__name__}).", key=key) from error


def _fitted(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The batch in the entity's schema: columns in order, missing ones null (an object staged before they were added)."""
    columns = [
        batch.column(field.name).cast(field.type)
        if field.name in batch.schema.names
        else pa.nulls(batch.num_rows, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)
