"""Staged objects of a region's bucket: found by name, opened as record batches. Sealed ones are opened in memory only."""

from __future__ import annotations

from collections.abc import Iterator
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
_PLAIN = ".parquet"
_ROWS = 16_384


class Unreadable(Malformed):
    """One staged object cannot be read; the others can."""

    def __init__(self, what: str, cure: str | None = None, *, key: str = "") -> None:
        super().__init__(what, cure or "Delete the object and run `varai remap` for its tenant, which stages it anew.")
        self.key = key


def staged(scope: Scope) -> tuple[StagedObject, ...]:
    """Every staged object that is in the bucket now, by key; other objects under the prefix are left alone."""
    found = (_parsed(scope, key) for key in objects(scope).list(PREFIX))
    return tuple(item for item in found if item is not None)


def _parsed(scope: Scope, key: str) -> StagedObject | None:
    parts = key.split("/")
    ending = next((end for end in (_SEALED, _PLAIN) if key.endswith(end)), None)
    if len(parts) != 4 or ending is None or parts[2] not in ENTITIES:
        return None
    entity = ENTITIES[parts[2]]
    return StagedObject(
        key, parts[1], entity, parts[3].removesuffix(ending), partial(_batches, scope, key, parts[1], entity)
    )


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
