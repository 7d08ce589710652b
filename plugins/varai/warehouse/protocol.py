"""What a warehouse promises: staged rows in, one MERGE per table, everything of a load in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import pyarrow as pa

from varai.canonical import Entity
from varai.warehouse.merge import Dialect

Check = Callable[[], None]
"""Raises Conflict when the fencing token of the `warehouse` lease is stale; called right before a commit."""


@dataclass(frozen=True, slots=True)
class StagedObject:
    """One staged object of the bucket: canonical/{tenant}/{entity}/{batch_id}-{token}.parquet[.sealed].

    Attributes:
        token: fencing token of the lease under which it was staged; 0 where the key has none.
        older: keys of the same batch's objects that were staged under lower tokens; they fall with this one.
        open: gives its rows as record batches of exactly `entity.schema()`, a few thousand rows at a time.
    """

    key: str
    tenant: str
    entity: Entity
    batch_id: str
    open: Callable[[], Iterator[pa.RecordBatch]]
    token: int = 0
    older: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LoadedBatch:
    """A staged object that the warehouse now holds, with the rows it brought (before older versions fell away)."""

    tenant: str
    entity: str
    batch_id: str
    rows: int


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a load did.

    Attributes:
        batches: one per staged object that was merged.
        failed: key of a staged object that could not be read -> the sentence that says why; it stays in the bucket.
    """

    batches: tuple[LoadedBatch, ...]
    failed: Mapping[str, str]

    @property
    def rows(self) -> int:
        """Rows read from staged objects."""
        return sum(batch.rows for batch in self.batches)


class Warehouse(Protocol):
    """Raw tables of one region. Whoever opens one holds the region's `warehouse` lease."""

    @property
    def dialect(self) -> Dialect:
        """How statements for `rows` spell names and instants."""
        ...

    def table(self, name: str) -> str:
        """The raw table of an entity, or `loads`, as statements for `rows` name it."""
        ...

    def evolve(self, entities: Sequence[Entity]) -> None:
        """Make missing raw tables and add missing columns; never drops or retypes one."""
        ...

    def lacking(self, entities: Sequence[Entity]) -> tuple[str, ...]:
        """What `evolve` would make now, a sentence each; nothing is changed."""
        ...

    def merge(self, staged: Sequence[StagedObject], check: Check, loaded_at: datetime) -> tuple[LoadedBatch, ...]:
        """Merge all staged objects, one MERGE per table, and record them in raw.loads, in one transaction.

        After an error nothing of it is there. `check` is called right before the commit.
        """
        ...

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows of a query of our own; never of text from outside."""
        ...

    def loads(self, tenant: str) -> tuple[LoadedBatch, ...]:
        """The batches ever loaded for a tenant, by entity and batch id."""
        ...

    def digest(self, tenant: str) -> str:
        """SHA-256 over a tenant's raw rows, sorted by identity, without run fields (ingested_at, batch_id)."""
        ...
