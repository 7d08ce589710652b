"""Who stands in a simulated shop and changes it: records come, change, go and come back, as at the real vendor, by writing its file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

Body = dict[str, Any]
KINDS = ("products", "orders", "customers")
"""What a clerk deals with, by the names of the streams."""


@dataclass(frozen=True)
class Taken:
    """A record with all that hangs on it, as the rows of the shop's file; the record's own row comes first."""

    kind: str
    id: str
    rows: tuple[tuple[Any, ...], ...]


class Clerk(Protocol):
    """Changes one shop. Ids are those that its feed's rows have as `source_id`, but for people."""

    def ids(self, kind: str) -> list[str]:
        """Records of a kind that can be changed and taken away, in order of their ids."""
        ...

    def touch(self, kind: str, id: str, word: str, at: datetime) -> None:
        """Change something that a reader sees: a product's title, the last line of an order, a person's name."""
        ...

    def census(self) -> dict[str, set[str]]:
        """Ids of all there is, by the name of the canonical entity: products, variants, orders, their lines, refunds and people."""
        ...

    def long_orders(self) -> list[str]:
        """Orders that have several lines."""
        ...

    def shorten(self, id: str, at: datetime) -> None:
        """Take the last line out of an order that has several."""
        ...

    def take(self, kind: str, id: str) -> Taken:
        """A record as it is now."""
        ...

    def remove(self, kind: str, id: str, at: datetime) -> None:
        """Delete a record with all that hangs on it."""
        ...

    def put(self, taken: Taken, at: datetime | None, id: str | None = None) -> None:
        """Put a record (back), changed at an instant or, with None, as it was; under its own id or another record's."""
        ...


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A shop's file, to be written in one transaction."""
    with closing(sqlite3.connect(path, timeout=30.0)) as db, db:
        yield db


def read(text: str) -> Body:
    """A record's body."""
    found: Body = json.loads(text)
    return found


def written(body: Body) -> str:
    """A body as it is kept."""
    return json.dumps(body, separators=(",", ":"))
