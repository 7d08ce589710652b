"""The store of one simulated shop of a REST vendor: JSON records by kind and id in one SQLite file, and facts of the shop.

Writers put records in, simulated APIs read them out. In WAL mode: one writer and many readers work at the same time.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self

_TABLES = """
CREATE TABLE IF NOT EXISTS record(
    kind TEXT NOT NULL, id INT NOT NULL, parent INT NOT NULL, status TEXT NOT NULL, created TEXT NOT NULL, modified TEXT NOT NULL,
    body TEXT NOT NULL, PRIMARY KEY (kind, id));
CREATE INDEX IF NOT EXISTS record_changed ON record(kind, modified, status, parent, id, created);
CREATE INDEX IF NOT EXISTS record_listed ON record(kind, id, modified, created, status, parent);
CREATE INDEX IF NOT EXISTS record_parent ON record(kind, parent, id);
CREATE TABLE IF NOT EXISTS fact(name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
Body = dict[str, Any]


class Records:
    """The records of a shop's file; made where it is not there. Close it, or use it as a context: what was put is then kept."""

    def __init__(self, path: Path) -> None:
        new = not path.exists()
        self._connection = sqlite3.connect(path, timeout=30.0, check_same_thread=False)
        self._connection.execute("PRAGMA synchronous = OFF")  # a simulated shop can be generated again
        if new:
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.executescript(_TABLES)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        if raised[0] is None:
            self._connection.commit()
        self._connection.close()

    def close(self) -> None:
        """End it; what was put since the last commit is dropped."""
        self._connection.close()

    def set_facts(self, facts: Mapping[str, str]) -> None:
        """Set facts of the shop: credentials, zone and the like."""
        self._connection.executemany("INSERT OR REPLACE INTO fact VALUES (?, ?)", list(facts.items()))
        self._connection.commit()

    def facts(self) -> dict[str, str]:
        """All facts of the shop."""
        return dict(self._connection.execute("SELECT name, value FROM fact").fetchall())

    def put(
        self, kind: str, body: Mapping[str, Any], *, created: str, modified: str, parent: int = 0, status: str = ""
    ) -> None:
        """Write a record, its `id` in the body; instants as the vendor writes them, so that their texts sort."""
        row = (kind, body["id"], parent, status, created, modified, json.dumps(body, separators=(",", ":")))
        self._connection.execute("INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def delete(self, kind: str, id: int) -> None:
        """Remove a record with what has it as its parent."""
        self._connection.execute("DELETE FROM record WHERE (kind = ? AND id = ?) OR parent = ?", (kind, id, id))

    def get(self, kind: str, id: int) -> Body | None:
        """A record's body."""
        found = self._connection.execute("SELECT body FROM record WHERE kind = ? AND id = ?", (kind, id)).fetchone()
        return None if found is None else json.loads(found[0])

    def count(self, kind: str, where: str = "", bound: Sequence[Any] = ()) -> int:
        """How many records of a kind meet a condition on the columns."""
        asked = f"SELECT count(*) FROM record WHERE kind = ? {where and f'AND {where}'}"
        return int(self._connection.execute(asked, (kind, *bound)).fetchone()[0])

    def page(
        self,
        kind: str,
        where: str = "",
        bound: Sequence[Any] = (),
        *,
        order: str = "id",
        limit: int = -1,
        offset: int = 0,
    ) -> list[str]:
        """Bodies, as JSON texts, of records of a kind that meet a condition."""
        condition = where and f"AND {where}"
        # Found without their bodies: a page far behind passes all that come before it.
        chosen = f"SELECT rowid FROM record WHERE kind = ? {condition} ORDER BY {order} LIMIT ? OFFSET ?"
        asked = f"SELECT body FROM record WHERE rowid IN ({chosen}) ORDER BY {order}"
        return [row[0] for row in self._connection.execute(asked, (kind, *bound, limit, offset)).fetchall()]


@contextmanager
def reading(path: Path) -> Iterator[Records]:
    """The records of a file for the length of a block. Raises FileNotFoundError when there is none."""
    if not path.is_file():
        raise FileNotFoundError(f"There is no shop at {path.name}.")
    with closing(Records(path)) as records:
        yield records
